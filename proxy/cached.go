package proxy

import (
	"slices"
	"sync/atomic"
	"time"

	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
	"proxylab/proxy/http1"
	"proxylab/proxy/message"
	"proxylab/proxy/socket"
)

// cached is what an exchange has to do with the cache. It is a place that stays
// with the exchange when that is used again, so that a hit allocates nothing.
type cached struct {
	c         *caching
	q         cache.Request
	fields    message.Fields // room for those of q
	query     []byte         // as the member gets it
	key       []byte
	variants  store.Variants
	d         cache.Decision
	handled   cache.Handled // for Cache-Status, and the log
	answer    cache.Answer
	again     int8 // how often it has come back to lookup
	collapsed int8 // as Handled has it
	one       [1]*cache.Entry

	requested time.Time // when the request went to the member last

	ended     int64 // flights, when it was looked up
	rechecked bool  // since one ended after that

	// Others want the same response (follow.go).
	seat   *store.Seat
	wait   bool      // it has waited for another's response
	bell   *bell     // that others ring
	lookAt time.Time // when the client is looked at next

	// The body of the answer (serve.go).
	body     store.Body
	reader   *store.Reader
	coming   cache.Span // what reader has, in the representation
	at, last int64      // what is to be sent of the present span; last is -1 while the end is not known
	part     int        // the span after it
	read     int64      // where reader is, in the representation
	between  int64      // bytes of the body that stand between ranges
	sentAll  bool       // the end of the body is in Out, or out
	follows  bool       // another's fetch: before the first byte there is a way back
	fetch    *fetch     // of one's own
}

// bell is how others wake an exchange. They may have it when that is over.
type bell struct {
	apart atomic.Bool   // a goroutine waits for rung, and no loop
	rung  chan struct{} // has room for one
}

func newCached() *cached { return &cached{bell: &bell{rung: make(chan struct{}, 1)}} }

// reset lets go of everything, and keeps the room.
func (h *cached) reset() {
	h.letGo()
	h.variants.Clear()
	clear(h.fields)
	q, fields, query, key, variants, bell, spans := h.q, h.fields[:0], h.query[:0], h.key[:0], h.variants, h.bell, h.answer.Spans[:0]
	*h = cached{} // in place, as in exchange.free
	h.q, h.fields, h.query, h.key, h.variants, h.bell, h.answer.Spans = q, fields, query, key, variants, bell, spans
	h.q.Fields = nil
}

// fate is how the cache served the request, for its tally and the access log. The
// answer is there, and the cache was asked.
func (x *exchange) fate() cache.Fate {
	switch h := x.cached; {
	case x.failure != nil:
		return cache.FateError
	case h.handled.Collapsed > 0:
		return cache.FateCollapsed
	case h.d.Outcome == cache.Validate && h.handled.Status == 304:
		return cache.FateValidated
	case h.d.Outcome == cache.Complete && h.handled.Status == 206:
		return cache.FatePartial
	default:
		return h.d.Fate()
	}
}

// fateWord is that as a word (site.LogWords).
func (x *exchange) fateWord() string {
	if x.cached == nil {
		return "-"
	}
	return x.fate().String()
}

// letGo ends what others may be waiting for, or count.
func (h *cached) letGo() {
	h.body.Close()
	if h.reader != nil {
		h.reader.Close()
		h.reader = nil
	}
	if h.seat != nil {
		h.seat.Leave()
		h.seat = nil
	}
	if h.fetch != nil {
		h.fetch.leave()
		h.fetch = nil
	}
}

// introduce has q say what the rules want to know of the request, and makes its
// key.
func (h *cached) introduce(x *exchange) {
	p, r := h.c.policy, &x.req
	h.query = p.AppendQuery(h.query[:0], r.Target.Query)
	h.fields = h.fields[:0]
	for i := range r.Fields {
		// The member does not get what ends at this hop, so no answer is due to it.
		if f := &r.Fields[i]; !f.Hop || forThisHop.Has(f.Known) {
			h.fields = append(h.fields, *f)
		}
	}
	q := &h.q
	q.Method, q.Host, q.Path, q.Query = r.Method, r.Host, r.Target.Path, h.query
	q.Fields, q.Body = h.fields, r.Body.Kind != http1.NoBody
	q.Passes = passes[x.said()]
	q.Read(p)
	h.key = q.AppendKey(h.key[:0])
	h.answer.Except = 0
	if !x.p.site.Fields.Server {
		h.answer.Except = message.SetOf(message.Server)
	}
}

// forThisHop are fields that bind this cache even where Connection nominates them.
var forThisHop = message.SetOf(message.CacheControl, message.Pragma)

// passes are the fields of message.ForwardedFields that a member gets in the
// client's words.
var passes = [...]message.NameSet{
	message.Kept:     message.SetOf(message.Forwarded, message.XForwardedFor),
	message.Believed: message.ForwardedFields,
	message.Dropped:  0,
}

// waker makes what others call when x need not wait any more. That may come late,
// when the connection has another exchange, or none: it is looked at, then, and
// nothing else happens.
func (x *exchange) waker() func() {
	b, loop, task := x.cached.bell, x.loop(), socket.TaskFunc(x.c.cut)
	b.apart.Store(!x.inLoop())
	return func() {
		signal(b.rung)
		if !b.apart.Load() {
			loop.Do(task)
		}
	}
}

// pause waits until others wake x, or it is worth a look at the client. It returns
// phaseAgain in a loop, which enters the phase again; otherwise stay when there may
// be something to do.
func (x *exchange) pause() (next phase, stay bool) {
	if x.inLoop() {
		return x.pauseInLoop()
	}
	x.cached.bell.apart.Store(true)
	t := time.NewTimer(firstLook)
	defer t.Stop()
	select {
	case <-x.cached.bell.rung:
		return 0, true
	case <-t.C:
		if !left(x.c.Conn, x.p.site.Limits.AbortOnClose) {
			return 0, true
		}
	case <-x.s.cutting:
	}
	return x.clientGone(), false
}

func (x *exchange) pauseInLoop() (next phase, stay bool) {
	now := x.now()
	if x.cached.lookAt.IsZero() || !now.Before(x.cached.lookAt) {
		if !x.cached.lookAt.IsZero() && left(x.c.Conn, x.p.site.Limits.AbortOnClose) {
			return x.clientGone(), false
		}
		next := otherLook
		if x.cached.lookAt.IsZero() {
			next = firstLook
		}
		x.cached.lookAt = now.Add(next)
		x.c.ReadWithin(next)
	}
	switch err := x.c.WaitRead(); {
	case err == nil: // it has sent something more, or its end
		if left(x.c.Conn, x.p.site.Limits.AbortOnClose) {
			return x.clientGone(), false
		}
	case err != socket.ErrAgain && !http1.IsTimeout(err):
		return x.clientGone(), false // cut
	}
	return phaseAgain, false
}

// joined says whether the response to this request may serve others that come
// meanwhile, and theirs may serve it: a plain GET that would go to the member. What
// a client asks for in particular is for it alone.
func (h *cached) joined() bool {
	if string(h.q.Method) != "GET" || h.again > 2 {
		return false
	}
	switch h.d.Outcome {
	case cache.Miss:
		if fieldsHave(h.fields, ownConditions) {
			return false
		}
	case cache.Validate:
	default:
		return false
	}
	switch h.d.Reason {
	case cache.ByPrecondition, cache.ByRequest, cache.IsPartial, cache.RangeNotInStock:
		return false
	}
	return !fieldsHave(h.fields, forOne)
}

var (
	ownConditions = message.SetOf(message.IfNoneMatch, message.IfModifiedSince)
	forOne        = message.SetOf(message.Range, message.Authorization)
)

func fieldsHave(fields message.Fields, names message.NameSet) bool {
	return slices.ContainsFunc(fields, func(f message.Field) bool { return f.Known != message.Unknown && names.Has(f.Known) })
}
