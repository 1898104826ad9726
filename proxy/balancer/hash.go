package balancer

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"sync/atomic"
)

// hash is weighted rendezvous hashing: key and member together give a number, its
// draw, and the candidate with the least one is elected. A member that goes moves
// only its own keys, each to the next best; one that comes takes only what is its
// share. With z = (key ^ seed) * (key + 0x9e3779b97f4a7c15), of 128 bits, the seed
// being XXH64 of the member's name,
//
//	u = (upper half of z ^ lower half of z) / 2^64, the first 53 bits of it
//	draw = -log(1-u) / lbfactor
//
// so each process elects alike, in whatever order the members stand. A draw is
// exponential with the rate lbfactor, so the least of all falls to each by its
// lbfactor.
//
// With a bound, a candidate that has more than that times its share of what runs
// is passed over: consistent hashing with bounded loads (Mirrokni, Thorup,
// Zadimoghaddam 2018). There is room with somebody, unless others are passed over
// for their max or as tried, or exchanges run that hash has not elected; then the
// bound says nothing.
func hash(r *roster, q *Request) int {
	key := q.Key
	if !q.Keyed {
		key = rand.Uint64()
	}
	if r.candidates > fewAtOnce {
		if seat := r.leastDraw(q, key, uint64(likely*scale/float64(r.total)), r.bound); seat >= 0 {
			return seat
		}
	}
	seat := r.leastDraw(q, key, scale, r.bound)
	if seat < 0 && r.bound > 0 {
		return r.leastDraw(q, key, scale, 0)
	}
	return seat
}

// likely is what the least draw times all lbfactors is below, but for one election
// in e^3. To look there first leaves few candidates to look at closely.
const likely = 3

// leastDraw returns the candidate with the least draw, where it finds it below a
// limit; else -1.
func (r *roster) leastDraw(q *Request, key, limit uint64, bound float64) int {
	picky, most := r.picky(q), limit
	running := -1.0 // in all; not asked yet
	best, least := -1, draw{}
	for i, u := nearer(r.rates, 0, key, limit); i >= 0; i, u = nearer(r.rates, i+1, key, limit) {
		d := drawn(u, r.rates[i].by)
		if best >= 0 && !d.less(&least) && (least.less(&d) || r.rates[best].seed < r.rates[i].seed) {
			continue
		}
		s := &r.seats[i]
		if picky && r.passes(s, q) {
			continue
		}
		if bound > 0 && r.loaded(s, bound, &running) {
			continue
		}
		best, least = i, d
		if d.most < 1 {
			limit = min(limit, uint64(d.most*scale)+1)
		}
	}
	if best >= 0 && most < scale && least.most*scale > float64(most) {
		return -1 // beyond the limit somebody may have less
	}
	return best
}

// loaded says whether s has more than its bounded share of what runs, which is
// asked for once. Without a bound nobody looks at busy here: another core may have
// changed it, and to fetch its line takes longer than all the rest of an election.
func (r *roster) loaded(s *seat, bound float64, running *float64) bool {
	busy := s.busy.Load()
	if busy == 0 {
		return false
	}
	if *running < 0 {
		*running = float64(r.core.inFlight.sum() + 1)
	}
	// Products of integers are exact as far as this goes, quotients are not.
	return float64(busy)*float64(r.total) >= bound**running*float64(s.lbfactor)
}

// A draw is between bounds that mostly tell which of two is less: a logarithm takes
// longer than all the rest.
type draw struct {
	least, most float64
	u, by       float64
}

// drawn is the draw of u by an lbfactor of 1/by.
func drawn(u, by float64) draw {
	// -log(1-u) is u + u²/2 + u³/3 + …, and from u⁴/4 on no more than a geometric
	// series. What is added and taken away is more than the error of the products.
	least := u * (1 + u*(1./2+u*(1./3)))
	most := least + u*u*u*u/(4*(1-u))
	return draw{least * by * (1 - 1e-12), most * by * (1 + 1e-12), u, by}
}

func (d *draw) less(other *draw) bool {
	switch {
	case d.most < other.least:
		return true
	case d.least > other.most:
		return false
	}
	return math.Log(1-d.u)*d.by > math.Log(1-other.u)*other.by
}

// scale is 1 in the limits of draws.
const scale = 1 << 50

// A rate is what hash looks at of each candidate.
type rate struct {
	seed   uint64
	factor uint64  // lbfactor
	by     float64 // 1/lbfactor
}

// nearer finds the next candidate, from one on, whose draw may be less than a
// limit, and u of it; -1 for none. No draw is less than u/lbfactor, so nearly all
// candidates cost a product and a comparison, and no logarithm. It is a function
// of its own, and calls none, so that the loop runs in registers.
//
//go:noinline
func nearer(rates []rate, from int, key, limit uint64) (int, float64) {
	k := key + 0x9e3779b97f4a7c15
	for i, c := range rates[from:] {
		high, low := bits.Mul64(key^c.seed, k)
		if v := high ^ low; v>>14 <= limit*c.factor {
			return from + i, float64(v>>11) * 0x1p-53
		}
	}
	return -1, 0
}

func (r *roster) rate() {
	r.rates = r.rates[:0]
	for i := range r.seats[:r.candidates] {
		s := &r.seats[i]
		r.rates = append(r.rates, rate{r.members[s.index].seed, uint64(s.lbfactor), 1 / float64(s.lbfactor)})
	}
}

// striped is a counter that cores do not wait for each other to change.
type striped [8]struct {
	n atomic.Int64
	_ [56]byte // a cache line each
}

// add changes the sum. Who adds and takes away the same does so at one stripe.
func (s *striped) add(stripe uint8, n int64) { s[stripe%uint8(len(s))].n.Add(n) }

func (s *striped) sum() (sum int64) {
	for i := range s {
		sum += s[i].n.Load()
	}
	return sum
}
