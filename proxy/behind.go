package proxy

import (
	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
	"proxylab/proxy/http1"
	"proxylab/proxy/message"
)

// revalidate has a stale entry validated behind the answer that it has just given
// (stale-while-revalidate, RFC 5861 §3): once for each key, and not too many at
// once.
func (x *exchange) revalidate() {
	h := x.cached
	k := h.c
	if k.behind.Add(1) > int64(k.declared.Revalidations) {
		k.behind.Add(-1)
		return
	}
	seat := k.flights.Try(h.key)
	if seat == nil {
		k.behind.Add(-1)
		return
	}
	n := x.withoutClient()
	n.ownRequest(x)
	n.rule, n.rest, n.group = x.rule, x.rest, x.group
	n.room = newCached()
	n.cached = n.room
	n.cached.c, n.cached.seat = k, seat
	s := x.s
	s.serving.Add(1)
	if x.inLoop() {
		x.loop().Started()
	}
	go func() {
		defer s.serving.Done()
		defer k.behind.Add(-1)
		n.validate()
		n.free()
	}()
}

// ownRequest makes the request of a validation of that of x: a plain GET with the
// same fields.
func (n *exchange) ownRequest(x *exchange) {
	r := &x.req
	n.req = http1.Request{Method: []byte("GET"), Target: r.Target, Minor: r.Minor}
	clone := func(b []byte) []byte { return append([]byte(nil), b...) }
	n.req.Target.Path, n.req.Target.Query, n.req.Target.Authority = clone(r.Target.Path), clone(r.Target.Query), nil
	if r.Host != nil {
		n.req.Host = clone(r.Host)
	}
	for _, f := range r.Fields {
		if !forItsClient.Has(f.Known) || f.Known == message.Unknown {
			f.Name, f.Value = clone(f.Name), clone(f.Value)
			n.req.Fields = append(n.req.Fields, f)
		}
	}
	n.started = x.started
	n.c.client = clone(x.c.client)
}

// forItsClient are fields of a request that mean its own answer.
var forItsClient = message.SetOf(message.Range, message.IfRange, message.IfMatch, message.IfUnmodifiedSince,
	message.IfNoneMatch, message.IfModifiedSince, message.CacheControl, message.Pragma)

// validate asks the member, and has the store take the answer.
func (n *exchange) validate() {
	h := n.cached
	h.introduce(n)
	if h.c.store.Get(h.key, &h.variants) == store.OnDisk {
		h.c.store.Load(h.key, &h.variants)
	}
	d := cache.Lookup(&h.q, h.variants.Entries, h.c.policy, n.now())
	if d.Outcome != cache.HitStale {
		return // somebody was quicker
	}
	h.d = d.Background()
	n.introduce()
	for n.phase = phaseElect; n.phase < phaseRelay || n.phase == phaseTake; {
		if n.phase == phaseTake {
			n.phase = n.takeBehind()
			continue
		}
		n.phase = n.step()
	}
}

// takeBehind is take for an answer that no client waits for.
func (n *exchange) takeBehind() phase {
	h := n.cached
	t := h.d.Take(&h.q, n.response(), h.variants.Entries, h.c.policy, h.requested, n.now())
	fill := h.c.store.Take(h.key, &h.variants, &t)
	switch {
	case t.Retry:
		return n.askAgain(h.d.Again())
	case fill == nil:
		n.discard()
		role := store.Alone
		if t.Answer != nil {
			role = store.Again
		}
		n.releaseSeat(role, t.Why)
		return phaseOver
	}
	f := &fetch{
		x: n.withoutClient(), fill: fill, seat: h.seat, most: h.c.policy.MaxObject, wake: func() {},
		keep: fill.Follow(func() {}),
		in:   incoming{src: n.up.Conn, body: n.res.Body, left: n.res.Body.Length, patience: n.pool.Timeout},
	}
	h.seat = nil
	defer f.keep.Close()
	f.seat.Stream(fill)
	n.up.First = 0
	n.handMember(f.x)
	f.settle(f.carry())
	f.seat.Leave()
	return phaseOver
}
