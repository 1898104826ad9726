package balancer

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// An lbmethod chooses among the candidates of a roster. It is one of two kinds.
type lbmethod struct {
	// An exact one looks at each candidate in turn, with the balancer's mutex held.
	// The least load is best, then the highest lbstatus, then the first.
	exact bool
	load  load

	// A free one needs no lock and scales with cores. free returns a seat, or -1
	// where no candidate is left for q.
	free     func(r *roster, q *Request) int
	byWeight bool // needs roster.sums
	keyed    bool // it looks at Request.Key, and with a bound its elections count in core.inFlight
	timed    bool // it wants Result.Took
}

var methods = map[string]*lbmethod{
	"byrequests": {exact: true, load: alike},
	"bytraffic":  {exact: true, load: byBytes},
	"bybusyness": {exact: true, load: byBusy},
	"leastconn":  {free: leastconn},
	"random2":    {free: random2, byWeight: true},
	"ewma":       {free: ewma, timed: true},
	"hash":       {free: hash, keyed: true},
}

// A load is what an exact lbmethod looks at before lbstatus.
type load uint8

const (
	alike   load = iota
	byBusy       // exchanges that run
	byBytes      // both ways, by lbfactor; and lbstatus is left alone
)

// Methods are the names of the lbmethods, sorted.
func Methods() []string { return slices.Sorted(maps.Keys(methods)) }

// pick asks the lbmethod. It returns a seat, or -1 where all candidates were
// tried or are full.
func (r *roster) pick(q *Request) int {
	switch {
	case r.lbmethod.exact:
		return r.pickExact(q)
	case r.candidates > 0:
		return r.lbmethod.free(r, q)
	}
	return -1
}

// passes says whether s is passed over for q.
func (r *roster) passes(s *seat, q *Request) bool { return s.full() || q.avoids(r.members[s.index]) }

// picky says whether some candidate may have to be passed over for q.
func (r *roster) picky(q *Request) bool { return r.bounded || len(q.Tried) > 0 }

// draw returns a seat at random, as draws has it, that q does not pass over; -1
// for none. Where chance finds only others, the next in the row is taken.
func (r *roster) draw(q *Request, draws func(*roster) int) int {
	i := draws(r)
	if !r.picky(q) {
		return i
	}
	for range 3 {
		if !r.passes(&r.seats[i], q) {
			return i
		}
		i = draws(r)
	}
	for range r.candidates {
		if !r.passes(&r.seats[i], q) {
			return i
		}
		i = (i + 1) % r.candidates
	}
	return -1
}

// uniform draws each candidate alike.
func uniform(r *roster) int { return int(rand.Uint64N(uint64(r.candidates))) }

// two draws two candidates, not the same one where there is a choice, and returns
// the better.
func (r *roster) two(q *Request, draws func(*roster) int, better func(s, other *seat) bool) int {
	i := r.draw(q, draws)
	if i < 0 || r.candidates == 1 {
		return i
	}
	j := r.draw(q, draws)
	if j == i {
		j = r.draw(q, func(*roster) int { return (i + 1) % r.candidates })
	}
	if better(&r.seats[j], &r.seats[i]) {
		return j
	}
	return i
}
