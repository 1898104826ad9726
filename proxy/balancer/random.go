package balancer

import (
	"math"
	"math/bits"
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

// An alias is one of as many equal parts of all chances as there are candidates.
// Up to edge it is the candidate's of its own place, beyond that another's.
type alias struct {
	edge  uint64
	other int
}

// aliases makes them (Walker 1977, Vose 1991): a candidate with less than the mean
// lbfactor has its part filled up by one that has more.
func (r *roster) aliases() {
	n := r.candidates
	r.alias = slices.Grow(r.alias[:0], n)[:n]
	left := make([]int, n) // of the lbfactor, times n: a part holds r.total
	var poor, rich []int
	for i := range left {
		left[i] = int(r.seats[i].lbfactor) * n
		r.alias[i] = alias{math.MaxUint64, i}
		if left[i] < r.total {
			poor = append(poor, i)
		} else {
			rich = append(rich, i)
		}
	}
	for len(poor) > 0 && len(rich) > 0 {
		p, giver := poor[len(poor)-1], rich[len(rich)-1]
		edge, _ := bits.Div64(uint64(left[p]), 0, uint64(r.total))
		r.alias[p] = alias{edge, giver}
		poor = poor[:len(poor)-1]
		if left[giver] -= r.total - left[p]; left[giver] < r.total {
			rich, poor = rich[:len(rich)-1], append(poor, giver)
		}
	}
}

// weighted draws each candidate by its lbfactor.
func weighted(r *roster) int {
	i, within := bits.Mul64(rand.Uint64(), uint64(r.candidates))
	if a := &r.alias[i]; within >= a.edge {
		return a.other
	}
	return int(i)
}
