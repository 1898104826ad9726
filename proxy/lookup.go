package proxy

import (
	"time"

	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
)

// lookup asks the cache what is to be done with the request (cache.Outcome has the
// words). What is in memory is found here; files are read in a goroutine.
func (x *exchange) lookup() phase {
	if x.room == nil {
		x.room = newCached()
	}
	h := x.room
	x.cached, h.c = h, x.p.cache
	h.introduce(x)
	switch {
	case x.changesProtocol():
		h.d = cache.Decision{Outcome: cache.Bypass, Reason: cache.BySite}
	case len(h.c.policy.Bypass) > 0:
		if h.d = cache.Lookup(&h.q, nil, h.c.policy, x.now()); h.d.Outcome != cache.Bypass {
			return x.search()
		}
	default:
		return x.search()
	}
	return x.onward()
}

// changesProtocol says whether the member is going to be asked for another
// protocol: what it answers then is for this connection alone.
func (x *exchange) changesProtocol() bool {
	if x.req.Upgrades {
		for _, u := range x.group.upgrades {
			if x.upgradeFor(u) != "" {
				return true
			}
		}
	}
	return false
}

// search looks into the store, and goes by what is there.
func (x *exchange) search() phase {
	h := x.cached
	h.variants.Clear()
	h.ended = h.c.flights.Ended()
	if isGet := string(h.q.Method) == "GET"; (isGet || x.isHEAD()) && !h.q.Body {
		if h.c.store.Get(h.key, &h.variants) == store.OnDisk {
			if x.inLoop() {
				return phaseApart
			}
			h.c.store.Load(h.key, &h.variants)
		}
	}
	h.d = cache.Lookup(&h.q, h.variants.Entries, h.c.policy, x.now())
	for {
		switch h.d.Outcome {
		case cache.Timeout:
			return x.notStored()
		case cache.Hit, cache.HitStale:
			next, there := x.hit()
			if there {
				return next
			}
			continue // as if it had not been found
		}
		break
	}
	if h.joined() {
		return x.join()
	}
	return x.onward()
}

// notStored answers who wants only what is stored (RFC 9111 §5.2.1.7).
func (x *exchange) notStored() phase {
	x.c.Begin()
	out := append(x.c.Out.B, "HTTP/1.1 504 Gateway Timeout\r\nDate: "...)
	out = x.s.clock.AppendDate(out, x.started)
	out = append(out, "\r\nContent-Length: 0\r\n"...)
	x.status = 504
	return x.answer(out)
}

// passTime is how long those who want a response that is not for others do not wait
// for each other, only to hear the same again.
const passTime = 10 * time.Second

// passFor is how long a reason not to store holds for the next who asks: those of
// the response do, those of the request may be its own.
func passFor(why cache.Why) time.Duration {
	switch why {
	case cache.NoStoreSaid, cache.PrivateSaid, cache.NotCacheable, cache.VariesByAll, cache.Useless,
		cache.HasCookie, cache.TooLarge, cache.NotUnderstood, cache.NominatedAway:
		return passTime
	}
	return 0
}
