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
	switch r.lbmethod.load {
	case alike:
		return r.pickByRequests(q)
	case byBusy:
		return r.pickByBusyness(q)
	}
	return r.pickByTraffic(q)
}

// Each has a loop for the usual case that nobody is to be passed over. It calls
// nothing, so what it compares stays in registers.

func (r *roster) pickByRequests(q *Request) int {
	best, bestStatus, total := -1, math.MinInt, r.total
	seats := r.seats[:r.candidates]
	if r.picky(q) {
		total = 0
		for i := range seats {
			if s := &seats[i]; !r.passes(s, q) {
				total += int(s.lbfactor)
				if s.lbstatus += int(s.lbfactor); s.lbstatus > bestStatus {
					best, bestStatus = i, s.lbstatus
				}
			}
		}
	} else {
		for i := range seats {
			s := &seats[i]
			status := s.lbstatus + int(s.lbfactor)
			s.lbstatus = status
			if status > bestStatus {
				best, bestStatus = i, status
			}
		}
	}
	if best >= 0 {
		seats[best].lbstatus -= total
	}
	return best
}

func (r *roster) pickByBusyness(q *Request) int {
	best, bestStatus, total := -1, math.MinInt, r.total
	least := int64(math.MaxInt64)
	seats := r.seats[:r.candidates]
	if r.picky(q) {
		total = 0
		for i := range seats {
			if s := &seats[i]; !r.passes(s, q) {
				total += int(s.lbfactor)
				s.lbstatus += int(s.lbfactor)
				if busy := s.busy.Load(); busy < least || busy == least && s.lbstatus > bestStatus {
					best, least, bestStatus = i, busy, s.lbstatus
				}
			}
		}
	} else {
		for i := range seats {
			s := &seats[i]
			busy, status := s.busy.Load(), s.lbstatus+int(s.lbfactor)
			s.lbstatus = status
			if busy < least || busy == least && status > bestStatus {
				best, least, bestStatus = i, busy, status
			}
		}
	}
	if best >= 0 {
		seats[best].lbstatus -= total
	}
	return best
}
