package proxy

import (
	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
)

// join takes a seat among those who want the same response: one of them fetches it
// (store.Flights).
func (x *exchange) join() phase {
	h := x.cached
	h.seat = h.c.flights.Join(h.key, x.now(), x.waker())
	if !h.rechecked && h.seat.Role() == store.Lead && h.c.flights.Ended() != h.ended {
		h.rechecked = true
		h.letGo()
		return phaseLookup // what was fetched meanwhile may be this
	}
	return phaseFollow
}

// follow does what the seat says, which is to wait, mostly.
func (x *exchange) follow() phase {
	h := x.cached
	for {
		role := h.seat.Role()
		switch role {
		case store.Wait:
			h.wait = true
			if next, stay := x.pause(); !stay {
				return next
			}
			continue
		case store.Follow:
			next, fits := x.followFill()
			if fits {
				return next
			}
		case store.Again:
			h.letGo()
			h.again++
			return phaseLookup
		case store.Lead:
			h.wait = false
			return x.onward()
		}
		h.letGo()
		if h.wait || role == store.Follow {
			h.collapsed = -1
		}
		return x.onward()
	}
}

// wanted says whether others wait for what x fetches, so that it goes on when its
// client leaves.
func (x *exchange) wanted() bool {
	return x.cached != nil && x.cached.seat != nil && x.cached.seat.Waiting() > 0
}

// followFill answers from what another fetches, while it comes, if that is for this
// request too.
func (x *exchange) followFill() (next phase, fits bool) {
	h := x.cached
	fill := h.seat.Fill()
	h.one[0] = fill.Entry
	d := cache.Lookup(&h.q, h.one[:], h.c.policy, x.now())
	if d.Outcome != cache.Hit && d.Outcome != cache.HitStale {
		return 0, false
	}
	h.answer.From(fill.Entry, &h.q, h.c.policy, x.now())
	h.handled = cache.Handled{Decision: h.d, Collapsed: 1}
	h.reader, h.coming = h.seat.Reader(), cache.Span{First: 0, Last: -1}
	if fill.Entry.Partial {
		h.coming.First = fill.Entry.Have[0].First
	}
	h.read = h.coming.First
	h.follows = true
	return x.respond(), true
}
