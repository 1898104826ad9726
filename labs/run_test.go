package labs_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"proxylab/docker"
	"proxylab/docker/enginetest"
	"proxylab/labs"
	"proxylab/loadtest"
	"proxylab/reports"
	"proxylab/reports/record"
)

// The first lab, played for real but short: what the issue of comparing two
// systems rests on must hold in the records and in the report.
func TestSideBySideOnTheEngine(t *testing.T) {
	e := enginetest.Open(t)
	lab, err := labs.Find(".", "01")
	if err != nil {
		t.Fatal(err)
	}
	lab.Sizes["test"] = labs.Size{Blocks: 2, Time: 0.3}
	id := labs.NewID("test", time.Now())
	out := t.TempDir()
	dir, err := labs.Run(t.Context(), labs.Options{
		Lab: lab, Size: "test", Seed: 1, Source: "..", Out: out, Engine: e, ID: id,
		Command: "go test", Progress: steps(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	results, err := reports.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * len(lab.Systems); len(results.Trials) != want {
		t.Fatalf("%d trials, want %d", len(results.Trials), want)
	}
	hashes := map[int]string{}
	for _, tr := range results.Trials {
		checkTrial(t, dir, tr)
		if h, ok := hashes[tr.Block]; ok && h != tr.ScheduleSHA256 {
			t.Errorf("block %d: the schedules differ", tr.Block)
		}
		hashes[tr.Block] = tr.ScheduleSHA256
	}
	for _, file := range []string{"index.html", "report.md", "results.json", "config/proxyd/site.yaml", "config/apache/proxylab.conf"} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
	nothingLeft(t, e, id)
}

// checkTrial holds one trial to what must be true of it on any machine.
func checkTrial(t *testing.T, dir string, tr record.Trial) {
	t.Helper()
	samples, err := loadtest.ReadFile(filepath.Join(dir, tr.Samples))
	if err != nil || len(samples) != tr.Requests {
		t.Errorf("%s: %d records of %d requests: %v", tr.ID, len(samples), tr.Requests, err)
	}
	resent := 0
	if tr.System == "apache" { // MPM event closes kept-alive connections when many want a worker at once
		for _, s := range samples {
			if strings.HasPrefix(s.Err, "resent by net/http") {
				resent++
			}
		}
	}
	if tr.Requests == 0 || tr.Right+resent != tr.Requests || resent > tr.Requests/4 {
		t.Errorf("%s: %d of %d answers right, %d after a closed connection", tr.ID, tr.Right, tr.Requests, resent)
	}
	var least, most, sum int64
	for _, n := range tr.Origins {
		if sum == 0 {
			least = n
		}
		least, most, sum = min(least, n), max(most, n), sum+n
	}
	allowed := int64(1)
	if tr.System == "apache" { // its processes share the counters without a lock
		allowed = max(1, sum/100)
	}
	if sum != int64(tr.Requests) || most-least > allowed {
		t.Errorf("%s: origins served %v of %d requests", tr.ID, tr.Origins, tr.Requests)
	}
	if tr.System != "direct" && (tr.Resources.System == nil || tr.Resources.System.CPUPerRequest <= 0 || tr.Resources.System.MemoryMaxBytes <= 0) {
		t.Errorf("%s: used %+v", tr.ID, tr.Resources.System)
	}
}

// A run that is interrupted removes its containers, and leaves no folder
// behind when no trial was done.
func TestInterruptedRunLeavesNothing(t *testing.T) {
	e := enginetest.Open(t)
	lab, err := labs.Find(".", "01")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	id, out := labs.NewID("interrupted", time.Now()), t.TempDir()
	_, err = labs.Run(ctx, labs.Options{
		Lab: lab, Size: "smoke", Seed: 1, Systems: []string{"direct", "proxyd"}, Source: "..", Out: out, Engine: e, ID: id,
		Progress: func(ev labs.Event) {
			if strings.HasPrefix(ev.Step, "right bytes") {
				cancel()
			}
		},
	})
	if err == nil {
		t.Error("an interrupted run ended well")
	}
	if left, _ := os.ReadDir(out); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	nothingLeft(t, e, id)
}

func nothingLeft(t *testing.T, e *docker.Engine, id string) {
	t.Helper()
	removed, err := e.Clean(context.WithoutCancel(t.Context()), id)
	if err != nil {
		t.Fatal(err)
	}
	if removed.Containers+removed.Networks > 0 {
		t.Errorf("the run left %v", removed)
	}
}

// steps logs each step once.
func steps(t *testing.T) labs.Progress {
	last := ""
	return func(e labs.Event) {
		if e.Step != last {
			last = e.Step
			t.Log(e.Step)
		}
	}
}
