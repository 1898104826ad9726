package cache

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The rules are tested by dialogues, testdata/*.txt, of a client, the cache and an
// origin server:
//
//	== what is claimed
//	site ttl=/:0:60s                 what the Site says
//	> GET /a                         a request; its fields follow, indented
//	    Accept-Encoding: gzip
//	< 200 delay=2s cut=3             the origin's answer, if it is asked; "< fail" for none
//	    Cache-Control: max-age=60
//	    body: text
//	>>                               what the origin got: fields that are there, or, with !, are not
//	    If-None-Match: "a"
//	= miss uri-miss 200 stored       outcome, reason, status for the client; "stored", or "not:why"
//	    !Age                         and fields of the answer, and its body
//	+10s                             time passes
//
// In a value @now and @start are dates, with seconds added: @now+60. An answer
// has a Date of its own moment, unless it has another or says "Date: none".
func TestDialogues(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) < 5 {
		t.Fatalf("only %d files of dialogues", len(files))
	}
	for _, file := range files {
		if filepath.Base(file) == "rules.txt" {
			continue
		}
		for _, d := range dialoguesOf(t, file) {
			t.Run(d.title, func(t *testing.T) { d.play(t) })
		}
	}
}

type dialogue struct {
	title, file string
	steps       []step
}

type step struct {
	line   int
	head   string
	fields []string
}

func dialoguesOf(t *testing.T, file string) (list []dialogue) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || line[0] == '#':
		case strings.HasPrefix(line, "== "):
			list = append(list, dialogue{title: line[3:], file: file})
		case line[0] == ' ':
			d := &list[len(list)-1]
			s := &d.steps[len(d.steps)-1]
			s.fields = append(s.fields, trimmed)
		default:
			d := &list[len(list)-1]
			d.steps = append(d.steps, step{i + 1, line, nil})
		}
	}
	return list
}

func (d *dialogue) play(t *testing.T) {
	l := newLab()
	start := l.now
	serial := 0
	for i := 0; i < len(d.steps); i++ {
		s := d.steps[i]
		where := fmt.Sprintf("%s:%d: %s", d.file, s.line, s.head)
		words := strings.Fields(s.head)
		switch words[0] {
		case "site":
			setSite(t, &l.p, words[1:])
			continue
		case ">":
		default:
			pause, err := time.ParseDuration(strings.TrimPrefix(s.head, "+"))
			if err != nil {
				t.Fatalf("%s: what is this?", where)
			}
			l.now = l.now.Add(pause)
			continue
		}
		r := request{method: words[1], target: words[2], host: "example.com"}
		for _, f := range s.fields {
			switch name, value, _ := strings.Cut(f, ": "); {
			case name == "Host":
				r.host = value
			case name == "body":
				r.body = true
			default:
				r.fields = append(r.fields, dated(f, start, l.now))
			}
		}
		var answers []step
		for i+1 < len(d.steps) && strings.HasPrefix(d.steps[i+1].head, "<") {
			i++
			answers = append(answers, d.steps[i])
		}
		l.origin = func(l *lab, _ request) reply {
			if len(answers) == 0 {
				t.Fatalf("%s: the origin was asked", where)
			}
			a := answers[0]
			answers = answers[1:]
			serial++
			return replyOf(l, a, start, serial)
		}
		got := l.serve(r)
		if len(answers) > 0 {
			t.Fatalf("%s: the origin was not asked: %v %v", where, got.decision.Outcome, got.decision.Reason)
		}
		for i+1 < len(d.steps) && (d.steps[i+1].head == ">>" || d.steps[i+1].head[0] == '=') {
			i++
			check(t, l, d, d.steps[i], got, start)
		}
	}
}

func replyOf(l *lab, s step, start time.Time, serial int) reply {
	words := strings.Fields(s.head)
	a := reply{body: fmt.Sprintf("body %d", serial)}
	a.status, _ = strconv.Atoi(words[1])
	for _, w := range words[2:] {
		switch name, value, _ := strings.Cut(w, "="); name {
		case "delay":
			pause, _ := time.ParseDuration(value)
			l.now = l.now.Add(pause)
		case "cut":
			a.cut, _ = strconv.Atoi(value)
		case "length":
			a.length, _ = strconv.Atoi(value)
		}
	}
	date := true
	for _, f := range s.fields {
		switch name, value, _ := strings.Cut(f, ":"); {
		case name == "body":
			value = strings.TrimPrefix(value, " ")
			a.body = strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(value)
		case f == "Date: none":
			date = false
		default:
			date = date && name != "Date"
			a.fields = append(a.fields, dated(f, start, l.now))
		}
	}
	if date {
		a.fields = append(a.fields, dated("Date: @now", start, l.now))
	}
	if a.status == 304 || a.status == 204 {
		a.body = ""
	}
	return a
}

var datePattern = regexp.MustCompile(`@(start|now)([+-]\d+)?`)

func dated(f string, start, now time.Time) string {
	return datePattern.ReplaceAllStringFunc(f, func(s string) string {
		m := datePattern.FindStringSubmatch(s)
		at := now
		if m[1] == "start" {
			at = start
		}
		n, _ := strconv.Atoi(m[2])
		return at.Add(time.Duration(n) * time.Second).Format("Mon, 02 Jan 2006 15:04:05 GMT")
	})
}

func check(t *testing.T, l *lab, d *dialogue, s step, got result, start time.Time) {
	t.Helper()
	where := fmt.Sprintf("%s:%d: %s", d.file, s.line, s.head)
	fields, content := got.fields, got.body
	if s.head == ">>" {
		if len(l.asked) == 0 {
			t.Fatalf("%s: the origin was not asked", where)
		}
		last := l.asked[len(l.asked)-1]
		fields, content = append(last.fields, "target: "+last.target), ""
	} else {
		for _, w := range strings.Fields(s.head)[1:] {
			if have := wordsOf(got); !slices.Contains(have, w) {
				t.Errorf("%s\n\tnot %s; got %s, answer %d %v", where, w, strings.Join(have, " "), got.status, got.fields)
			}
		}
	}
	for _, f := range s.fields {
		f = dated(f, start, l.now)
		name, value, found := strings.Cut(f, ":")
		value = strings.TrimPrefix(value, " ")
		switch have, ok := getLine(fields, strings.TrimPrefix(name, "!")); {
		case name == "body":
			if value = strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(value); content != value {
				t.Errorf("%s: body %q, want %q", where, content, value)
			}
		case name == "Cache-Status" && found:
			if got.handled != f {
				t.Errorf("%s: %s, want %s", where, got.handled, f)
			}
		case name[0] == '!':
			if ok {
				t.Errorf("%s: %s is there: %q", where, name[1:], have)
			}
		case !ok || found && have != value:
			t.Errorf("%s: %s is %q, want %q, in %q", where, name, have, value, fields)
		}
	}
}

func wordsOf(r result) []string {
	w := []string{r.decision.Outcome.String(), r.decision.Reason.String(), strconv.Itoa(r.status)}
	if r.stored {
		return append(w, "stored")
	}
	return append(w, "not:"+r.taken.Why.String())
}

// setSite reads words like ttl=/path:404:60s.
func setSite(t *testing.T, p *Policy, words []string) {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		duration, _ := time.ParseDuration(value)
		switch name {
		case "ttl":
			parts := strings.Split(value, ":")
			status, _ := strconv.Atoi(parts[1])
			d, err := time.ParseDuration(parts[2])
			if err != nil {
				t.Fatal(err)
			}
			p.TTL = append(p.TTL, TTL{parts[0], status, d})
		case "ignore":
			p.IgnoreParams = strings.Split(value, ",")
		case "keyfield":
			p.KeyFields = append(p.KeyFields, value)
		case "keycookie":
			p.KeyCookies = append(p.KeyCookies, value)
		case "bypass-path":
			p.Bypass = append(p.Bypass, Condition{Path: value})
		case "bypass-cookie":
			p.Bypass = append(p.Bypass, Condition{Cookie: value})
		case "bypass-field":
			p.Bypass = append(p.Bypass, Condition{Field: value})
		case "max":
			p.MaxObject, _ = strconv.ParseInt(value, 10, 64)
		case "ranges":
			p.MaxRanges, _ = strconv.Atoi(value)
		case "storesetcookie":
			p.StoreSetCookie = true
		case "sharecookies":
			p.ShareCookies = true
		case "staleiferror":
			p.StaleIfError = duration
		case "heuristicmax":
			p.HeuristicMax = duration
		case "targets":
			p.Targets = strings.FieldsFunc(value, func(r rune) bool { return r == ',' })
			if p.Targets == nil {
				p.Targets = []string{}
			}
		case "unkeyed":
			p.Unkeyed = append(p.Unkeyed, value)
		case "name":
			p.Name = value
		default:
			t.Fatalf("the site has no %s", name)
		}
	}
}

// testdata/rules.txt has a row for each rule: the section, how binding it is, the
// rule, and the dialogues and tests that hold it.
//
//	RFC 9111 §3 | MUST NOT | store what is no final response | "a 103 is not stored"
func TestEveryRuleHasATestAndEveryDialogueARule(t *testing.T) {
	known := map[string]bool{}
	dialogues := map[string]bool{}
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		if filepath.Base(file) == "rules.txt" {
			continue
		}
		for _, d := range dialoguesOf(t, file) {
			if known[d.title] {
				t.Errorf("%s: two dialogues are called %q", file, d.title)
			}
			known[d.title], dialogues[d.title] = true, true
		}
	}
	for _, name := range testsOfPackage(t) {
		known[name] = true
	}
	text, err := os.ReadFile("testdata/rules.txt")
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`^(RFC \d{4} (§[\d.]+|App\. [A-Z])|Site|Safety)$`)
	rows := 0
	for n, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		cells := strings.Split(line, " | ")
		if len(cells) != 4 {
			t.Errorf("rules.txt:%d: %d cells of 4", n+1, len(cells))
			continue
		}
		rows++
		if !section.MatchString(strings.TrimSpace(cells[0])) {
			t.Errorf("rules.txt:%d: no section: %q", n+1, cells[0])
		}
		for proof := range strings.SplitSeq(cells[3], "; ") {
			if proof = strings.TrimSpace(proof); !known[proof] {
				t.Errorf("rules.txt:%d: no dialogue or test is called %q", n+1, proof)
			}
			delete(dialogues, proof)
		}
	}
	if rows < 50 {
		t.Errorf("only %d rules", rows)
	}
	for title := range dialogues {
		t.Errorf("no rule names the dialogue %q", title)
	}
}

func testsOfPackage(t *testing.T) (names []string) {
	packages, err := parser.ParseDir(token.NewFileSet(), ".", func(i fs.FileInfo) bool { return strings.HasSuffix(i.Name(), "_test.go") }, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		for _, f := range p.Files {
			for _, decl := range f.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok {
					names = append(names, fn.Name.Name)
				}
			}
		}
	}
	return names
}
