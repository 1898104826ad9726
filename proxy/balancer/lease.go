package balancer

import (
	"slices"
	"time"
)

// Outcome is how an exchange with a member ended, as far as the member is to
// blame.
type Outcome uint8

// The outcomes.
const (
	OK          Outcome = iota // the member answered
	Unreachable                // no connection to the member could be made
	Failed                     // it was reached, but broke off or answered badly
	Silent                     // it was reached, but did not answer in time
	Canceled                   // the exchange ended by no fault of the member
)

// Result is what Done is told of an exchange.
type Result struct {
	Outcome  Outcome
	Status   int           // of the member's answer; 0 for none
	To, From int64         // bytes to and from the member
	Took     time.Duration // from the request to the head of its answer, or for how long at least none came; 0 where Balancer.Timed is false
}

// A Lease holds a member from Elect to Done. Each election has exactly one Done:
// a second one panics, so does an Elect before Done, and a Lease cannot be copied
// unseen (go vet). The zero Lease holds none.
type Lease struct {
	_      noCopy
	by     *Balancer
	member *Member
	index  int
	counts bool // in core.inFlight
	hedge  bool // it is from Hedge
	stripe uint8
}

type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Member is the member that is held; nil for none.
func (l *Lease) Member() *Member { return l.member }

// Index is its place in the Site's list, from 0, of the balancer that elected it.
func (l *Lease) Index() int { return l.index }

// take enters a member, unless it is full.
func (l *Lease) take(b *Balancer, r *roster, s *seat) bool {
	if !s.enter() {
		return false
	}
	nth := s.elected.Add(1)
	l.by = b
	l.member, l.index, l.counts = r.members[s.index], int(s.index), r.lbmethod.keyed && r.bound > 0
	l.hedge = false
	if l.counts {
		l.stripe = uint8(nth)
		r.core.inFlight.add(l.stripe, 1)
	}
	return true
}

// Done ends what Elect began, and tells how it went.
func (l *Lease) Done(r Result) {
	m := l.member
	if m == nil {
		panic("balancer: Done without Elect")
	}
	l.member = nil
	if m.busy.Add(-1) < 0 {
		panic("balancer: member " + m.name + ": more exchanges ended than began")
	}
	if l.counts {
		m.core.inFlight.add(l.stripe, -1)
	}
	if r.To != 0 {
		m.to.Add(r.To)
	}
	if r.From != 0 {
		m.from.Add(r.From)
	}
	c := &l.by.config
	if r.Took > 0 {
		m.latency.observe(r.Took)
		if c.Hedge > 0 && !l.hedge {
			m.core.hedging.times.observe(r.Took, c.Hedge)
		}
	}
	if r.Status >= 500 {
		m.bad.Add(1)
	}
	switch r.Outcome {
	case OK:
		if len(c.FailOnStatus) > 0 && slices.Contains(c.FailOnStatus, r.Status) {
			m.errors.Add(1)
			m.fail(c, false)
		}
	case Unreachable:
		m.errors.Add(1)
		m.fail(c, true)
	case Failed:
		m.errors.Add(1)
	case Silent:
		m.errors.Add(1)
		if c.FailOnTimeout {
			m.fail(c, false)
		}
	}
	m.core.serve()
}
