package balancer

import (
	"sync/atomic"
	"time"
)

// Outcome is how an exchange with a member ended, as far as the member is to
// blame.
type Outcome uint8

// The outcomes.
const (
	OK          Outcome = iota // the member answered
	Unreachable                // no connection to the member could be made
	Failed                     // it was reached, but broke off, kept silent or answered badly
	Canceled                   // the exchange ended by no fault of the member
)

// Member is one origin server of a balancer.
type Member struct {
	balancer *Balancer
	index    int
	name     string
	retry    time.Duration
	lbfactor int // hundredths of the loadfactor

	// guarded by balancer.mu
	lbstatus int
	down     bool      // in error state
	usableAt time.Time // end of the error state while down

	elected atomic.Uint64
	busy    atomic.Int64
	errors  atomic.Uint64
}

func newMember(b *Balancer, index int, c MemberConfig) *Member {
	return &Member{
		balancer: b,
		index:    index,
		name:     c.Name,
		retry:    c.Retry,
		// Cut, not rounded, as mod_proxy's (int)(fval * 100.0).
		lbfactor: int(c.LoadFactor * 100),
	}
}

// Index is the member's place in the Site's list, from 0.
func (m *Member) Index() int { return m.index }

// Name is the member's name in its configuration.
func (m *Member) Name() string { return m.name }

// Done ends what Elect began, and tells how it went. It panics when it is
// called more often than the member was elected: a count of busy exchanges
// that is wrong would mislead every later choice by it.
func (m *Member) Done(o Outcome) {
	if m.busy.Add(-1) < 0 {
		panic("balancer: member " + m.name + ": Done without Elect")
	}
	if o == Unreachable || o == Failed {
		m.errors.Add(1)
	}
	if o != Unreachable {
		return
	}
	b := m.balancer
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.down {
		return
	}
	m.down = true
	m.usableAt = time.Now().Add(m.retry)
	b.inError++
}

// Counters are a member's figures since its start.
type Counters struct {
	Elected uint64 // times elected
	Busy    int64  // elected and not done
	Errors  uint64 // outcomes Unreachable and Failed
}

// Counters reads the figures. Each is exact; together they may be of slightly
// different moments.
func (m *Member) Counters() Counters {
	return Counters{Elected: m.elected.Load(), Busy: m.busy.Load(), Errors: m.errors.Load()}
}

// InError says whether the member is kept from requests at this moment.
func (m *Member) InError() bool {
	m.balancer.mu.Lock()
	defer m.balancer.mu.Unlock()
	return m.down && time.Now().Before(m.usableAt)
}
