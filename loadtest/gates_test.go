package loadtest

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// sound is a run of n hits without any fault.
func sound(n int) ([]Sample, End) {
	var s []Sample
	for i := range n {
		at := time.Duration(i) * time.Millisecond
		s = append(s, Sample{N: uint64(i), Planned: at, Start: at + 50*time.Microsecond, End: at + time.Millisecond, Status: 200, Right: true})
	}
	return s, End{Planned: uint64(n), Sent: uint64(n), Seconds: 10, CPUSeconds: 1, CPUs: 2}
}

func TestJudge(t *testing.T) {
	late := func(s []Sample, n int, by time.Duration) {
		for i := range n {
			s[i].Start = s[i].Planned + by
			s[i].End = s[i].Start
		}
	}
	rows := []struct {
		name  string
		spoil func(s *[]Sample, e *End)
		want  Validity
		words string // in the only reason
	}{
		{"nothing wrong", func(*[]Sample, *End) {}, Valid, ""},
		{"failures and wrong answers are not the generator's", func(s *[]Sample, _ *End) { (*s)[0].Err = "x"; (*s)[1].Right = false }, Valid, ""},
		{"all late by just the limit", func(s *[]Sample, _ *End) { late(*s, 2000, LateAfter) }, Valid, ""},
		{"0.1 % late", func(s *[]Sample, _ *End) { late(*s, 2, LateAfter+1) }, Valid, ""},
		{"more than 0.1 % late", func(s *[]Sample, _ *End) { late(*s, 3, LateAfter+1) }, Suspect, "3 of 2000 requests (0.15 %) were sent more than 10ms behind the plan; the rule is at most 0.1 %"},
		{"1 % late", func(s *[]Sample, _ *End) { late(*s, 20, time.Second) }, Suspect, "20 of 2000 requests (1.00 %)"},
		{"more than 1 % late", func(s *[]Sample, _ *End) { late(*s, 21, time.Second) }, Invalid, "21 of 2000 requests (1.05 %) were sent more than 10ms behind the plan; the rule is at most 1.0 %"},
		{"a hit without record", func(s *[]Sample, _ *End) { *s = (*s)[1:] }, Invalid, "1 of 2000 planned requests have no record"},
		{"no record at all", func(s *[]Sample, _ *End) { *s = nil }, Invalid, "2000 of 2000 planned requests have no record"},
		{"a hit twice", func(s *[]Sample, _ *End) { *s = append(*s, (*s)[5]) }, Invalid, "0 records are of no planned request and 1 are second ones"},
		{"a hit beyond the plan", func(s *[]Sample, _ *End) { *s = append(*s, Sample{N: 2000}) }, Invalid, "1 records are of no planned request and 0"},
		{"nothing planned", func(s *[]Sample, e *End) { *s, e.Planned = nil, 0 }, Invalid, "no request was planned"},
		{"CPU at 70 %", func(_ *[]Sample, e *End) { e.CPUSeconds = 14 }, Valid, ""},
		{"CPU at 75 %", func(_ *[]Sample, e *End) { e.CPUSeconds = 15 }, Suspect, "the generator used 75 % of its 2 CPUs; the rule is at most 70 %"},
		{"CPU at 95 %", func(_ *[]Sample, e *End) { e.CPUSeconds = 19 }, Invalid, "the generator used 95 % of its 2 CPUs; the rule is at most 90 %"},
		{"CPU at 95 % of half a CPU", func(_ *[]Sample, e *End) { e.CPUSeconds, e.CPUs = 4.75, 0.5 }, Invalid, "95 % of its 0.5 CPUs"},
		{"CPU not known", func(_ *[]Sample, e *End) { e.CPUs = 0 }, Suspect, "not known"},
		{"stopped", func(_ *[]Sample, e *End) { e.Stopped = "context canceled" }, Invalid, "stopped before its end: context canceled"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s, e := sound(2000)
			row.spoil(&s, &e)
			g := Judge(s, e)
			if g.Validity != row.want {
				t.Errorf("%s, want %s: %q", g.Validity, row.want, g.Reasons)
			}
			if row.words == "" && len(g.Reasons) > 0 || row.words != "" && (len(g.Reasons) != 1 || !strings.Contains(g.Reasons[0], row.words)) {
				t.Errorf("reasons %q, want %q", g.Reasons, row.words)
			}
		})
	}
}

func TestJudgeAnswers(t *testing.T) {
	s, _ := sound(100)
	s[3].Right, s[3].Err = false, "refused"
	if g := JudgeAnswers(s); g.Validity != Valid {
		t.Errorf("a failure is judged as a wrong answer: %+v", g)
	}
	s[4].Right = false
	if g := JudgeAnswers(s); g.Validity != Invalid || len(g.Reasons) != 1 || !strings.Contains(g.Reasons[0], "1 of 100 answers") {
		t.Errorf("%+v", g)
	}
}

func TestJoinKeepsTheWorstAndAllReasons(t *testing.T) {
	a, b := Gate{Suspect, []string{"a"}}, Gate{Invalid, []string{"b"}}
	for _, g := range []Gate{a.Join(b).Join(Gate{Validity: Valid}), Gate{Validity: Valid}.Join(a).Join(b)} {
		if g.Validity != Invalid || !slices.Equal(g.Reasons, []string{"a", "b"}) {
			t.Errorf("%+v", g)
		}
	}
}

func TestSummary(t *testing.T) {
	s, _ := sound(5)
	s[0].Err, s[0].Right = "reset", false
	s[1].Right = false
	s[2].Start += LateAfter
	if got, want := Summary(s), (Tally{Requests: 5, Right: 3, Wrong: 1, Failed: 1, Late: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestScheduleHashIsOfWhatWasSent(t *testing.T) {
	ts := []Target{{Path: "/a"}, {Path: "/b", Method: "POST", Body: 10}}
	s, _ := sound(10)
	s[4].Target = 1
	hash := func(ts []Target, s []Sample) string {
		h, err := ScheduleSHA256(ts, s)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	want := hash(ts, s)
	same := func(name string, ts []Target, s []Sample) {
		if hash(ts, s) != want {
			t.Errorf("%s changes the hash", name)
		}
	}
	differs := func(name string, change func(ts []Target, s []Sample) []Sample) {
		t2, s2 := slices.Clone(ts), slices.Clone(s)
		if s2 = change(t2, s2); hash(t2, s2) == want {
			t.Errorf("%s does not change the hash", name)
		}
	}
	shuffled := slices.Clone(s)
	slices.Reverse(shuffled)
	same("the order of ends", ts, shuffled)
	if shuffled[0].N != 9 {
		t.Error("the caller's samples were sorted")
	}
	answered := slices.Clone(s)
	answered[1] = Sample{N: 1, Planned: s[1].Planned, Start: time.Hour, Err: "reset", Origin: "b"}
	same("another answer", ts, answered)
	same("a default written out", []Target{{Path: "/a", Method: "GET", Weight: 1, Status: 200}, ts[1]}, s)
	differs("a missing hit", func(_ []Target, s []Sample) []Sample { return s[1:] })
	differs("another planned start", func(_ []Target, s []Sample) []Sample { s[3].Planned++; return s })
	differs("another target", func(_ []Target, s []Sample) []Sample { s[3].Target = 1; return s })
	differs("another path", func(ts []Target, s []Sample) []Sample { ts[0].Path = "/c"; return s })
	differs("another method", func(ts []Target, s []Sample) []Sample { ts[0].Method = "HEAD"; return s })
	differs("another body", func(ts []Target, s []Sample) []Sample { ts[1].Body = 11; return s })
	if _, err := ScheduleSHA256(ts[:1], s); err == nil {
		t.Error("a target that the plan lacks is no error")
	}
}
