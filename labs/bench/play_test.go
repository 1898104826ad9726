package bench_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"proxylab/labs/bench"
)

func TestMain(m *testing.M) {
	if bench.Child(os.Args[1:]) {
		return
	}
	os.Exit(m.Run())
}

// small is the comparison in its smallest form, without a package of Debian.
func small(t *testing.T, log func(string)) bench.Options {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return bench.Options{
		Runs: 1, Length: 300 * time.Millisecond, Systems: []string{"proxyd", "httputil"},
		Cases: []bench.Case{
			{Name: "case=1k/conns=64", Size: "1k", Conns: 8},
			{Name: "case=new/conns=64", Size: "1k", Conns: 4, Close: true},
			{Name: "case=idle/conns=10000", Size: "1k", Conns: 50, Idle: true},
			{Name: "case=1k/conns=64/cores=2", Size: "1k", Conns: 8, Both: true},
			{Name: "case=hit/size=1k/conns=64", Size: "1k", Conns: 8, Hit: true},
			{Name: "case=hit/size=10m/conns=16", Size: "10m", Conns: 2, Hit: true, Disk: true},
			{Name: "case=memory/objects=100000", Size: "1k", Conns: 4, Hit: true, Objects: 3000},
			{Name: "case=start/objects=1000000", Size: "1k", Conns: 4, Hit: true, Disk: true, Objects: 3000, Start: true},
		},
		Folder: t.TempDir(), Self: self, GoLoad: true, Log: lines(log),
	}
}

type lines func(string)

func (f lines) Write(b []byte) (int, error) {
	f(string(b))
	return len(b), nil
}

func TestSmallestComparison(t *testing.T) {
	o := small(t, func(s string) { t.Log(strings.TrimSpace(s)) })
	r, err := bench.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Trials) != 11 {
		t.Fatalf("%d trials, want 3 of both systems, and of proxyd 1 with two cores and 4 with its cache", len(r.Trials))
	}
	for _, tr := range r.Trials {
		idle := strings.Contains(tr.Case, "idle") || strings.Contains(tr.Case, "objects")
		if tr.Resident < 1<<20 || tr.Requests == 0 {
			t.Errorf("%+v: a running program that answered holds more", tr)
		}
		if idle {
			continue
		}
		if tr.CPU < 1 || tr.CPU > 1e5 || tr.Busy <= 0 || tr.Busy > 2.1 || tr.P50 <= 0 {
			t.Errorf("%+v: figures that cannot be", tr)
		}
		if got := tr.CPU * tr.PerSecond / 1e6; got < tr.Busy*0.9 || got > tr.Busy*1.1 {
			t.Errorf("%+v: CPU a request times requests a second is %.3f", tr, got)
		}
	}
	for _, want := range []string{"| case=1k/conns=64 | httputil |", "| case=hit/size=10m/conns=16 | proxyd |",
		"| bytes beside each body, at most | 600 |", "| ms until the first hit, and then 2 s without a miss, at most | 100 |", "| resident MB, at most | 60 |", "CPU to that with one core"} {
		if text := r.Markdown(); !strings.Contains(text, want) && !(strings.HasPrefix(want, "CPU to") && r.Machine.Cores >= 4) {
			t.Errorf("no %q in the output:\n%s", want, text)
		}
	}
	noChildLeft(t)
}

func TestInterruptedComparisonLeavesNoProcess(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := small(t, func(string) { cancel() }) // after the first trial
	if _, err := bench.Run(ctx, o); err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("error %v, want the cancellation", err)
	}
	noChildLeft(t)
}

// noChildLeft wants no process whose parent is this one.
func noChildLeft(t *testing.T) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Fatalf("no processes in /proc: %v", err)
	}
	for _, path := range stats {
		b, _ := os.ReadFile(path)
		if end := strings.LastIndex(string(b), ") "); end > 0 {
			if f := strings.Fields(string(b[end+2:])); f[1] == fmt.Sprint(os.Getpid()) {
				t.Errorf("left behind: %s", b[:end+1])
			}
		}
	}
}

func TestNamesThatAreNone(t *testing.T) {
	o := small(t, func(string) {})
	o.Systems = []string{"ngnix"}
	if _, err := bench.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), `no system is named "ngnix"`) {
		t.Errorf("unknown system: %v", err)
	}
	if _, err := bench.CasesNamed([]string{"case=2k/conns=64"}); err == nil || !strings.Contains(err.Error(), "case=1k/conns=64") {
		t.Errorf("unknown case: %v, want the known ones in the hint", err)
	}
	for name, want := range map[string]int{"hit": 3, "case=hit/size=1k": 1, "1k/conns=64": 1, "1k": 3} {
		if got, err := bench.CasesNamed([]string{name}); err != nil || len(got) != want {
			t.Errorf("%s: %v, %v; want %d cases", name, got, err, want)
		}
	}
	if got, err := bench.CasesNamed([]string{"hi"}); err == nil {
		t.Errorf("half a word names %v", got)
	}
	for _, name := range []string{"case=1m/conns=16", "1m/conns=16"} {
		if got, err := bench.CasesNamed([]string{name}); err != nil || len(got) != 1 || got[0].Size != "1m" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
