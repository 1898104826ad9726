package loadtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// Lead is the time between the end of the preparations of a run and the start
// of its schedule, so that hit 0 is on time.
const Lead = 50 * time.Millisecond

// emitEvery is how often samples are handed over.
const emitEvery = 100 * time.Millisecond

// ErrBusy is returned for a run that was asked for during another.
var ErrBusy = errors.New("a run is going on\n\thint: one run at a time; wait for its end or stop it")

// Generator runs plans, one at a time. Between runs it keeps its idle
// connections: a warm-up run and the measured run after it, with the same bases
// and number of connections, share one pool. The zero Generator is ready.
type Generator struct {
	running sync.Mutex
	pool    pool // guarded by running
	workers int  // most hits in flight, 0 for no bound; a test shows what a bound hides
}

// Run sends what the plan says and returns when the last answer is in. Samples
// are handed to emit as they complete, about ten times a second, from one
// goroutine; the slice is emit's until it returns. When ctx ends, the run stops
// at once, hits in flight fail, and End.Stopped says so. An error means that
// nothing was sent.
func (g *Generator) Run(ctx context.Context, plan Plan, emit func([]Sample)) (End, error) {
	schedule, err := plan.Schedule()
	if err != nil {
		return End{}, err
	}
	if !g.running.TryLock() {
		return End{}, ErrBusy
	}
	defer g.running.Unlock()
	alarm, err := newAlarm()
	if err != nil {
		return End{}, fmt.Errorf("timer: %w", err)
	}
	defer alarm.close()
	defer context.AfterFunc(ctx, alarm.interrupt)()

	s := newShooter(ctx, plan, schedule, g.pool.get(plan))
	end := End{Planned: schedule.Hits()}
	end.GOMAXPROCS, end.CPUs = cpuLimit()
	before := readSelf()
	s.zero = time.Now().Add(Lead)
	end.Zero = s.zero.Round(0)

	stop := s.samples.emitter(func(batch []Sample) {
		end.Sent += uint64(len(batch))
		for i := range batch {
			end.Seconds = max(end.Seconds, batch[i].End.Seconds())
		}
		emit(batch)
	})
	end.Vegeta = attack(s, pacer{ctx: ctx, schedule: schedule, zero: s.zero, alarm: alarm}, max(g.workers, schedule.clients))
	stop()
	end.since(before)
	if end.Clients = schedule.clients; end.Clients > 0 {
		end.Planned = end.Sent
	}
	if err := context.Cause(ctx); err != nil {
		end.Stopped = err.Error()
	}
	return end, nil
}

// Drop closes the kept connections. The next run begins with cold ones.
func (g *Generator) Drop() error {
	if !g.running.TryLock() {
		return ErrBusy
	}
	defer g.running.Unlock()
	g.pool.drop()
	return nil
}

// attack lets vegeta fire each hit of the pacer at the shooter, with so many
// workers at most. 0 is no bound: a cap makes hits wait for answers, which is what
// a closed loop is.
func attack(s *shooter, p pacer, workers int) CrossCheck {
	options := []func(*vegeta.Attacker){vegeta.Client(&http.Client{
		Transport:     s,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})}
	if workers > 0 {
		options = append(options, vegeta.Workers(uint64(workers)), vegeta.MaxWorkers(uint64(workers)))
	}
	// A new Attacker each time: a used one is stopped for ever.
	attacker := vegeta.NewAttacker(options...)
	defer attacker.Stop()
	target := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: "http://schedule/"})
	var m vegeta.Metrics
	for r := range attacker.Attack(target, p, 0, "") {
		m.Add(r)
	}
	m.Close()
	return CrossCheck{P50: m.Latencies.P50, P99: m.Latencies.P99, Success: m.Success}
}

// pacer follows the schedule. It waits by itself and never asks vegeta to.
type pacer struct {
	ctx      context.Context
	schedule *Schedule
	zero     time.Time
	alarm    *alarm
}

// Pace returns when the hit is due, or stops the attack.
func (p pacer) Pace(_ time.Duration, hits uint64) (wait time.Duration, stop bool) {
	due := time.Duration(0)
	switch closed := p.schedule.clients > 0; {
	case p.ctx.Err() != nil, !closed && hits >= p.schedule.Hits(), closed && time.Since(p.zero) >= p.schedule.Length():
		return 0, true
	case !closed:
		due = p.schedule.At(hits)
	}
	if d := due - time.Since(p.zero); d > 0 {
		p.alarm.sleep(d)
	}
	return 0, p.ctx.Err() != nil
}

// Rate is part of vegeta's interface.
func (p pacer) Rate(elapsed time.Duration) float64 { return p.schedule.Rate(elapsed) }

// collector takes samples from all workers.
type collector struct {
	mu   sync.Mutex
	full []Sample // guarded by mu
}

func (c *collector) add(s Sample) {
	c.mu.Lock()
	c.full = append(c.full, s)
	c.mu.Unlock()
}

// emitter hands what has come to emit, about ten times a second, until stop,
// which hands over the rest.
func (c *collector) emitter(emit func([]Sample)) (stop func()) {
	var spare []Sample
	flush := func() {
		c.mu.Lock()
		batch := c.full
		c.full = spare[:0]
		c.mu.Unlock()
		if len(batch) > 0 {
			emit(batch)
		}
		spare = batch
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(emitEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				flush()
			case <-quit:
				flush()
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}
