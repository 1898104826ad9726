package cache

import (
	"time"

	"proxylab/proxy/message"
)

// Outcome is what is to be done with a request: one of a closed set of words.
type Outcome uint8

// The outcomes.
const (
	Bypass   Outcome = iota // forward it; the cache has no part in it, nor in the response
	Pass                    // forward it; the response is looked at, as New and Invalidates have it
	Miss                    // forward it; the response may be stored
	Hit                     // answer from Entry
	HitStale                // answer from Entry, which is stale, and validate it in the background
	Validate                // forward it with the preconditions of AppendConditions; what comes is for Validated
	Complete                // forward it for Missing only; what comes is for Combine
	Timeout                 // answer 504: only-if-cached
)

var outcomeWords = [...]string{"bypass", "pass", "miss", "hit", "hit-stale", "validate", "complete", "timeout"}

func (o Outcome) String() string { return outcomeWords[o] }

// Reason is why.
type Reason uint8

// The reasons. Those to forward a request are sorted as RFC 9211 §2.2 has them.
const (
	ReasonNone Reason = iota

	BySite          // bypass: the Site says so
	ByBody          // bypass: a GET or HEAD with a body, which no key holds
	ByMethod        // method
	URIMiss         // uri-miss: nothing stored for the URI
	VaryMiss        // vary-miss: something, but for other request fields
	ByPrecondition  // request: If-Match or If-Unmodified-Since, which only the origin evaluates
	ByRequest       // request: no-cache, max-age or min-fresh of the request
	IsStale         // stale
	MustValidate    // stale: no-cache of the response, or invalidated
	IsPartial       // partial: not all of the bytes are there
	RangeNotInStock // partial: another range than those that are there

	Fresh             // hit
	ForClient         // hit: stale, and max-stale of the request allows it
	WhileRevalidating // hit: stale, and stale-while-revalidate of the response allows it
	OnError           // hit: stale, and the origin failed
)

// forwardWords are the values of Cache-Status's fwd.
var forwardWords = [...]string{
	BySite: "bypass", ByBody: "bypass", ByMethod: "method", URIMiss: "uri-miss", VaryMiss: "vary-miss",
	ByPrecondition: "request", ByRequest: "request", IsStale: "stale", MustValidate: "stale",
	IsPartial: "partial", RangeNotInStock: "partial", OnError: "",
}

var reasonWords = [...]string{
	"", "site", "body", "method", "uri-miss", "vary-miss", "precondition", "request", "stale", "must-validate", "partial", "range",
	"fresh", "max-stale", "stale-while-revalidate", "stale-if-error",
}

func (r Reason) String() string { return reasonWords[r] }

// Decision is what Lookup found.
type Decision struct {
	Outcome Outcome
	Reason  Reason
	Entry   *Entry // of Hit, HitStale, Validate and Complete, and the one that may serve in need; nil without
	Missing Span   // of Complete: Last is -1 for the rest of the representation
}

// Lookup decides about a request that was Read. variants are the entries of its
// key, in any order; it does not change or keep them, and allocates nothing.
func Lookup(q *Request, variants []*Entry, p *Policy, now time.Time) Decision {
	if d, ok := atOnce(q, p); ok {
		return d
	}
	d := choose(q, variants, now)
	if d.Outcome != Hit && d.Outcome != HitStale && q.control.has&wordOnlyIfCached != 0 {
		d.Outcome = Timeout // RFC 9111 §5.2.1.7
	}
	return d
}

// atOnce decides what needs no look at what is stored.
func atOnce(q *Request, p *Policy) (d Decision, ok bool) {
	switch {
	case p.bypasses(q):
		return Decision{Outcome: Bypass, Reason: BySite}, true
	case q.kind != getMethod && q.kind != headMethod: // §4: written through
		return Decision{Outcome: Pass, Reason: ByMethod}, true
	case q.Body:
		return Decision{Outcome: Bypass, Reason: ByBody}, true
	}
	return Decision{}, false
}

// choose is RFC 9111 §4.
func choose(q *Request, variants []*Entry, now time.Time) Decision {
	if q.seen&onlyOrigin != 0 { // §4.3.2
		return Decision{Outcome: Miss, Reason: ByPrecondition}
	}
	if len(variants) == 0 {
		return Decision{Outcome: Miss, Reason: URIMiss}
	}
	e := selectVariant(q, variants)
	if e == nil {
		d := Decision{Outcome: Miss, Reason: VaryMiss}
		if hasTags(q, variants) { // one of them may be right all the same (§4.3.1)
			d.Outcome = Validate
		}
		return d
	}
	if e.Partial {
		if d, forward := incomplete(q, e); forward {
			return d
		}
	}
	return e.reuse(q, now)
}

// selectVariant chooses among the entries that q's fields match: those with a
// Vary before those that omit it, then the one that q prefers, then the most
// recent by Date, and by when it came (§4.1).
func selectVariant(q *Request, variants []*Entry) *Entry {
	var best *Entry
	for _, e := range variants {
		if e.fits(q) && (best == nil || e.before(best, q)) {
			best = e
		}
	}
	return best
}

func (e *Entry) before(o *Entry, q *Request) bool {
	if (len(e.Vary) > 0) != (len(o.Vary) > 0) {
		return len(e.Vary) > 0
	}
	if a, b := e.rank(q), o.rank(q); a != b {
		return a > b
	}
	return e.newer(o)
}

// newer compares by Date, then by when it came.
func (e *Entry) newer(o *Entry) bool {
	if e.date != o.date {
		return e.date > o.date
	}
	return e.Received.After(o.Received)
}

// reuse says whether an entry that fits may be used (§4, §4.2, §5.2.1).
func (e *Entry) reuse(q *Request, now time.Time) Decision {
	d := Decision{Outcome: Validate, Entry: e}
	if !e.validatable() {
		d.Outcome = Miss
	}
	if e.noCache || e.Invalid {
		d.Reason = MustValidate
		return d
	}
	age := e.age(now)
	left := e.lifetime - age
	c := &q.control
	if q.noCache() {
		d.Reason = ByRequest
		return d
	}
	if left > 0 && e.immutable { // a reload does not mean it (RFC 8246 §2.1)
		if c.has&wordMinFresh == 0 || left >= toDuration(c.minFresh) {
			return Decision{Outcome: Hit, Reason: Fresh, Entry: e}
		}
	}
	if c.has&wordMaxAge != 0 && age > toDuration(c.maxAge) || c.has&wordMinFresh != 0 && left < toDuration(c.minFresh) {
		d.Reason = ByRequest
		if left <= 0 {
			d.Reason = IsStale
		}
		return d
	}
	if left > 0 {
		return Decision{Outcome: Hit, Reason: Fresh, Entry: e}
	}
	d.Reason = IsStale
	if e.noStale {
		return d
	}
	if c.has&wordMaxStale != 0 && (c.maxStale == infinite || -left <= toDuration(c.maxStale)) {
		return Decision{Outcome: Hit, Reason: ForClient, Entry: e}
	}
	if c.has&wordMaxAge == 0 && -left < e.whileFresh {
		return Decision{Outcome: HitStale, Reason: WhileRevalidating, Entry: e}
	}
	return d
}

// validatable says whether e has a validator to send. That of another status than
// 200 is of no use: a 304 tells of what would have been a 200 (RFC 9110 §15.4.5).
func (e *Entry) validatable() bool { return e.Status == 200 && (e.tag != nil || e.isModified) }

// incomplete says what is to be done where not all bytes of e are stored (§3.3).
// forward is false where those that q wants are.
func incomplete(q *Request, e *Entry) (d Decision, forward bool) {
	d = Decision{Outcome: Miss, Reason: IsPartial}
	if q.kind != getMethod {
		return d, true
	}
	want := Span{0, max(e.Total, 0) - 1}
	if q.sees(message.Range) {
		d.Reason = RangeNotInStock
		span, ok := q.oneRange(e)
		if !ok {
			return d, true
		}
		want = span
	}
	if want.Last >= 0 && e.holds(want) {
		return d, false
	}
	if q.seen&forCaches != 0 || !e.strong() {
		return d, true
	}
	if missing, ok := e.missing(want); ok {
		d = Decision{Outcome: Complete, Reason: d.Reason, Entry: e, Missing: missing}
	}
	return d, true
}

// oneRange is the place of the only range that q asks for, if there is one and
// its If-Range allows it.
func (q *Request) oneRange(e *Entry) (Span, bool) {
	field, n := q.Fields.Get(message.Range)
	if !n || q.Fields.Count(message.Range) > 1 || !q.ifRange(e) {
		return Span{}, false
	}
	var only Span
	count := 0
	if !parseRange(field, func(s Span) { only = s; count++ }) || count != 1 {
		return Span{}, false
	}
	if e.Total >= 0 {
		return only.within(e.Total)
	}
	return only, only.First >= 0 && only.Last >= 0
}

// missing is the one range of want that is not stored; ok is false where there
// are several gaps, or none of want is there.
func (s *Stored) missing(want Span) (gap Span, ok bool) {
	gap = want
	if want.Last >= 0 {
		for _, h := range s.Have {
			if h.First <= gap.First && gap.First <= h.Last {
				gap.First = h.Last + 1
			}
			if h.First <= gap.Last && gap.Last <= h.Last {
				gap.Last = h.First - 1
			}
		}
	} else if h := s.Have[0]; h.First <= want.First {
		gap.First = h.Last + 1
	}
	return gap, gap != want && (gap.Last < 0 || gap.First <= gap.Last)
}
