package balancer

import "time"

// Status is what a balancer says of itself at one moment.
type Status struct {
	Name    string
	Method  string // lbmethod
	Changed bool   // the lbmethod is not the declared one
	Waiting int    // requests in the queue
	Again   uint64 // further attempts at requests
	Refused uint64 // further attempts that the budget did not allow

	Hedges        uint64        // requests that were sent to a second member, as the first took long
	HedgesWon     uint64        // of those, where the second answered first
	HedgesRefused uint64        // that the budget did not allow
	HedgeDelay    time.Duration // after which a request may be hedged; 0 where none is

	Members []MemberStatus
}

// MemberStatus is what a balancer says of a member. Counters run since the start
// of the proxy, over reloads.
type MemberStatus struct {
	Name       string
	Flags      Flags
	Candidate  bool // it may get the next request that has no session
	LoadFactor float64
	LBFactor   int // hundredths of the loadfactor, as elections count; lower than that in a slow start
	LBStatus   int
	LBSet      int
	Route      string
	Redirect   string
	Max        int
	Changed    bool // some of these were changed at run time

	Elected  uint64        // times elected
	Busy     int64         // exchanges that run
	Errors   uint64        // exchanges that failed by its fault
	Retries  uint64        // error states that ended
	To, From int64         // bytes
	Latency  time.Duration // moving average to the head of an answer; 0 where nobody asks (Balancer.Timed)
	Check    Check         // the last probe
	ErrorEnd time.Time     // when the error state ends by itself; zero without InError

	EjectedTo time.Time // when the ejection ends by itself; zero without Ejected
}

// Status tells how the balancer stands. Elections wait for it only while lbstatus
// is copied. Each figure is exact; together they may be of slightly different
// moments.
func (b *Balancer) Status() Status {
	now := time.Now()
	members := make([]MemberStatus, len(b.members))
	b.mu.Lock()
	r := b.current()
	b.keep(r)
	for i := range r.seats {
		members[r.seats[i].index].Candidate = i < r.candidates
	}
	for i := range members {
		members[i].LBStatus = b.lbstatus[i]
	}
	b.mu.Unlock()
	c := b.core
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, m := range b.members {
		m.status(&members[i], now)
	}
	c.budget.mu.Lock()
	defer c.budget.mu.Unlock()
	h := &c.hedging
	h.budget.mu.Lock()
	defer h.budget.mu.Unlock()
	return Status{
		Name: b.config.Name, Method: c.method, Changed: c.method != c.declared,
		Waiting: int(c.queue.long.Load()), Again: c.budget.attempts.Load(), Refused: c.budget.refused,
		Hedges: h.sent.Load(), HedgesWon: h.won.Load(), HedgesRefused: h.budget.refused, HedgeDelay: b.HedgeDelay(),
		Members: members,
	}
}

// status fills in what the member knows. The caller holds core.mu.
func (m *Member) status(s *MemberStatus, now time.Time) {
	s.Name, s.Flags = m.name, m.flags
	s.LoadFactor, s.LBSet, s.Route, s.Redirect, s.Max = m.set.factor, m.set.lbset, m.set.route, m.set.redirect, m.set.max
	s.Changed = m.set != m.config.settings()
	s.LBFactor = m.factor
	s.Elected, s.Busy, s.Errors, s.Retries = m.elected.Load(), m.busy.Load(), m.errors.Load(), m.retries
	s.To, s.From, s.Latency = m.to.Load(), m.from.Load(), m.latency.average()
	s.Check = m.check
	if m.flags&Ejected != 0 {
		s.EjectedTo = m.ejectedTo
	}
	if m.flags&InError != 0 {
		s.ErrorEnd = m.usableAt
	}
}

// Timed says whether the balancer wants to know how long answers take
// (Result.Took). Nobody needs to look at the clock for it otherwise.
func (b *Balancer) Timed() bool {
	if b.config.Outliers.Latency > 0 || b.config.Hedge > 0 {
		return true
	}
	if r := b.roster.Load(); r != nil {
		return r.lbmethod.timed
	}
	return methods[b.config.Method].timed
}

// Flags are the member's at this moment.
func (m *Member) Flags() Flags {
	m.core.mu.Lock()
	defer m.core.mu.Unlock()
	if m.flags&InError != 0 && m.flags&Stopped == 0 && !time.Now().Before(m.usableAt) {
		return m.flags &^ InError // it ends with the next election
	}
	return m.flags
}

// Busy is how many exchanges run with the member.
func (m *Member) Busy() int64 { return m.busy.Load() }

// Keyed says whether elections look at Request.Key.
func (b *Balancer) Keyed() bool {
	if r := b.roster.Load(); r != nil {
		return r.lbmethod.keyed
	}
	return methods[b.config.Method].keyed
}
