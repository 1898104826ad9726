package balancer

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// What Elect can fail with.
var (
	// ErrNoMember says that no member is usable: all are out of service or tried.
	ErrNoMember = errors.New("balancer: no usable member")
	// ErrFull says that each member which could be elected has its max already.
	ErrFull = errors.New("balancer: all usable members have their max")
)

// Request is what an election knows of the request. The zero Request is one
// without a session, a key and earlier attempts.
type Request struct {
	Tried []*Member // members that this attempt shall avoid
	Route []byte    // of its session; empty for none
	Home  int       // its session's member by its Lease.Index, and one; 0 for none. It goes before Route
	Key   uint64    // hash: requests with the same key go to the same member
	Keyed bool      // there is a Key
}

// avoids says whether m shall not be elected for q.
func (q *Request) avoids(m *Member) bool {
	return len(q.Tried) > 0 && slices.Contains(q.Tried, m)
}

// session says whether the request names its member.
func (q *Request) session() bool { return q.Home > 0 || len(q.Route) > 0 }

// Balancer elects among its members.
type Balancer struct {
	config  Config
	core    *core
	members []*Member

	roster atomic.Pointer[roster]
	watch  *watch // nil while nobody watches
	tell   func(Event)

	// mu makes elections of the exact lbmethods serial. It guards the lbstatus in
	// the roster, and is held while the roster is replaced.
	mu       sync.Mutex
	lbstatus []int  // by the member's index, of those outside the roster
	place    []int  // by the member's index, its seat while a roster is filled
	wide     roster // for elections that cannot be made from the roster
}

// core is what a balancer shares with those that take over from it on reload.
type core struct {
	version atomic.Uint64 // counts changes of what rosters are made from

	mu       sync.Mutex // guards these, and what the members say it guards
	method   string     // as set
	declared string     // as declared
	inFlight *striped   // exchanges that were elected by hash with a bound
	events   []Event    // that nobody was told of yet

	queue   queue
	budget  budget
	hedging hedging
	wake    chan struct{} // for the watch: a member failed, or something else is to be told
}

// New builds a balancer whose members all are as they were declared.
func New(c Config) (*Balancer, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	b := &Balancer{config: c, core: &core{inFlight: new(striped), method: c.Method, declared: c.Method, wake: make(chan struct{}, 1)}, lbstatus: make([]int, len(c.Members)), place: make([]int, len(c.Members))}
	now := time.Now()
	for _, u := range []*budget{&b.core.budget, &b.core.hedging.budget} {
		u.before.at, u.last.at = now, now
	}
	b.core.hedging.times.turned.Store(elapsed())
	b.core.hedging.times.looked.Store(elapsed())
	figures := make([]counters, len(c.Members))
	c.Members = slices.Clone(c.Members)
	for i := range c.Members {
		if c.Members[i].Check.Interval == 0 {
			c.Members[i].Check = c.Check
		}
	}
	b.config.Members = c.Members
	for i, mc := range c.Members {
		b.members = append(b.members, newMember(b.core, mc, &figures[i]))
	}
	return b, nil
}

// Name is the name in balancer://name.
func (b *Balancer) Name() string { return b.config.Name }

// Declared is what the balancer was built from: all as it was before any change at
// run time. Its slices are the balancer's own and must not be changed.
func (b *Balancer) Declared() Config { return b.config }

// Members returns the members in the order of the Site. The slice is the
// balancer's own and must not be changed.
func (b *Balancer) Members() []*Member { return b.members }

// Elect picks the member for the next request, or for another attempt at the
// same one, and has l hold it; l must not hold one already. A nil q is the zero
// Request.
func (b *Balancer) Elect(q *Request, l *Lease) error {
	if l.member != nil {
		panic("balancer: member " + l.member.name + ": Elect without Done")
	}
	if q == nil {
		q = &nothing
	}
	if b.core.queue.long.Load() > 0 {
		return ErrFull // others came first
	}
	return b.electNow(q, l)
}

// electNow is Elect without regard to who waits.
func (b *Balancer) electNow(q *Request, l *Lease) error {
	// Only the exact lbmethods need the lock.
	if r := b.roster.Load(); r != nil && !r.lbmethod.exact && r.fresh() && b.elect(r, q, l) {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.current()
	if b.elect(r, q, l) {
		return nil
	}
	return b.electWide(r, q, l)
}

var nothing Request

// elect tries to elect from a roster. The caller holds mu if the lbmethod is an
// exact one.
func (b *Balancer) elect(r *roster, q *Request, l *Lease) bool {
	if q.session() {
		if s := r.routed(q); s != nil {
			if l.take(b, r, s) {
				r.earn(s)
			}
			return l.member != nil
		}
		if b.config.NoFailover && r.knows(q) {
			return false
		}
	}
	for {
		seat := r.pick(q)
		if seat < 0 {
			return false
		}
		if l.take(b, r, &r.seats[seat]) {
			return true
		}
		// Between the look at its max and this somebody else was elected.
	}
}

// electWide is Elect when the roster has nobody for q. Where that is because all
// were tried, the walk is done anew as if they were unusable, which may lead to
// spares, standbys or another lbset. The caller holds mu.
func (b *Balancer) electWide(r *roster, q *Request, l *Lease) error {
	if q.session() {
		if s := r.routed(q); s != nil {
			return ErrFull
		}
		if b.config.NoFailover && r.knows(q) {
			return ErrNoMember
		}
	}
	for i := range r.seats[:r.candidates] {
		if !q.avoids(r.members[r.seats[i].index]) {
			return ErrFull
		}
	}
	if len(q.Tried) == 0 {
		return ErrNoMember
	}
	w := &b.wide
	b.keep(r)
	b.fill(w, q.Tried, time.Time{})
	seat := w.pick(q)
	b.keep(w)
	b.load(r)
	switch {
	case seat >= 0 && l.take(b, w, &w.seats[seat]):
		return nil
	case w.candidates > 0:
		return ErrFull
	}
	return ErrNoMember
}
