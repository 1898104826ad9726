package balancer

import "math"

// pickExact is the elections of Apache's lbmethods, and of these only the load is
// each one's own:
//
//   - byrequests (mod_lbmethod_byrequests.c) knows of none: it shares out requests
//     by loadfactor.
//   - bybusyness (mod_lbmethod_bybusyness.c) looks for the fewest exchanges that
//     run, and knows of loadfactors only where these are equal.
//   - bytraffic (mod_lbmethod_bytraffic.c) looks for the fewest bytes by
//     loadfactor, and at nothing else.
func (r *roster) pickExact(q *Request) int {
	best, total := -1, 0
	bestLoad, bestStatus := int64(math.MaxInt64), math.MinInt
	load, earns, picky := r.lbmethod.load, r.lbmethod.earns, r.picky(q)
	seats := r.seats[:r.candidates]
	if load == nil && !picky { // the same, without what it does not need
		for i := range seats {
			s := &seats[i]
			s.lbstatus += s.lbfactor
			if s.lbstatus > bestStatus {
				best, bestStatus = i, s.lbstatus
			}
		}
		if best >= 0 {
			seats[best].lbstatus -= r.total
		}
		return best
	}
	for i := range seats {
		s := &seats[i]
		if picky && r.passes(s, q) {
			continue
		}
		status, l := 0, int64(0)
		if earns {
			status = s.lbstatus + s.lbfactor
			s.lbstatus = status
			total += s.lbfactor
		}
		if load != nil {
			l = load(s)
		}
		if l < bestLoad || l == bestLoad && status > bestStatus {
			best, bestLoad, bestStatus = i, l, status
		}
	}
	if best >= 0 {
		seats[best].lbstatus -= total
	}
	return best
}

func busyness(s *seat) int64 { return s.busy.Load() }

// traffic cuts both divisions, as httpd does.
func traffic(s *seat) int64 {
	factor := int64(s.lbfactor)
	return s.to.Load()/factor + s.from.Load()/factor
}
