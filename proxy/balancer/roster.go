package balancer

import (
	"math"
	"slices"
	"time"
)

// A roster lists the members that elections choose from, until one of them
// changes. So elections compare members, and do not ask each for its state.
type roster struct {
	core    *core
	members []*Member // all of the balancer's
	version uint64    // of core that it was made from
	until   int64     // when some member's state changes by itself, ns since start

	seats      []seat
	candidates int            // the first seats, for requests without session; behind them is who else is usable
	total      int            // of the candidates' lbfactors
	bounded    bool           // some candidate has a max
	alias      []alias        // of the candidates, where the lbmethod draws by weight
	rates      []rate         // of the candidates, where it hashes
	traffic    traffic        // of the candidates, where it elects by that; guarded by Balancer.mu
	homes      []int          // by the member's index, the seat that answers for its sessions; -1 for none
	routes     map[string]int // from a route to the seat that answers for it; -1 for one that nobody does

	bound    float64 // Config.HashBound
	lbmethod *lbmethod
}

// A seat is a member in a roster, with what elections look at near at hand: they
// pass over all seats, so a seat is small.
type seat struct {
	*counters
	lbstatus int   // guarded by Balancer.mu
	lbfactor int32 // hundredths of the loadfactor
	index    int32 // among the balancer's members
}

// fresh says whether r is still right.
func (r *roster) fresh() bool {
	return r.version == r.core.version.Load() && (r.until == never || elapsed() < r.until)
}

// current returns a roster that is right. The caller holds mu.
func (b *Balancer) current() *roster {
	r := b.roster.Load()
	if r != nil && r.fresh() {
		return r
	}
	if r != nil {
		b.keep(r)
	}
	r = new(roster)
	b.fill(r, nil, time.Now())
	b.roster.Store(r)
	return r
}

// keep takes the lbstatus out of r, and load puts them back.
func (b *Balancer) keep(r *roster) {
	for _, s := range r.seats {
		b.lbstatus[s.index] = s.lbstatus
	}
}

func (b *Balancer) load(r *roster) {
	for i := range r.seats {
		r.seats[i].lbstatus = b.lbstatus[r.seats[i].index]
	}
}

// fill makes r anew, as if the members of without were unusable. With a time it
// ends what is over by then. The caller holds mu.
func (b *Balancer) fill(r *roster, without []*Member, now time.Time) {
	c := b.core
	c.mu.Lock()
	defer c.mu.Unlock()
	r.core, r.members, r.bound = c, b.members, b.config.HashBound
	r.until = never
	if !now.IsZero() {
		r.until = b.settle(now)
	}
	r.version = c.version.Load()
	b.walk(r, without)
	if r.candidates == 0 && b.config.ForceRecovery && without == nil && b.forceRecovery() {
		r.until = b.settle(now)
		r.version = c.version.Add(1)
		b.walk(r, nil)
	}
	b.sum(r)
	b.load(r)
	b.answerFor(r)
}

// sum works out what the lbmethod wants to know of all candidates together.
func (b *Balancer) sum(r *roster) {
	r.lbmethod = methods[b.core.method]
	r.total, r.bounded, r.traffic = 0, false, r.traffic[:0]
	for i := range r.seats[:r.candidates] {
		s := &r.seats[i]
		r.total += int(s.lbfactor)
		r.bounded = r.bounded || r.members[s.index].set.max > 0
	}
	if r.lbmethod.byWeight {
		r.aliases()
	}
	if r.lbmethod.keyed {
		r.rate()
	}
}

// never is later than any time.
const never = math.MaxInt64

// settle ends error states that are over, and returns when the next one will be.
// The caller holds core.mu.
func (b *Balancer) settle(now time.Time) (until int64) {
	until = never
	for _, m := range b.members {
		if ends := m.settle(now, b.config.SlowStart); !ends.IsZero() {
			until = min(until, int64(ends.Sub(start)))
		}
	}
	return until
}

// walk is ap_proxy_balancer_get_best_worker: lbsets from the lowest on, until one
// has candidates; spares for unusable members, one for one; standbys where there
// is nobody else. The caller holds core.mu.
func (b *Balancer) walk(r *roster, without []*Member) {
	r.seats, r.candidates = r.seats[:0], 0
	usable := func(m *Member) bool { return m.flags.Usable() && !slices.Contains(without, m) }
	for lbset := b.nextSet(-1); lbset >= 0 && len(r.seats) == 0; lbset = b.nextSet(lbset) {
		missing := 0
		each := func(kind Flags, most int) {
			for i, m := range b.members {
				switch {
				case m.set.lbset != lbset || m.kind() != kind:
				case m.flags&Draining != 0 || !usable(m):
					missing++
				case most > 0:
					most--
					r.seats = append(r.seats, b.seatOf(i))
				}
			}
		}
		each(0, len(b.members))
		each(HotSpare, missing)
		if len(r.seats) == 0 {
			each(HotStandby, len(b.members))
		}
	}
	r.candidates = len(r.seats)
	for i := range b.place {
		b.place[i] = -1
	}
	for i := range r.seats {
		b.place[r.seats[i].index] = i
	}
	for i, m := range b.members {
		if b.place[i] < 0 && usable(m) {
			b.place[i] = len(r.seats)
			r.seats = append(r.seats, b.seatOf(i))
		}
	}
}

// kind is HotSpare, HotStandby, or 0 for a member of the first rank.
func (m *Member) kind() Flags {
	if m.flags&HotSpare != 0 {
		return HotSpare
	}
	return m.flags & HotStandby
}

// nextSet is the lowest lbset above one, or -1.
func (b *Balancer) nextSet(above int) int {
	next := -1
	for _, m := range b.members {
		if s := m.set.lbset; s > above && (next < 0 || s < next) {
			next = s
		}
	}
	return next
}

func (b *Balancer) seatOf(i int) seat {
	m := b.members[i]
	return seat{counters: m.counters, lbfactor: int32(m.factor), index: int32(i)}
}

// forceRecovery ends the error state of all members when all that are in service
// are in it, and says whether it did. The caller holds core.mu.
func (b *Balancer) forceRecovery() bool {
	some := false
	for _, m := range b.members {
		switch {
		case m.flags&(Disabled|Stopped) != 0:
		case m.flags&InError == 0:
			return false
		default:
			some = true
		}
	}
	for _, m := range b.members {
		if some && m.flags&(Disabled|Stopped) == 0 {
			before := m.flags
			m.flags &^= InError
			m.retries++
			m.became(before, ByForce, time.Now())
		}
	}
	return some
}
