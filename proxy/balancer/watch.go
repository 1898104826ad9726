package balancer

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// ErrNoVerdict is what a Probe returns that says nothing of the member: the proxy
// itself had no means to ask.
var ErrNoVerdict = errors.New("balancer: the member could not be asked")

// Probe asks a member, by its index, whether it is there: for a connection, or
// with the whole check that the Site declares. It ends with ctx.
type Probe func(ctx context.Context, index int, whole bool) error

// A Check is what the last probe of a member found.
type Check struct {
	At   time.Time // when it began; zero for never
	Took time.Duration
	Err  error // nil where the member passed
}

// watch is the goroutine that has members probed. No election waits for it.
type watch struct {
	probe   Probe
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// Watch begins to have members probed, until Unwatch: those that could not be
// reached each Config.Probe, and all each Config.Check.Interval. It also looks for
// outliers, and tells of events.
func (b *Balancer) Watch(p Probe) {
	if b.watch != nil || b.tell == nil && b.config.Probe == 0 && !b.checks() && b.config.Outliers.Interval == 0 {
		return
	}
	w := &watch{probe: p}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	b.watch = w
	now := time.Now()
	b.core.mu.Lock()
	for _, m := range b.members {
		m.probing = false
		// Checks begin at different moments, and stay so.
		m.checkAt = now.Add(time.Duration(rand.Float64() * float64(m.config.Check.Interval)))
	}
	b.core.mu.Unlock()
	w.running.Go(func() { b.watching(w) })
}

// checks says whether some member has checks.
func (b *Balancer) checks() bool {
	return slices.ContainsFunc(b.config.Members, func(m MemberConfig) bool { return m.Check.Interval > 0 })
}

// Unwatch ends what Watch began, and waits until it has ended.
func (b *Balancer) Unwatch() {
	if w := b.watch; w != nil {
		w.cancel()
		w.running.Wait()
		b.watch = nil
	}
}

// watching starts the probes that are due.
func (b *Balancer) watching(w *watch) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var judgement <-chan time.Time
	if d := b.config.Outliers.Interval; d > 0 {
		ticker := time.NewTicker(d)
		defer ticker.Stop()
		judgement = ticker.C
	}
	for {
		select {
		case <-w.ctx.Done():
			b.report()
			return
		case <-judgement:
			b.core.mu.Lock()
			b.judge(time.Now())
			b.core.mu.Unlock()
			continue
		case <-timer.C:
		case <-b.core.wake:
		}
		b.report()
		if next := b.probeDue(w, time.Now()); !next.IsZero() {
			timer.Reset(time.Until(next))
		} else {
			timer.Stop()
		}
	}
}

// probeDue starts probes, and returns when the next one is due; zero for none.
func (b *Balancer) probeDue(w *watch, now time.Time) (next time.Time) {
	c := b.core
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, m := range b.members {
		due, whole := m.due(&b.config)
		switch {
		case m.probing || due.IsZero():
		case !due.After(now):
			m.probing = true
			w.running.Go(func() { b.ask(w, i, m, whole) })
		case next.IsZero() || due.Before(next):
			next = due
		}
	}
	return next
}

// due is when a member is to be probed. The caller holds core.mu.
func (m *Member) due(c *Config) (at time.Time, whole bool) {
	whole = m.config.Check.Interval > 0
	if whole {
		at = m.checkAt
	}
	if m.flags&InError != 0 && m.unreached && c.Probe > 0 && (!whole || m.probeAt.Before(at)) {
		at = m.probeAt
	}
	return at, whole
}

// ask probes one member and draws the conclusions.
func (b *Balancer) ask(w *watch, index int, m *Member, whole bool) {
	began := time.Now()
	err := w.probe(w.ctx, index, whole)
	if w.ctx.Err() != nil {
		return
	}
	c := b.core
	c.mu.Lock()
	now := time.Now()
	m.probing = false
	m.check = Check{began, now.Sub(began), err}
	// From its begin: a probe of an address that does not answer takes its time itself.
	m.probeAt = began.Add(b.config.Probe)
	m.checkAt = now.Add(time.Duration(float64(m.config.Check.Interval) * (0.9 + 0.2*rand.Float64())))
	if !errors.Is(err, ErrNoVerdict) {
		m.learn(err == nil, whole, &b.config, now)
	}
	c.mu.Unlock()
	c.serve()
	c.wakeUp()
}

// learn obeys a probe. The caller holds core.mu.
func (m *Member) learn(passed, whole bool, c *Config, now time.Time) {
	before := m.flags
	switch {
	case passed:
		m.passes, m.fails = m.passes+1, 0
		if m.flags&InError != 0 && (m.unreached || whole) {
			m.flags &^= InError
			m.retries++
		}
		if whole && m.passes >= m.config.Check.Passes {
			m.flags &^= HealthFailed
		}
	default:
		m.passes, m.fails = 0, m.fails+1
		if whole && m.fails >= m.config.Check.Fails {
			m.flags |= HealthFailed
		}
		if m.flags&InError != 0 && m.unreached {
			// As long as probes fail, no client's request need find out.
			if later := now.Add(3*c.Probe + time.Second); later.After(m.usableAt) {
				m.usableAt = later
			}
		}
	}
	if m.flags != before {
		by := ByProbe
		if whole {
			by = ByCheck
		}
		m.became(before, by, now)
		m.core.version.Add(1)
	}
}

// wakeUp has the watch look at the members.
func (c *core) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
