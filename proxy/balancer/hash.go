package balancer

import (
	"math"
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
	best, bestScore := -1, math.Inf(1)
	for i := range r.seats[:r.candidates] {
		s := &r.seats[i]
		// u is uniform in (0, 1], so -log(u)/lbfactor is exponential with that
		// rate, and the least of them falls to each by its lbfactor. That -log(u)
		// is at least 1-u settles it mostly; among equals 1-u has the same order.
		u := (float64(mix(key^s.seed)>>11) + 1) / (1 << 53)
		if 1-u >= bestScore*float64(s.lbfactor) {
			continue
		}
		score := 1 - u
		if !r.even {
			score = -math.Log(u)
		}
		score /= float64(s.lbfactor)
		if score >= bestScore || picky && r.passes(s, q) {
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
		best, bestScore = i, score
	}
	return best
}

// share is how many of the running exchanges a member may have.
func (r *roster) share(s *seat, running int64) int64 {
	return int64(math.Ceil(r.bound * float64(running) * float64(s.lbfactor) / float64(r.total)))
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014): each bit of x
// changes each bit of the result with probability one half.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
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
