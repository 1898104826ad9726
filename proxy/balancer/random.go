package balancer

import (
	"math/rand/v2"
	"slices"
)

// fewAtOnce is up to how many candidates leastconn looks at all.
const fewAtOnce = 8

// leastconn looks for the fewest exchanges that run, by loadfactor. Of many
// candidates it looks at two drawn at random: the power of two choices keeps the
// fullest nearly as low as a look at all would, and elections at the same moment
// do not all find the same member.
func leastconn(r *roster, q *Request) int {
	if r.candidates > fewAtOnce {
		return r.two(q, uniform, lessBusy)
	}
	best, i := -1, uniform(r) // ties go round by chance
	for range r.candidates {
		s := &r.seats[i]
		if !r.passes(s, q) && (best < 0 || lessBusy(s, &r.seats[best])) {
			best = i
		}
		if i++; i == r.candidates {
			i = 0
		}
	}
	return best
}

// lessBusy compares what the share of the members would be with one more.
func lessBusy(s, other *seat) bool {
	return (s.busy.Load()+1)*int64(other.lbfactor) < (other.busy.Load()+1)*int64(s.lbfactor)
}

// random2 draws two candidates by their loadfactor and takes the one with fewer
// exchanges that run.
func random2(r *roster, q *Request) int {
	return r.two(q, weighted, func(s, other *seat) bool { return s.busy.Load() < other.busy.Load() })
}

// weighted draws each candidate by its lbfactor.
func weighted(r *roster) int {
	n := int(rand.Uint64N(uint64(r.total)))
	i, exact := slices.BinarySearch(r.sums, n)
	if exact {
		i++ // n equal to a sum is the first of the next
	}
	return i
}
