package reports_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"proxylab/reports"
	"proxylab/reports/record"
)

func TestThePageAsksNothingOfTheNetwork(t *testing.T) {
	page := spoilt(t).html
	for _, m := range regexp.MustCompile(`(?i)\b(src|href|srcset|action|poster|data)\s*=\s*["']?([^"'\s>]*)`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[2], "#") {
			t.Errorf("reference outside the page: %s", m[0])
		}
	}
	for _, bad := range []string{"<script", "<link", "<iframe", "@import", "url("} {
		if strings.Contains(strings.ToLower(page), bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
	// Every #target of the page is there.
	for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `id="`+m[1]+`"`) {
			t.Errorf("#%s leads nowhere", m[1])
		}
	}
}

func TestThePageSaysItInOrder(t *testing.T) {
	p := spoilt(t)
	res := p.res
	for name, page := range p.both() {
		at := 0
		for _, want := range []string{
			res.About.Title, "The answer", res.Verdicts[0].Sentence, "Which needs less memory?",
			"Can it be trusted?", "same schedule", "Docker 26.1.5",
			"Figures", "How the systems compare", "CPU time per request", "Latency by percentile", "Response time over time", "Achieved against offered rate", "Share of requests per origin",
			"The systems side by side", "Apache/2.4.65 (Debian)", "sha256:90aa3be11c52", "Do they do the same?", "gzip", "retry: 5s", "Trials", "06-", "Methods", "400 requests/s", "when the moon is full",
			"Configuration", "lbmethod: byrequests", "ProxySet lbmethod=byrequests", "How to repeat it", res.About.Command, res.About.Commit,
		} {
			i := strings.Index(page[at:], want)
			if i < 0 {
				t.Fatalf("%s: %q is missing, or stands before what it follows", name, want)
			}
			at += i
		}
	}
}

func TestThePageIsUsableWithoutSight(t *testing.T) {
	page := spoilt(t).html
	count := func(re string) int { return len(regexp.MustCompile(re).FindAllString(page, -1)) }
	if n := count(`<h1>`); n != 1 {
		t.Errorf("%d h1", n)
	}
	if figures, named := count(`<svg `), count(`<svg [^>]*role="img" aria-labelledby`); figures != 7 || named != figures {
		t.Errorf("%d figures, %d of them named", figures, named)
	}
	if n := count(`<desc id="[^"]+">[^<]{20,}`); n != 7 {
		t.Errorf("%d of 7 figures are described", n)
	}
	if n := count(`<details>`); n != 7 {
		t.Errorf("%d of 7 figures have their table", n)
	}
	if tables, captions := count(`<table`), count(`<caption>[^<]`); tables != captions {
		t.Errorf("%d tables, %d captions", tables, captions)
	}
	if n := count(`<th>`); n != 0 {
		t.Errorf("%d table headers without a scope", n)
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("id %s is there twice", m[1])
		}
		ids[m[1]] = true
	}
}

func TestWhatComesFromARunCannotBecomeHTML(t *testing.T) {
	const attack = `</title></code><script>alert(1)</script>`
	s := newSmall(3)
	dir := s.write(t, t.TempDir())
	s.run.About.Title, s.run.About.Command, s.run.About.Notes = attack, attack, []string{attack}
	s.run.Systems[1].Version = attack
	s.run.Trials[0].Origins = map[string]int64{attack: 1200}
	must(t, record.Write(dir, s.run))
	must(t, os.WriteFile(filepath.Join(dir, "config", "proxyd", "site.yaml"), []byte(attack+"\x00\xff"), 0o644))
	if page := pagesOf(t, dir).html; strings.Contains(page, "<script") {
		t.Errorf("a script in the page: %s", page[strings.Index(page, "<script")-80:][:200])
	}
}

func TestWhereASystemDiffersFromTheDeclarationIsSaid(t *testing.T) {
	p := pagesOf(t, newSmall(3).write(t, t.TempDir()))
	if want := "<th scope=\"row\">apache (stock)</th><td>members&#39; retry: 5s; stock is 1m0s</td>"; !strings.Contains(p.html, want) {
		t.Errorf("no %s in the page", want)
	}
	if want := "| apache (stock) | members' retry: 5s; stock is 1m0s |"; !strings.Contains(p.md, want) {
		t.Errorf("no %s in the Markdown", want)
	}
}

// What was seen on the wire stands side by side, and where it differs is told.
func TestParityIsShown(t *testing.T) {
	p := pagesOf(t, newSmall(3).write(t, t.TempDir()))
	for _, want := range []string{
		"<th scope=\"col\">proxyd</th><th scope=\"col\">apache (stock)</th><th scope=\"col\">alike</th>",
		"<th scope=\"row\">Content-Encoding of text</th><td>none</td><td>gzip</td><td>no</td>",
		"<th scope=\"row\">bodies, by hash</th><td>5 of 5 right</td><td>5 of 5 right</td><td>yes</td>",
	} {
		if !strings.Contains(p.html, want) {
			t.Errorf("no %s in the page", want)
		}
	}
	for _, want := range []string{"| Content-Encoding of text | none | gzip | no |", "| bodies, by hash | 5 of 5 right | 5 of 5 right | yes |"} {
		if !strings.Contains(p.md, want) {
			t.Errorf("no %s in the Markdown", want)
		}
	}
	if len(p.res.Parity) != 2 {
		t.Errorf("results.json has %d of 2 rows", len(p.res.Parity))
	}
	older := newSmall(3)
	older.run.Parity = nil
	if q := pagesOf(t, older.write(t, t.TempDir())); !strings.Contains(q.html, "This run asked nothing on the wire.") || !strings.Contains(q.md, "This run asked nothing on the wire.") {
		t.Error("an older run does not say that it asked nothing")
	}
}

// A report must come out whatever the run was, and say what it is.
func TestNoRunBreaksTheReport(t *testing.T) {
	for _, tt := range []struct {
		claim  string
		blocks int
		change func(*synthetic)
		want   string
	}{
		{"no trial at all", 0, func(s *synthetic) {}, "No trial is valid, so nothing is compared."},
		{"one block", 1, func(s *synthetic) {}, "not decided, 1 pair of valid trials, 3 are needed"},
		{"every trial invalid", 3, func(s *synthetic) {
			for i := range s.run.Trials {
				s.run.Trials[i].Validity, s.run.Trials[i].Reasons = record.Invalid, []string{"engine stalled"}
			}
		}, "03-direct is INVALID: engine stalled"},
		{"one proxy alone", 3, func(s *synthetic) {
			s.run.Systems, s.run.Parity = s.run.Systems[:1], nil
			s.run.Trials = nil
		}, "This run holds no two proxies to compare."},
		{"no schedule in the record", 3, func(s *synthetic) { s.run.Load = record.Load{} }, "0.28 times as much ("},
		{"nothing counted", 3, func(s *synthetic) {
			for i := range s.run.Trials {
				s.run.Trials[i].Origins, s.run.Trials[i].Resources = nil, record.Resources{}
			}
		}, "CPU time per request of proxyd and apache: not decided"},
		{"CPU time of zero", 3, func(s *synthetic) {
			for i := range s.run.Trials {
				s.run.Trials[i].Resources.System = &record.Usage{}
			}
		}, "a ratio of 0 to 0 says nothing"},
		{"trials that never started", 3, func(s *synthetic) {
			for i := range s.run.Trials {
				t := &s.run.Trials[i]
				*t = record.Trial{ID: t.ID, Block: t.Block, System: t.System, Validity: record.Invalid, Reasons: []string{"port in use"}}
			}
		}, "01-apache is INVALID: port in use"},
	} {
		t.Run(tt.claim, func(t *testing.T) {
			s := newSmall(tt.blocks)
			dir := s.write(t, t.TempDir())
			tt.change(s)
			must(t, record.Write(dir, s.run))
			p := pagesOf(t, dir)
			must(t, reports.Table(&strings.Builder{}, p.res))
			for name, page := range p.both() {
				if !strings.Contains(page, tt.want) {
					t.Errorf("%s does not say %q", name, tt.want)
				}
				for _, bad := range []string{"NaN", "+Inf", "%!", "<no value>"} {
					if strings.Contains(page, bad) {
						t.Errorf("%s holds %q", name, bad)
					}
				}
			}
		})
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	for _, tt := range []struct{ claim, remove, want string }{
		{"record", "run.json", "run.json"},
		{"samples", "samples/02-apache.csv.gz", "02-apache"},
		{"configuration", "config/apache/proxylab.conf", "hint: run.json names it among the configuration of apache"},
	} {
		dir := newSmall(2).write(t, t.TempDir())
		must(t, os.Remove(filepath.Join(dir, tt.remove)))
		if _, err := reports.Write(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("without its %s: error %v, want one with %q", tt.claim, err, tt.want)
		}
	}
}

func TestLatestPointsAtTheNewest(t *testing.T) {
	out := t.TempDir()
	for _, name := range []string{"20261123-101500-01", "20261123-111500-01"} {
		must(t, os.Mkdir(filepath.Join(out, name), 0o755))
		must(t, reports.Latest(out, filepath.Join(out, name)))
		if got, err := os.Readlink(filepath.Join(out, "latest")); err != nil || got != name {
			t.Errorf("latest is %q (%v), want %q, relative so that the folder can move", got, err, name)
		}
	}
	left, err := os.ReadDir(out)
	must(t, err)
	if len(left) != 3 {
		t.Errorf("left behind: %v", left)
	}
	must(t, os.Remove(filepath.Join(out, "latest")))
	must(t, os.Mkdir(filepath.Join(out, "latest"), 0o755))
	if err := reports.Latest(out, filepath.Join(out, "20261123-101500-01")); err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("a folder in the way: %v", err)
	}
}
