package balancer

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"sync/atomic"
)

// hash is weighted rendezvous hashing: key and member together give a number, and
// the candidate with the best one is elected. A member that goes moves only its
// own keys, each to the next best; one that comes takes only what is its share.
//
// With a bound, a candidate that has more than that times its share of what runs
// is passed over: consistent hashing with bounded loads (Mirrokni, Thorup,
// Zadimoghaddam 2018).
func hash(r *roster, q *Request) int {
	key := q.Key
	if !q.Keyed {
		key = rand.Uint64()
	}
	running := int64(-1) // in all; not asked yet
	picky := r.picky(q)
	best, score := -1, draw{least: math.Inf(1), most: math.Inf(1)}
	for i, u := nearer(r.rates, 0, key, score.most); i >= 0; i, u = nearer(r.rates, i+1, key, score.most) {
		d := r.rates[i].draw(u, r.even)
		if !d.less(&score) {
			continue
		}
		s := &r.seats[i]
		if picky && r.passes(s, q) {
			continue
		}
		if busy := s.busy.Load(); r.bound > 0 && busy > 0 {
			if running < 0 {
				running = r.core.inFlight.sum()
			}
			if busy >= r.share(s, running+1) {
				continue
			}
		}
		best, score = i, d
	}
	return best
}

// nearer finds the next candidate, from one on, whose draw may be less than a
// bound, and u of it; -1 for none. It is a function of its own, and calls none, so
// that the loop runs in registers.
//
//go:noinline
func nearer(rates []rate, from int, key uint64, bound float64) (int, float64) {
	k := key + 0x9e3779b97f4a7c15
	for i := from; i < len(rates); i++ {
		c := &rates[i]
		// Of a key and a member's seed, both well mixed themselves, a number that says
		// nothing of either: the halves of a product of 128 bits, as in wyhash.
		high, low := bits.Mul64(key^c.seed, k)
		if u := float64(int64((high ^ low) >> 11)); u*c.by < bound {
			return i, u * 0x1p-53
		}
	}
	return -1, 0
}

// A draw is what a candidate gets for a key: -log(1-u)/lbfactor, where u is uniform
// in [0, 1). It is exponential with the rate lbfactor, so the least of all draws
// falls to each by its lbfactor. A logarithm takes longer than all the rest, and
// its bounds mostly tell which of two draws is less.
type draw struct {
	least, most float64 // bounds
	u, by       float64
}

// draw of even candidates is u alone, which has the same order.
func (c *rate) draw(u float64, even bool) draw {
	by := c.by * 0x1p53
	if even {
		return draw{u * by, u * by, u, by}
	}
	// -log(1-u) is u + u²/2 + u³/3 + …, and from u⁴/4 on no more than a geometric
	// series.
	least := u * (1 + u*(1./2+u*(1./3)))
	return draw{least * by, (least + u*u*u*u/(4*(1-u))) * by, u, by}
}

func (d *draw) less(other *draw) bool {
	switch {
	case d.most <= other.least:
		return d.least < other.least
	case d.least >= other.most:
		return false
	}
	return math.Log(1-d.u)*d.by > math.Log(1-other.u)*other.by
}

// A rate is what hash looks at of each candidate.
type rate struct {
	seed uint64
	by   float64 // 2^-53 by lbfactor
}

func (r *roster) rate() {
	r.rates = r.rates[:0]
	for i := range r.seats[:r.candidates] {
		s := &r.seats[i]
		r.rates = append(r.rates, rate{s.member.seed, 0x1p-53 / float64(s.lbfactor)})
	}
}

// share is how many of the running exchanges a member may have.
func (r *roster) share(s *seat, running int64) int64 {
	return int64(math.Ceil(r.bound * float64(running) * float64(s.lbfactor) / float64(r.total)))
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
