package labs

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"proxylab/docker"
	"proxylab/loadtest"
	"proxylab/reports/record"
)

// reading is the counters of all that takes part, at one moment.
type reading struct {
	system, generator docker.Usage
	origins           []docker.Usage
	counts            map[string]int64   // requests by origin, as each counts itself
	stalled           map[string]float64 // seconds for which each could not run, as it noticed itself
	work              docker.Work        // of the system
	worked            bool               // it is known
}

// read takes the counters around a trial, all at once: where they come from the
// engine, it reads them for everybody who asks within the same second.
func (t *topology) read(ctx context.Context, s *underTest) (r reading, err error) {
	g, ctx := errgroup.WithContext(ctx)
	take := func(c *docker.Container, u *docker.Usage) {
		g.Go(func() (err error) {
			*u, err = c.Usage(ctx)
			return err
		})
	}
	if s.container != nil {
		take(s.container, &r.system)
		g.Go(func() error {
			r.work, r.worked = s.container.Work(ctx)
			return nil
		})
	}
	take(s.generator, &r.generator)
	r.origins = make([]docker.Usage, len(t.origins))
	for i, o := range t.origins {
		take(o, &r.origins[i])
	}
	g.Go(func() (err error) {
		r.counts, r.stalled, err = t.counts(ctx)
		return err
	})
	return r, g.Wait()
}

// trial warms one system up, then plays the whole schedule through it once.
func (p *play) trial(ctx context.Context, t *topology, s *underTest, at slot, targets []loadtest.Target) (record.Trial, error) {
	tr := record.Trial{ID: p.trialID(at), Block: at.block, System: s.Name}
	step := fmt.Sprintf("trial %d of %d: block %d, %s", len(p.run.Trials)+1, p.total, at.block, s.Name)
	p.Progress(Event{Step: step, Left: p.left()})

	plan := p.asks(p.Seed + uint64(at.block))
	plan.Bases, plan.Targets = s.bases, targets
	plan.Phases = p.warmup()
	if _, _, err := s.load(ctx, plan, nil); err != nil {
		return tr, err
	}
	before, err := t.read(ctx, s)
	if err != nil {
		return tr, err
	}
	watch := watchUsage(ctx, s.container)
	plan.Phases = p.phases()
	samples, end, events, err := p.suffer(ctx, t, s, plan, p.meter(step, plan, p.left()))
	series := watch()
	if err != nil {
		return tr, err
	}
	after, err := t.read(ctx, s)
	if err != nil {
		return tr, err
	}

	tr.Started, tr.Seconds = end.Zero, length(plan.Phases).Seconds()
	if tr.ScheduleSHA256, err = loadtest.ScheduleSHA256(plan.Targets, samples); err != nil {
		return tr, err
	}
	sum := loadtest.Summary(samples)
	tr.Requests, tr.Right, tr.Wrong, tr.Failed, tr.Late = sum.Requests, sum.Right, sum.Wrong, sum.Failed, sum.Late
	tr.Origins = map[string]int64{}
	for name, n := range after.counts {
		tr.Origins[name] = n - before.counts[name]
	}
	for name, seconds := range after.stalled {
		tr.Stalled = max(tr.Stalled, seconds-before.stalled[name])
	}
	tr.Resent = end.Resent
	if len(p.run.Knees) > 0 {
		tr.AtKnee = p.kneeLatencies(samples)
	}
	tr.Faults = told(samples, events, t.names())
	if len(events) > 0 {
		tr.Origins = answered(samples) // their own counters began again with them
	}
	tr.Resources = resources(s, before, after, series, tr)
	tr.Validity, tr.Reasons = judge(samples, end, tr, p.room())
	tr.Samples = filepath.ToSlash(filepath.Join("samples", tr.ID+".csv.gz"))
	return tr, loadtest.WriteFile(filepath.Join(p.dir, tr.Samples), samples)
}

// left estimates the time until the last trial ends, from those that are done.
func (p *play) left() time.Duration {
	done, left := len(p.run.Trials)-p.kept, p.total-len(p.run.Trials)
	if done == 0 {
		return p.Lab.Duration(p.Size) / time.Duration(len(p.Lab.Systems)*p.Lab.Sizes[p.Size].Blocks) * time.Duration(left)
	}
	return time.Since(p.started) / time.Duration(done) * time.Duration(left)
}

// meter reports a trial's progress a few times a second from its samples.
func (p *play) meter(step string, plan loadtest.Plan, left time.Duration) func(loadtest.Sample) {
	total := length(plan.Phases)
	begin := time.Now()
	var told time.Time
	var seen, bad int
	return func(s loadtest.Sample) {
		seen++
		if !s.Right {
			bad++
		}
		if now := time.Now(); now.Sub(told) > 200*time.Millisecond {
			told = now
			elapsed := max(s.End, time.Millisecond)
			p.Progress(Event{
				Step:   step,
				Share:  min(1, float64(s.Planned)/float64(total)),
				Detail: fmt.Sprintf("%.0f/s, %d not right", float64(seen)/elapsed.Seconds(), bad),
				Left:   max(0, left-now.Sub(begin)),
			})
		}
	}
}

// watchUsage reads a container's usage, as often as its source allows, until the returned
// function is called, which gives the readings.
func watchUsage(ctx context.Context, c *docker.Container) func() []docker.Usage {
	if c == nil {
		return func() []docker.Usage { return nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	var readings []docker.Usage
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			every := engineEvery
			// A reading that fails leaves a gap; the two around the trial are
			// the ones that must not.
			if u, err := c.Usage(ctx); err == nil {
				readings = append(readings, u)
				if u.Source == docker.FromFiles {
					every = filesEvery
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(every):
			}
		}
	})
	return func() []docker.Usage { cancel(); wg.Wait(); return readings }
}
