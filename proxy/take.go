package proxy

import (
	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
	"proxylab/proxy/http1"
)

// take has the cache say what the head of a response means: what becomes of what is
// stored, what of it is stored, and what the client gets.
func (x *exchange) take() phase {
	h := x.cached
	if x.inLoop() && h.c.declared.Dir != "" && (h.d.Outcome != cache.Bypass || cache.Invalidates(&h.q, x.res.Status)) {
		return phaseApart // it may read and write files
	}
	if d, ok := h.d.OnFailure(&h.q, h.c.policy, x.now(), x.res.Status); ok && x.open(d.Entry) {
		x.discard()
		return x.instead(d)
	}
	if cache.Invalidates(&h.q, x.res.Status) {
		cache.Invalidated(&h.q, x.res.Fields, h.c.store.Remove)
	}
	t := h.d.Take(&h.q, x.response(), h.variants.Entries, h.c.policy, h.requested, x.now())
	h.handled = cache.Handled{Decision: h.d, Why: t.Why, Collapsed: h.collapsed}
	fill := h.c.store.Take(h.key, &h.variants, &t)
	switch {
	case t.Retry:
		return x.askAgain(h.d.Again())
	case t.Answer != nil:
		return x.answerWith(&t, fill)
	case fill == nil:
		x.releaseSeat(store.Alone, t.Why)
		return phaseRelay
	}
	return x.fillWith(fill)
}

// response is the head as the rules see it.
func (x *exchange) response() *cache.Response {
	r := cache.Response{Status: x.res.Status, Fields: x.res.Fields, Length: -1}
	switch x.res.Body.Kind {
	case http1.NoBody:
		r.Length = 0
	case http1.Sized:
		r.Length = x.res.Body.Length
	}
	return &r
}

// releaseSeat has those who wait go on.
func (x *exchange) releaseSeat(role store.Role, why cache.Why) {
	if h := x.cached; h.seat != nil {
		h.seat.Release(role, x.now(), passFor(why))
		h.seat.Leave()
		h.seat = nil
	}
}

// instead answers from an entry although it is stale, since the member failed. The
// body is open.
func (x *exchange) instead(d cache.Decision) phase {
	h := x.cached
	x.releaseSeat(store.Alone, cache.Stores)
	h.d = d
	h.handled = cache.Handled{Decision: d}
	x.stream = stream{} // the member's body may have begun to go into Out
	h.answer.From(d.Entry, &h.q, h.c.policy, x.now())
	return x.respond()
}

// insteadOf says whether something stored may be answered with in place of an error
// of our own.
func (x *exchange) insteadOf(err error) (next phase, ok bool) {
	h := x.cached
	x.releaseSeat(store.Alone, cache.Stores)
	d, ok := h.d.OnFailure(&h.q, h.c.policy, x.now(), http1.StatusOf(err, 500))
	switch {
	case !ok:
		return 0, false
	case x.inLoop() && h.variants.OnDisk(d.Entry):
		return phaseApart, true
	case !x.open(d.Entry):
		return 0, false
	}
	x.failure = nil
	return x.instead(d), true
}

// discard is done with a response that nobody gets.
func (x *exchange) discard() {
	whole := x.whole()
	if whole && x.res.Body.Kind == http1.Sized {
		x.up.Use(int(x.res.Body.Length))
	}
	x.stopUpload()
	x.keepMember(whole && x.bodySent())
}

// askAgain sends the request once more, by another decision.
func (x *exchange) askAgain(d cache.Decision) phase {
	h := x.cached
	x.discard()
	h.again++
	h.d = d
	if h.c.store.Get(h.key, &h.variants) == store.OnDisk {
		h.c.store.Load(h.key, &h.variants)
	}
	// Other variants may stand in the place of the entry by now, and the one that
	// serves in need is one for this request.
	h.d.Entry = cache.Lookup(&h.q, h.variants.Entries, h.c.policy, x.now()).Entry
	x.sent, x.begun, x.redial = false, false, false
	return phaseElect
}

// answerWith answers from an entry that the response has validated, or that its
// content completes.
func (x *exchange) answerWith(t *cache.Taken, fill *store.Fill) phase {
	h := x.cached
	h.handled.Status = x.res.Status
	if fill != nil || len(t.Updates) > 0 {
		h.handled.Stored = t.Answer
	}
	h.answer.From(t.Answer, &h.q, h.c.policy, x.now())
	if h.answer.Body(&h.q) && !x.open(t.Body) {
		if fill != nil {
			fill.Abort()
		}
		return x.askAgain(h.d.Again())
	}
	if fill == nil {
		x.discard()
		x.releaseSeat(store.Again, cache.Stores)
		return x.respond()
	}
	h.coming = t.At
	h.read = t.At.First
	switch {
	case x.whole():
		h.reader = fill.Follow(x.waker())
		if !x.fillNow(fill) {
			h.handled.Stored = nil
		}
		x.discard()
	case fill.Reserve(x.res.Body.Length):
		x.startFetch(fill)
	default:
		fill.Abort()
		h.body.Close()
		return x.askAgain(h.d.Again())
	}
	return x.respond()
}

// whole says whether all of the response has come.
func (x *exchange) whole() bool {
	b := x.res.Body
	return b.Kind == http1.NoBody || b.Kind == http1.Sized && b.Length <= int64(len(x.up.Buffered()))
}

// fillWith stores the content of a response that the client gets as well. What has
// come as a whole is stored at once. The rest is fetched by itself, and the client
// follows like others.
func (x *exchange) fillWith(fill *store.Fill) phase {
	h := x.cached
	if x.whole() {
		if x.fillNow(fill) {
			h.handled.Stored = fill.Entry
		}
		return phaseRelay
	}
	if x.upload.started || x.withheld || x.res.Body.Kind == http1.Sized && !fill.Reserve(x.res.Body.Length) {
		fill.Abort()
		h.handled.Why = cache.TooLarge
		x.releaseSeat(store.Alone, cache.Stores)
		return phaseRelay
	}
	h.handled.Stored = fill.Entry
	chunked, trailers := x.frame()
	trailers = false // what comes behind the content is not stored
	x.c.Begin()
	x.c.Out.B = x.appendResponse(x.c.Out.B, chunked, trailers)
	x.status = x.res.Status
	x.noteHead()
	length := x.response().Length
	h.coming, h.read, h.at, h.part = cache.Span{First: 0, Last: -1}, 0, 0, 0
	x.startFetch(fill)
	h.answer.Spans, h.answer.Length = h.answer.Spans[:0], length
	x.beginBody(chunked)
	return phaseServe
}

// fillNow stores a content that is in the buffer. Where there is no room for it, those
// who read the fill get it all the same.
func (x *exchange) fillNow(fill *store.Fill) bool {
	h, room := x.cached, true
	if n := x.res.Body.Length; x.res.Body.Kind == http1.Sized && n > 0 {
		p := x.up.Buffered()[:n]
		if _, err := fill.Write(p); err != nil {
			fill.Pass(p) // does not wait, since it is the first
			room = false
		}
	}
	if h.seat != nil {
		h.seat.Stream(fill)
	}
	stored := room && fill.Commit(fill.Entry)
	if !room {
		fill.Finish()
		h.handled.Why = cache.TooLarge
	}
	if h.seat != nil {
		h.seat.Leave()
		h.seat = nil
	}
	return stored
}
