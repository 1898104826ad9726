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
	seats := r.seats[:r.candidates]
	best, total := -1, 0
	bestLoad, bestStatus := int64(math.MaxInt64), math.MinInt
	load, picky := r.lbmethod.load, r.picky(q)
	for i := range seats {
		s := &seats[i]
		if picky && r.passes(s, q) {
			continue
		}
		status, l := 0, int64(0)
		if load != byBytes {
			status = s.lbstatus + s.lbfactor
			s.lbstatus = status
			total += s.lbfactor
		}
		switch load {
		case byBusy:
			l = s.busy.Load()
		case byBytes:
			to, from, factor := s.to.Load(), s.from.Load(), int64(s.lbfactor)
			// As httpd does, each division is cut, so the load is above the sum's
			// less two. That spares most divisions.
			if best >= 0 && to+from >= (bestLoad+1)*factor {
				continue
			}
			l = to/factor + from/factor
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

// pickByRequests is pickExact where nothing counts but lbstatus and nobody is to
// be passed over.
func (r *roster) pickByRequests() int {
	seats := r.seats[:r.candidates]
	best, bestStatus := -1, math.MinInt
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
