package reports_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"proxylab/reports"
	"proxylab/reports/record"
)

// spoil makes two trials of a run what real runs have too.
func (s *synthetic) spoil() {
	for i := range s.run.Trials {
		switch t := &s.run.Trials[i]; t.ID {
		case "04-apache":
			t.Validity, t.Reasons = record.Invalid, []string{"generator lagged: 3.1 % of requests sent more than 10 ms behind the plan, at most 1 % allowed"}
			t.Late = 149
			t.Resources.System.CPUPerRequest *= 1.4
		case "02-proxyd":
			t.Validity, t.Reasons = record.Suspect, []string{"origins used 93 % of their CPUs, above 80 %"}
		}
	}
}

// pages are what a reader gets.
type pages struct {
	html, md string
	res      record.Results
}

func (p pages) both() map[string]string {
	return map[string]string{"index.html": p.html, "report.md": p.md}
}

// report makes the pages of a run after change had its way with the record.
func report(t *testing.T, blocks int, change func(*record.Run)) pages {
	t.Helper()
	s := newSynthetic(blocks)
	dir := s.write(t, t.TempDir())
	s.spoil()
	if change != nil {
		change(&s.run)
	}
	must(t, record.Write(dir, s.run))
	return pagesOf(t, dir)
}

// spoilt is the report of six blocks that nothing else was done to, made once
// for all tests that only read it.
func spoilt(t *testing.T) pages {
	t.Helper()
	spoiltOnce.Do(func() { spoiltPages = report(t, 6, nil) })
	return spoiltPages
}

var (
	spoiltOnce  sync.Once
	spoiltPages pages
)

func pagesOf(t *testing.T, dir string) pages {
	t.Helper()
	html, md, res, err := reports.Pages(dir)
	must(t, err)
	return pages{html, md, res}
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	must(t, err)
	return string(data)
}

func verdict(t *testing.T, res record.Results, measure string) record.Verdict {
	t.Helper()
	for _, v := range res.Verdicts {
		if v.Measure == measure {
			return v
		}
	}
	t.Fatalf("no verdict on %s", measure)
	return record.Verdict{}
}

func TestVerdictsFindWhatTheModelIs(t *testing.T) {
	res := spoilt(t).res
	for _, tt := range []struct {
		measure string
		word    record.Word
		truth   float64
	}{
		{"cpu_per_request", record.ALower, 31.0 / 112},
		{"memory", record.ALower, 14.2 / 38.5},
		{"response_p50", record.ALower, 0.62},
		{"service_p50", record.ALower, 0.42 / 0.71},
		{"response_p90", record.ALower, 0.56},
		{"response_p99", record.ALower, 0.31},
		{"throughput", record.Equivalent, 1},
		{"right_share", record.Equivalent, 1},
	} {
		v := verdict(t, res, tt.measure)
		if v.A != "proxyd" || v.B != "apache" || v.Word != tt.word || v.Pairs != 4 {
			t.Errorf("%s: %+v, want %s over 4 pairs: two blocks have a trial that is not VALID", tt.measure, v, tt.word)
		}
		if math.Abs(math.Log(v.Ratio/tt.truth)) > 0.08 || v.Low > v.Ratio || v.High < v.Ratio {
			t.Errorf("%s: ratio %g (%g–%g), the model says %g", tt.measure, v.Ratio, v.Low, v.High, tt.truth)
		}
	}
	for _, v := range res.Verdicts {
		if v.A == reports.Direct || v.B == reports.Direct {
			t.Errorf("the baseline is ranked: %+v", v)
		}
	}
	want := "proxyd used 30.1 µs of CPU per request, apache 110 µs: 0.27 times as much (0.27–0.28, 4 pairs)."
	if got := verdict(t, res, "cpu_per_request").Sentence; got != want {
		t.Errorf("headline\n got %s\nwant %s", got, want)
	}
}

func TestTrialsThatAreNotValidAreShownAndNotRanked(t *testing.T) {
	before := spoilt(t)
	after := report(t, 6, func(r *record.Run) {
		for i := range r.Trials {
			if tr := &r.Trials[i]; tr.Validity != record.Valid {
				tr.Resources.System.CPUPerRequest *= 1000
			}
		}
	})
	if got, want := fmt.Sprint(after.res.Verdicts), fmt.Sprint(before.res.Verdicts); got != want {
		t.Errorf("a trial that is not VALID changed the verdicts:\n got %s\nwant %s", got, want)
	}
	for name, page := range after.both() {
		for _, want := range []string{"04-apache is INVALID: generator lagged", "02-proxyd is SUSPECT: origins used 93 %"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s does not say %q", name, want)
			}
		}
	}
}

func TestDifferentSchedulesAreNotCompared(t *testing.T) {
	p := report(t, 4, func(r *record.Run) {
		for i := range r.Trials {
			if r.Trials[i].System == "apache" {
				r.Trials[i].ScheduleSHA256 = "another"
			}
		}
	})
	v := verdict(t, p.res, "cpu_per_request")
	if v.Pairs != 0 || v.Word != record.Inconclusive || !strings.Contains(v.Sentence, "were sent different schedules") {
		t.Errorf("%+v", v)
	}
	if !strings.Contains(p.html, "were sent different schedules and are not compared") {
		t.Error("the page does not say it")
	}
}

func TestSamplesThatContradictTheRecordMakeATrialInvalid(t *testing.T) {
	res := report(t, 3, func(r *record.Run) { r.Trials[0].Requests++; r.Trials[0].Right++ }).res
	tr := res.Trials[0]
	if tr.Validity != record.Invalid || !strings.Contains(strings.Join(tr.Reasons, " "), "holds 4800 requests, 4800 right; the record counted 4801 and 4801") {
		t.Errorf("%s: %s %v", tr.ID, tr.Validity, tr.Reasons)
	}
}

func TestTooFewAnswersGiveNoPercentile(t *testing.T) {
	s := newSynthetic(3)
	s.rates = []float64{40} // 80 answers a trial: enough for p50, not for p90
	s.run.Load.Phases = s.run.Load.Phases[:1]
	res := pagesOf(t, s.write(t, t.TempDir())).res
	if v := verdict(t, res, "response_p99"); v.Pairs != 0 || v.Word != record.Inconclusive ||
		!strings.Contains(v.Sentence, "p99 needs 1000 right answers a trial") {
		t.Errorf("%+v", v)
	}
	if v := verdict(t, res, "response_p50"); v.Pairs != 3 {
		t.Errorf("%+v", v)
	}
	for _, p := range res.Summaries[0].Percentiles {
		if p.Percentile > 90 {
			t.Errorf("a percentile of %d answers: %+v", p.Answers, p)
		}
	}
}

// TestTheReportOnDisk writes a whole report, which draws every PNG. Under the
// race detector that takes seconds, so it is done once.
func TestTheReportOnDisk(t *testing.T) {
	s := newSmall(6)
	dir := s.write(t, t.TempDir())
	s.spoil()
	must(t, record.Write(dir, s.run))
	_, err := reports.Write(dir)
	must(t, err)
	t.Run("results have their shape", func(t *testing.T) { resultsHaveTheirShape(t, dir) })
	t.Run("tables and links of the Markdown hold", func(t *testing.T) { markdownHolds(t, dir) })
	t.Run("the same folder elsewhere gives the same again", func(t *testing.T) { theSameAgain(t, dir) })
}

// theSameAgain compares the pages, which hold every figure as SVG; that the
// same figure gives the same PNG is tested in package figure.
func theSameAgain(t *testing.T, dir string) {
	elsewhere := filepath.Join(t.TempDir(), "moved")
	must(t, os.CopyFS(elsewhere, os.DirFS(dir)))
	again := pagesOf(t, elsewhere)
	must(t, record.WriteResults(elsewhere, again.res))
	for name, page := range again.both() {
		if read(t, dir, name) != page {
			t.Errorf("%s differs the second time", name)
		}
	}
	if read(t, dir, record.ResultsFile) != read(t, elsewhere, record.ResultsFile) {
		t.Errorf("%s differs the second time", record.ResultsFile)
	}
}

func resultsHaveTheirShape(t *testing.T, dir string) {
	var v any
	must(t, json.Unmarshal([]byte(read(t, dir, record.ResultsFile)), &v))
	keys := map[string]bool{}
	shape(v, "", keys)
	golden(t, "results.shape", strings.Join(slices.Sorted(maps.Keys(keys)), "\n")+"\n")
	if _, err := record.ReadResults(dir); err != nil {
		t.Errorf("results.json cannot be read back: %v", err)
	}
}

// shape lists the paths of a JSON value with their types. Names of origins are
// data, not keys.
func shape(v any, at string, out map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if strings.HasSuffix(at, ".origins") || strings.HasSuffix(at, ".answers") {
				k = "*"
			}
			shape(e, at+"."+k, out)
		}
	case []any:
		for _, e := range v {
			shape(e, at+"[]", out)
		}
	default:
		out[fmt.Sprintf("%s %T", strings.TrimPrefix(at, "."), v)] = true
	}
}

func TestTheTerminalShowsTheSystemsSideBySide(t *testing.T) {
	res := spoilt(t).res
	var b bytes.Buffer
	must(t, reports.Table(&b, res))
	golden(t, "table.txt", b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, []byte(got), 0o644))
	}
	if want := read(t, path); got != want {
		t.Errorf("%s (UPDATE=1 rewrites it)\n got:\n%s\nwant:\n%s", path, got, want)
	}
}

func markdownHolds(t *testing.T, dir string) {
	md := read(t, dir, "report.md")
	columns := 0
	for i, line := range strings.Split(md, "\n") {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(line, "|")
		if columns != 0 && n != columns {
			t.Errorf("report.md:%d: %d bars, the row above has %d: %s", i+1, n, columns, line)
		}
		columns = n
	}
	links := regexp.MustCompile(`!\[[^]]*\]\(([^)]+)\)`).FindAllStringSubmatch(md, -1)
	if len(links) != 7 {
		t.Errorf("%d figures, want 7", len(links))
	}
	for _, l := range links {
		if _, err := os.Stat(filepath.Join(dir, l[1])); err != nil {
			t.Error(err)
		}
	}
}
