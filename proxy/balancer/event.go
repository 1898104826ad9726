package balancer

import "time"

// An Event is a change of a member's flags that came by itself.
type Event struct {
	Member  string
	Was, Is Flags
	By      string // what it came by: one of those below
}

// What an Event comes by.
const (
	ByFailure = "failure" // of an exchange
	ByProbe   = "probe"
	ByCheck   = "check"
	ByOutlier = "outlier" // it did worse than the others
	ByTime    = "time"    // retry or outliertime is over
	ByForce   = "forcerecovery"
)

// maxEvents are kept for who is told of them. If he is that slow, the oldest are
// not told.
const maxEvents = 1000

// Tell has f called with each event, in their order and one at a time, while the
// balancer is watched. It must be called while the balancer is not: whoever watches
// reads f without a lock. Neither elections nor probes wait for f.
func (b *Balancer) Tell(f func(Event)) {
	if b.watch != nil {
		panic("balancer: " + b.config.Name + ": Tell while it is watched")
	}
	b.tell = f
}

// became is for a member whose flags were others before: it begins the slow start
// of one that was not usable and is. The caller holds core.mu.
func (m *Member) became(before Flags, by string, now time.Time) {
	if !before.Usable() && m.flags.Usable() {
		m.since = now
	}
	c := m.core
	if by == "" {
		return // who changed it knows
	}
	if len(c.events) >= maxEvents {
		c.events = append(c.events[:0], c.events[1:]...)
	}
	c.events = append(c.events, Event{m.name, before, m.flags, by})
	c.wakeUp()
}

// report tells what has happened.
func (b *Balancer) report() {
	c := b.core
	c.mu.Lock()
	events := c.events
	c.events = nil
	c.mu.Unlock()
	if b.tell == nil {
		return
	}
	for _, e := range events {
		b.tell(e)
	}
}

// RetryAfter is when it may be worth to ask again after Elect or Wait failed: in
// how long the first member comes back that does so by itself, or a place in the
// queue is free. It is zero where nothing is known: people took all members out of
// service.
func (b *Balancer) RetryAfter(err error) time.Duration {
	if err == ErrFull {
		// Nobody waits for longer than Timeout, so a part of the queue needs no more
		// than that part of it.
		waiting := min(int(b.core.queue.long.Load()), b.config.Queue)
		return max(1, b.config.Timeout*time.Duration(waiting)/time.Duration(max(1, b.config.Queue)))
	}
	c := b.core
	c.mu.Lock()
	defer c.mu.Unlock()
	now, soonest := time.Now(), time.Duration(0)
	for _, m := range b.members {
		at := m.backAt(&b.config)
		if at.IsZero() {
			continue
		}
		if d := max(1, at.Sub(now)); soonest == 0 || d < soonest {
			soonest = d
		}
	}
	return soonest
}

// backAt is when a member that is not usable may be so again; zero for one that is,
// and for one that stays so until somebody changes it. The caller holds core.mu.
func (m *Member) backAt(c *Config) (at time.Time) {
	if m.flags.Usable() || m.flags&(Disabled|Stopped) != 0 {
		return at
	}
	later := func(t time.Time) {
		if t.After(at) {
			at = t
		}
	}
	if m.flags&InError != 0 {
		end := m.usableAt
		if probe, _ := m.due(c); !probe.IsZero() && probe.Before(end) {
			end = probe
		}
		later(end)
	}
	if m.flags&HealthFailed != 0 {
		checks := &m.config.Check
		if checks.Interval == 0 {
			return time.Time{} // somebody set it
		}
		later(m.checkAt.Add(time.Duration(max(0, checks.Passes-m.passes-1)) * checks.Interval))
	}
	if m.flags&Ejected != 0 {
		if m.ejectedTo.IsZero() {
			return time.Time{} // somebody set it
		}
		later(m.ejectedTo)
	}
	return at
}
