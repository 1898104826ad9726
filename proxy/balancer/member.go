package balancer

import (
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Member is one origin server of a balancer. It outlives the balancer: those that
// take over on reload have the same one.
type Member struct {
	core *core
	name string
	seed uint64 // of its name, for hash

	// guarded by core.mu
	config   MemberConfig
	set      settings
	flags    Flags     // set.status, and what came by itself
	usableAt time.Time // end of the error state while InError
	retries  uint64    // error states that ended
	factor   int       // lbfactor at this moment
	since    time.Time // when a slow start began; zero for none

	// outlier.go, guarded as well
	ejectedTo time.Time // end of the last ejection
	inARow    int       // ejections
	last      tally

	// for the watch, guarded as well
	unreached     bool // it is in error because no connection could be made
	probing       bool
	probeAt       time.Time // when it is probed next while in error
	checkAt       time.Time // and in any case
	check         Check
	passes, fails int // probes in a row

	*counters
	latency latency
}

// counters are a member's figures: a cache line of their own, so that cores which
// elect different members do not wait for each other, and those of a balancer's
// members in a row, so that to look at all of them is quick. They hold no pointer:
// where some do, what is allocated in a row begins 8 bytes behind the edge of a line.
type counters struct {
	busy    atomic.Int64
	max     atomic.Int64 // of set
	elected atomic.Uint64
	errors  atomic.Uint64
	to      atomic.Int64 // bytes
	from    atomic.Int64
	bad     atomic.Uint64 // answers with a status from 500 on
	_       [8]byte
}

func newMember(core *core, c MemberConfig, figures *counters) *Member {
	m := &Member{core: core, name: c.Name, seed: xxhash.Sum64String(c.Name), config: c, counters: figures}
	m.setTo(c.settings())
	return m
}

// Name is the member's name in its configuration.
func (m *Member) Name() string { return m.name }

// setTo obeys settings. The caller holds core.mu, and counts core.version up.
func (m *Member) setTo(s settings) {
	m.flags = m.flags&^admin | s.status
	m.set = s
	m.max.Store(int64(s.max))
	m.factor = m.lbfactor()
}

// lbfactor is cut, not rounded, as mod_proxy's (int)(fval * 100.0). The caller
// holds core.mu.
func (m *Member) lbfactor() int { return int(m.set.factor * 100) }

// full says whether the member has its max.
func (c *counters) full() bool {
	most := c.max.Load()
	return most > 0 && c.busy.Load() >= most
}

// enter counts one exchange more, unless the member is full.
func (c *counters) enter() bool {
	most := c.max.Load()
	if most == 0 {
		c.busy.Add(1)
		return true
	}
	for {
		busy := c.busy.Load()
		if busy >= most {
			return false
		}
		if c.busy.CompareAndSwap(busy, busy+1) {
			return true
		}
	}
}

// settle ends the error state where it is over (ap_proxy_retry_worker), and an
// ejection, and has the slow start go on. It returns when there is something to do again; zero for
// never. The caller holds core.mu.
func (m *Member) settle(now time.Time, slowStart time.Duration) time.Time {
	if m.flags&InError != 0 && m.flags&Stopped == 0 {
		if m.flags&IgnoreErrors == 0 && now.Before(m.usableAt) {
			return m.usableAt
		}
		before := m.flags
		m.flags &^= InError
		m.retries++
		m.became(before, ByTime, now)
	}
	if m.flags&Ejected != 0 && !m.ejectedTo.IsZero() {
		if now.Before(m.ejectedTo) {
			return m.ejectedTo
		}
		before := m.flags
		m.flags &^= Ejected
		m.became(before, ByTime, now)
	}
	m.factor = m.lbfactor()
	if m.since.IsZero() || slowStart == 0 {
		return time.Time{}
	}
	past := now.Sub(m.since)
	if past >= slowStart {
		m.since = time.Time{}
		return time.Time{}
	}
	m.factor = max(1, int(float64(m.factor)*max(slowest, float64(past)/float64(slowStart))))
	return now.Add(slowStart / slowSteps)
}

const (
	slowest   = 0.1 // of its lbfactor is what a member has at least in a slow start
	slowSteps = 20  // in which the lbfactor grows
)

// fail puts the member into error state, unless it is there already: a late
// failure belongs to an exchange that began before.
func (m *Member) fail(by *Config, unreached bool) {
	c := m.core
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	m.settle(now, by.SlowStart)
	if m.flags&(InError|IgnoreErrors) != 0 || m.config.Retry == 0 {
		return
	}
	before := m.flags
	m.flags |= InError
	m.became(before, ByFailure, now)
	m.usableAt = now.Add(m.config.Retry)
	m.unreached, m.probeAt = unreached, now.Add(by.Probe)
	c.version.Add(1)
	c.wakeUp()
}
