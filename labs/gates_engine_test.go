package labs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"proxylab/docker/enginetest"
	"proxylab/labs/systems"
	"proxylab/loadtest"
	"proxylab/reports/record"
)

// loadLab is a small lab; %s are more limits, the member's path, and sections.
const loadLab = `
title: Is a trial believed that should not be?
systems: [proxyd]
origins: 2
limits: {cpus: 1, memory: 128MiB%s}
site:
  balancers: [{name: origins, members: [{url: http://origin-1:8080}, {url: http://origin-2:8080}]}]
  routes: [%s{path: /, to: balancer://origins}]
load:
  targets: [{path: /size/1024}]
  warmup: {shape: constant, rate: 100, for: 200ms}
  phases: [{shape: constant, rate: %d, for: %s}]
%ssizes: {test: {blocks: 1, time: 1}}
`

// raiseLab starts a lab's containers; the test's end removes them. Its trials can
// then be played one by one.
func raiseLab(t *testing.T, limits, route string, rate int, length, sections string) (*play, *topology) {
	t.Helper()
	e := enginetest.Open(t)
	lab, err := Parse("00-load/lab.yaml", fmt.Appendf(nil, loadLab, limits, route, rate, length, sections))
	if err != nil {
		t.Fatal(err)
	}
	p := &play{Options: Options{
		Lab: lab, Size: "test", Seed: 1, Source: "..", Engine: e, ID: NewID("load", time.Now()), Out: t.TempDir(),
		Progress: func(ev Event) {
			if ev.Share == 0 {
				t.Log(ev.Step)
			}
		},
	}}
	proxyd, err := systems.ByName("proxyd")
	if err != nil {
		t.Fatal(err)
	}
	p.systems = []systems.System{proxyd}
	facts, err := e.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.run = p.begin(t.Context(), facts)
	im, err := p.build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run, err := e.NewRun(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	tested, err := p.raise(t.Context(), run, im)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.claim(); err != nil {
		t.Fatal(err)
	}
	if err := p.writeConfigs(tested); err != nil {
		t.Fatal(err)
	}
	return p, tested
}

func (p *play) oneTrial(t *testing.T, tested *topology) record.Trial {
	t.Helper()
	tr, err := p.trial(t.Context(), tested, tested.systems[0], slot{block: 1}, p.truth())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s %q: %d sent, %d right, %d late", tr.Validity, tr.Reasons, tr.Requests, tr.Right, tr.Late)
	return tr
}

func caught(t *testing.T, tr record.Trial, gate string) {
	t.Helper()
	if tr.Validity != record.Invalid || !slices.ContainsFunc(tr.Reasons, func(r string) bool { return strings.Contains(r, gate) }) {
		t.Errorf("%s %q, want %s by the rule %q", tr.Validity, tr.Reasons, record.Invalid, gate)
	}
}

func TestAThrottledGeneratorIsCaughtOnTheEngine(t *testing.T) {
	p, tested := raiseLab(t, ", generator_cpus: 0.2", "", 2500, "2s", "")
	caught(t, p.oneTrial(t, tested), "the generator")
}

func TestASaturatedOriginIsCaughtOnTheEngine(t *testing.T) {
	p, tested := raiseLab(t, ", origin_cpus: 0.2", "", 1, "1s", "")
	// An answer of 256 KiB is work for an origin, and little for the others.
	p.Lab.Load.Targets[0].Path = "/size/262144"
	p.Lab.Load.Phases[0].Rate, p.Lab.Load.Phases[0].For = 600, 2*time.Second
	caught(t, p.oneTrial(t, tested), "the origins")
}

// The system answers with other bytes than the origin was asked for: its route
// leads elsewhere. The gate before the load ends the run; a trial all the same is
// worth nothing.
func TestWrongBytesAreCaughtOnTheEngine(t *testing.T) {
	p, tested := raiseLab(t, "", "{path: /size/1024, to: balancer://origins/size/1025}, ", 100, "1s", "")
	if err := p.gate(t.Context(), tested); err == nil || !strings.Contains(err.Error(), "proxyd answers GET /size/1024 wrongly") {
		t.Errorf("the gate before the load: %v", err)
	}
	caught(t, p.oneTrial(t, tested), "had the wrong status or bytes")
}

// An origin stands still for 1 s: whoever was due then waited, which the response
// times show, and the origin itself says that it was not the system.
func TestAStalledOriginIsCaughtOnTheEngine(t *testing.T) {
	p, tested := raiseLab(t, "", "", 200, "6s", "")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-time.After(3 * time.Second): // the warm-up and two readings take 1 s to 2.5 s
		case <-ctx.Done():
			return
		}
		pause, _ := faultKind("pause")
		if err := pause.begin(ctx, tested.origins[0]); err != nil {
			t.Error(err)
			return
		}
		time.Sleep(time.Second) // the stall itself
		if err := pause.mend(context.WithoutCancel(ctx), tested.origins[0]); err != nil {
			t.Error(err)
		}
	})
	tr := p.oneTrial(t, tested)
	cancel()
	wg.Wait()
	caught(t, tr, "an origin could not run for")
	samples, err := loadtest.ReadFile(p.dir + "/" + tr.Samples)
	if err != nil {
		t.Fatal(err)
	}
	if p99, ok := loadtest.ResponsePercentile(samples, 99); ok && p99 < 700*time.Millisecond {
		t.Errorf("p99 is %v; half of the requests of 1 s of 6 s had to wait", p99)
	}
}

// The whole way: costs are measured, the quota and the rates chosen, the knee
// found, and the trials played below it.
func TestCalibrationAndSaturationOnTheEngine(t *testing.T) {
	p, tested := raiseLab(t, "", "", 50, "2s", "calibrate: {for: 500ms, quota: choose}\nsaturation: {for: 500ms, start: 200, most: 20000, precision: 1.2, repeat: 2}\n")
	if err := p.calibrate(t.Context(), tested); err != nil {
		t.Fatal(err)
	}
	c := p.run.Calibration
	t.Logf("%+v", *c)
	if c.NullCeiling <= 0 || c.DirectCeiling <= 0 || c.FloorP99 < c.FloorP50 || c.FloorP50 <= 0 || c.GeneratorCPU <= 0 || c.OriginsCPU <= 0 ||
		len(c.Systems) != 1 || c.Systems[0].CPU <= 0 || c.Quota < 0.2 || c.Quota > 1 || c.Capacity <= 0 {
		t.Errorf("%+v", *c)
	}
	if err := p.saturate(t.Context(), tested); err != nil {
		t.Fatal(err)
	}
	k := p.run.Knees[0]
	t.Logf("%+v", k)
	if k.Low <= 0 || k.High != 0 && k.High < k.Low || len(k.Levels) < 2 {
		t.Errorf("%+v", k)
	}
	tr := p.oneTrial(t, tested)
	if len(tr.AtKnee) != 1 || tr.AtKnee[0].Percent != 50 || tr.AtKnee[0].Requests != tr.Requests || tr.Requests < int(k.Low*0.9) {
		t.Errorf("half of a knee of %.0f/s for 2 s: %d requests, %+v", k.Low, tr.Requests, tr.AtKnee)
	}
	p.run.Trials = append(p.run.Trials, tr)
	p.run.About.Notes = append(p.run.About.Notes, p.kneeNotes()...)
	if err := p.run.Check(); err != nil {
		t.Error(err)
	}
	if err := record.Write(p.dir, p.run); err != nil {
		t.Fatal(err)
	}
	again, err := record.Read(p.dir)
	if err != nil || again.Knees[0].Low != k.Low || again.Calibration.Quota != c.Quota || len(again.Trials[0].AtKnee) != 1 {
		t.Errorf("read again: %v, %+v", err, again)
	}
}
