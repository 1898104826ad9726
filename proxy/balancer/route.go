package balancer

// answerFor works out who answers for each route: find_route_worker of
// mod_proxy_balancer.c. Members come before standbys; for one that is not usable
// its redirect answers. The caller holds core.mu.
func (b *Balancer) answerFor(r *roster) {
	clear(r.routes)
	r.homes = append(r.homes[:0], b.place...)
	for i, m := range b.members {
		if b.place[i] < 0 && m.set.redirect != "" {
			r.homes[i] = b.answers(m.set.redirect, len(b.members))
		}
		if m.set.route == "" {
			continue
		}
		if r.routes == nil {
			r.routes = make(map[string]int)
		}
		r.routes[m.set.route] = b.answers(m.set.route, len(b.members))
	}
}

// answers finds the seat for a route. Redirects may go in a circle: depth bounds
// them.
func (b *Balancer) answers(route string, depth int) int {
	for _, standby := range []bool{false, true} {
		for i, m := range b.members {
			if m.set.route != route || (m.kind() == HotStandby) != standby {
				continue
			}
			if b.place[i] >= 0 {
				return b.place[i]
			}
			if m.set.redirect != "" && depth > 0 {
				if seat := b.answers(m.set.redirect, depth-1); seat >= 0 {
					return seat
				}
			}
		}
	}
	return -1
}

// knows says whether q's session is of one of the members.
func (r *roster) knows(q *Request) bool {
	_, ok := r.routes[string(q.Route)]
	return ok || q.Home > 0
}

// routed returns the seat that answers for the request's session, or nil. Where
// the lbmethod counts in lbstatus, its request is counted as any other.
func (r *roster) routed(q *Request) *seat {
	i, ok := 0, true
	if q.Home > 0 {
		i = r.homes[q.Home-1]
	} else {
		i, ok = r.routes[string(q.Route)]
	}
	if !ok || i < 0 || q.avoids(r.members[r.seats[i].index]) {
		return nil
	}
	return &r.seats[i]
}

// earn counts a request that came by its route, so that the lbmethod knows of it:
// proxy_balancer_pre_request counts all usable members, of whatever lbset.
func (r *roster) earn(elected *seat) {
	if !r.lbmethod.exact {
		return
	}
	total := 0
	for i := range r.seats {
		r.seats[i].lbstatus += int(r.seats[i].lbfactor)
		total += int(r.seats[i].lbfactor)
	}
	elected.lbstatus -= total
}
