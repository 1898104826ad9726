package labs

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"proxylab/docker"
	"proxylab/docker/enginetest"
	"proxylab/labs/systems"
	"proxylab/loadtest"
)

// What the sites of these tests declare, and the load.
const (
	faultRate    = 500 // requests a second
	faultTimeout = time.Second
	faultRetry   = 2 * time.Second
	faultAt      = 2 * time.Second // of the plan; until then nothing fails

	// Of a busy machine: how much later than its timer a program may do what it
	// declares.
	busy = 500 * time.Millisecond
)

// faultSites are the declarations by name. Where silence is the fault it is declared
// what silence is; kill, restart and slow answers are what the defaults are for.
var faultSites = map[string]string{
	"defaults": `
      members: [{url: http://origin-1:8080}, {url: http://origin-2:8080}, {url: http://origin-3:8080}]`,
	"strict": `
      failontimeout: on
      failonstatus: [503]
      outliererrors: 50%
      outlierinterval: 500ms
      outliertime: 2s
      members:
        - {url: http://origin-1:8080, timeout: 1s, retry: 2s}
        - {url: http://origin-2:8080, timeout: 1s, retry: 2s}
        - {url: http://origin-3:8080, timeout: 1s, retry: 2s}`,
}

// faultLab is the experiment: answers take 20 ms, so that some requests are under way
// whenever an origin fails.
const faultLab = `
title: What do clients notice when one of three origins fails?
systems: [proxyd, apache-matched]
origins: 3
limits: {cpus: 1, memory: 256MiB}
site:
  balancers:
    - name: origins%s
  routes: [{path: /, to: balancer://origins}]
load:
  targets: [{path: /delay/20ms/size/1024}]
  warmup: {shape: constant, rate: 500, for: 1s}
  phases: [{shape: constant, rate: 500, for: 10s}]
  connections: 256
  timeout: 15s
sizes: {test: {blocks: 1, time: 1}}
`

// faultCase is a fault and what the manual of package balancer declares of it.
type faultCase struct {
	kind  string
	site  string // of faultSites
	lasts time.Duration
	loses bool          // requests may fail, as far as allowed says
	back  time.Duration // the origin answers again so long after it is mended, at the latest
}

var faultCases = []faultCase{
	{"kill", "defaults", 1500 * time.Millisecond, false, 2 * time.Second},
	{"restart", "defaults", 0, false, 2 * time.Second},
	{"slow", "defaults", 1500 * time.Millisecond, false, busy},
	// Longer than it takes to notice, so that all that may fail does.
	{"pause", "strict", 2500 * time.Millisecond, true, faultRetry},
	{"blackhole", "strict", 2500 * time.Millisecond, true, faultRetry},
	{"resets", "strict", 1500 * time.Millisecond, false, faultRetry},
	{"503s", "strict", 1500 * time.Millisecond, true, faultRetry},
}

// faultBench is three origins, a generator, and the systems in front of them.
type faultBench struct {
	*play
	topology *topology
	origins  []string
	systems  map[string]*underTest // by system and site: "proxyd defaults"
	restart  time.Duration         // what it takes the engine to stop an origin and start it
}

// raiseFaults starts it all; the test's end removes it.
func raiseFaults(t *testing.T, names ...string) *faultBench {
	t.Helper()
	e := enginetest.Open(t)
	b := &faultBench{systems: map[string]*underTest{}, origins: []string{"origin-1", "origin-2", "origin-3"}}
	labs := map[string]*Lab{}
	for site, members := range faultSites {
		lab, err := Parse("00-faults/lab.yaml", fmt.Appendf(nil, faultLab, members))
		if err != nil {
			t.Fatal(err)
		}
		labs[site] = lab
	}
	b.play = &play{Options: Options{
		Lab: labs["defaults"], Source: "..", Engine: e, ID: NewID("faults", time.Now()),
		Progress: func(ev Event) { t.Log(ev.Step) },
	}}
	for _, name := range names {
		s, err := systems.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		b.play.systems = append(b.play.systems, s)
	}
	im, err := b.build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run, err := e.NewRun(t.Context(), b.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	tested := b.play.systems
	b.play.systems = nil // raised below, once for each site
	if b.topology, err = b.raise(t.Context(), run, im); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	restart, _ := faultKind("restart")
	if err := restart.mend(t.Context(), b.topology.origins[0]); err != nil {
		t.Fatal(err)
	}
	b.restart = time.Since(began)
	for _, s := range tested {
		for site, lab := range labs {
			image, name := im.systems[s.Name], s.Name+" "+site
			s.Name += "-" + site
			u, err := b.start(t.Context(), run, b.topology, s, image, (&play{Options: Options{Lab: lab}}).declared(b.topology.origins))
			if err != nil {
				t.Fatal(err)
			}
			b.systems[name] = u
			s.Name = strings.TrimSuffix(s.Name, "-"+site)
		}
	}
	return b
}

// tail is how long a plan goes on after the fault by its schedule: until the engine has
// done its part, the origin answers, and its share has been seen.
func (b *faultBench) tail(c faultCase, back time.Duration) time.Duration {
	d := back + evenWhile + 2*busy
	if k, _ := faultKind(c.kind); k.container != "" && k.container != docker.Pause {
		d += 3 * b.restart // under load it takes longer
	}
	return d
}

// suffer plays one fault against one system, under load.
func (b *faultBench) suffer(ctx context.Context, system string, c faultCase, tail time.Duration) ([]loadtest.Sample, FaultEvent, loadtest.End, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	u, clock := b.systems[system+" "+c.site], newPlanClock()
	plan := loadtest.Plan{
		Bases: u.bases, Targets: b.truth(), Seed: 1, Connections: b.Lab.Load.Connections, Timeout: b.Lab.Load.Timeout,
		Phases: []loadtest.Phase{{Shape: loadtest.Constant, Rate: faultRate, For: faultAt + c.lasts + tail}},
	}
	var ev FaultEvent
	var failed error
	var wg sync.WaitGroup
	wg.Go(func() {
		ev, failed = b.topology.befall(ctx, Fault{c.kind, 1, faultAt, c.lasts}, clock)
		if failed != nil {
			cancel(failed)
		}
	})
	samples, end, err := u.load(ctx, plan, clock.see)
	if err != nil {
		cancel(err)
	}
	wg.Wait()
	return samples, ev, end, cmp.Or(failed, err)
}

// One of three origins fails under load, in each way that origins fail, on the
// container engine: its address is its own, and while it is killed nobody answers
// there. What proxyd's clients notice is no more than its documentation declares.
//
// FAULTS=n plays each fault n times against proxyd and against Apache with the same
// site, in turn, and prints the table that is in the manual of package balancer.
func TestFaultsOnTheEngine(t *testing.T) {
	if repeat, err := strconv.Atoi(os.Getenv("FAULTS")); err == nil {
		faultTable(t, repeat)
		return
	}
	b := raiseFaults(t, "proxyd")
	for _, c := range faultCases {
		t.Run(c.kind, func(t *testing.T) {
			b.need(t, c)
			for tail := b.tail(c, c.back); ; tail *= 2 {
				samples, ev, end, err := b.suffer(t.Context(), "proxyd", c, tail)
				if err != nil {
					t.Fatal(err)
				}
				// The engine may take long to start a container.
				if length := faultAt + c.lasts + tail; ev.Mended+c.back+evenWhile+busy > length && length < time.Minute {
					t.Logf("the origin was ready %v after the start, %v before the end: once more, for longer", ev.Mended, length-ev.Mended)
					continue
				}
				c.judge(t, samples, ev, end, b.origins)
				return
			}
		})
	}
}

// need skips what this machine cannot do.
func (b *faultBench) need(t *testing.T, c faultCase) {
	t.Helper()
	k, err := faultKind(c.kind)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.can(t.Context(), b.topology.origins[0]); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

func (c faultCase) judge(t *testing.T, samples []loadtest.Sample, ev FaultEvent, end loadtest.End, origins []string) {
	o := outageOf(samples, ev, origins)
	t.Logf("%+v\n%+v", ev, o)
	if g := loadtest.Judge(samples, end); g.Validity != loadtest.Valid {
		t.Logf("the generator was %s: %s", g.Validity, strings.Join(g.Reasons, "; "))
	}
	if uint64(len(samples)) != end.Planned {
		t.Fatalf("%d samples of %d requests", len(samples), end.Planned)
	}
	most := 0
	if c.loses {
		var err error
		if most, err = allowed(samples, ev); err != nil {
			t.Error(err)
		}
	}
	if o.Failed > most {
		t.Errorf("%d requests failed, declared are %d at most%s", o.Failed, most, reasons(samples))
	}
	if o.Back == never || o.Back > c.back {
		t.Errorf("the origin answers again after %v, declared are %v", o.Back, c.back)
	}
	if err := exactShares(samples, samples[len(samples)-1].Planned-evenWhile, origins); err != nil {
		t.Errorf("the shares at the end: %v", err)
	}
}

// allowed is how many requests may fail where the first failure has to be noticed: those
// that were under way when the fault began, and of those that were sent from then on
// until the first failure was known, the failing origin's third. None that was sent
// later may fail. The error is that the first failure was not known in time.
func allowed(samples []loadtest.Sample, ev FaultEvent) (int, error) {
	first := never
	for _, s := range samples {
		if !s.Right && (first == never || s.End < first) {
			first = s.End
		}
	}
	if first == never {
		return 0, nil
	}
	if limit := ev.There + faultTimeout + busy; first > limit {
		return 0, fmt.Errorf("the first failure was known at %v, %v after the limit", first, first-limit)
	}
	underWay, sent := 0, 0
	for _, s := range samples {
		switch {
		case s.Start < ev.Began && s.End > ev.Began:
			underWay++
		case s.Start >= ev.Began && s.Start <= first+busy/5: // the system may act on it a moment after its client
			sent++
		}
	}
	return underWay + sent/3 + 1, nil
}

// reasons counts what the failures were.
func reasons(samples []loadtest.Sample) string {
	count := map[string]int{}
	for _, s := range samples {
		if !s.Right {
			count[cmp.Or(s.Err, fmt.Sprintf("status %d from %q", s.Status, s.Origin))]++
		}
	}
	var b strings.Builder
	for why, n := range count {
		fmt.Fprintf(&b, "\n\t%d: %s", n, why)
	}
	return b.String()
}
