package cache

import (
	"time"

	"proxylab/proxy/message"
)

// Taken is what a response means to the cache.
type Taken struct {
	// Answer is what the client gets in place of the response: the entry that a 304
	// has validated, or that the bytes of a 206 complete. Its body is that of Body,
	// which is in the store. nil: the client gets the response.
	Answer, Body *Entry

	// Fill is the entry that the content of the response is stored under; nil where
	// it is not, and Why says so. At is the place of the content in the
	// representation, for a 206.
	Fill *Entry
	At   Span
	Why  Why

	Updates []Update // of entries that are there
	Retry   bool     // the response is of no use to anybody: send the request again as Again has it
}

// Update is one entry that takes another's place in the store, with its body. Old
// is nil for one that comes beside From, and shares its body; New is nil for one
// that is removed.
type Update struct{ Old, New, From *Entry }

// Again is d without anything that the cache adds to a forwarded request.
func (d *Decision) Again() Decision {
	return Decision{Outcome: Miss, Reason: d.Reason, Entry: d.Entry}
}

// Background is what is to be done behind the answer of HitStale: a GET with the
// same fields, but for Range and preconditions.
func (d *Decision) Background() Decision {
	b := Decision{Outcome: Validate, Reason: IsStale, Entry: d.Entry}
	if !d.Entry.validatable() {
		b.Outcome = Miss
	}
	return b
}

// Take says what the response to a request that went forward means: what is
// stored, what is updated, and what the client gets. variants are the entries that
// Lookup saw; an update whose Old is not in the store any more came too late, and
// is dropped. requested and received are when the request was sent and when the
// head of the response came.
//
// It does not say what a response invalidates (see Invalidates): that comes
// first, and of it nothing is known here.
func (d *Decision) Take(q *Request, r *Response, variants []*Entry, p *Policy, requested, received time.Time) Taken {
	u := updating{q: q, fields: r.Fields, p: p, requested: requested, received: received}
	switch {
	case d.Outcome == Bypass || r.Status < 200:
		return Taken{Why: NotAsked}
	case r.Status == 304 && (q.kind == getMethod || q.kind == headMethod):
		return d.validated(q, r, variants, p, requested, received)
	case q.kind == headMethod:
		if r.Status != 200 {
			return Taken{Why: NotMethod}
		}
		return Taken{Why: NotMethod, Updates: freshenByHead(q, r, variants, p, requested, received)}
	case r.Status == 206:
		if t, ok := u.part(d, r, variants); ok {
			return t
		}
	case d.Outcome == Complete && r.Status == 416:
		return Taken{Retry: true, Why: NotAsked}
	}
	return u.whole(r, variants)
}

// part is for a 206 whose bytes belong to an entry that is there.
func (u *updating) part(d *Decision, r *Response, variants []*Entry) (t Taken, ok bool) {
	if u.q.kind != getMethod {
		return t, false
	}
	for _, e := range variants {
		if !e.fits(u.q) {
			continue
		}
		n := u.combine(e, r)
		if n == nil {
			continue
		}
		t = Taken{Fill: n, Updates: []Update{{Old: e, New: n, From: e}}}
		field, _ := r.Fields.Get(message.ContentRange)
		t.At, _, _ = parseContentRange(field)
		if _, short := incomplete(u.q, n); d.Outcome == Complete && e == d.Entry && (!n.Partial || !short) {
			t.Answer, t.Body = n, e
		}
		break
	}
	if d.Outcome == Complete && t.Answer == nil { // not what was asked for
		return Taken{Retry: true, Why: BadRange}, true
	}
	return t, t.Fill != nil
}

// whole is for a response that stands for itself. It takes the place of all that
// could have been chosen for the request: they are older, and one that is
// preferred by its Vary would hide it.
func (u *updating) whole(r *Response, variants []*Entry) (t Taken) {
	t.Fill, t.Why = New(u.q, r, u.p, u.requested, u.received)
	if t.Fill != nil && r.Status == 206 {
		field, _ := r.Fields.Get(message.ContentRange)
		t.At, _, _ = parseContentRange(field)
	}
	if t.Fill == nil && !u.outdates(r) {
		return t
	}
	for _, e := range variants {
		if e.fits(u.q) {
			t.Updates = append(t.Updates, Update{Old: e, From: e})
		}
	}
	return t
}

// outdates says whether a response that is not stored shows all the same that
// what is stored is not right any more. An error of the server does not, nor what
// may be due to how this client asked: it must not take a response from others.
func (u *updating) outdates(r *Response) bool {
	q := u.q
	switch {
	case q.kind != getMethod || r.Status >= 500 || r.Status == 206 || aboutTheRequest(r.Status) || q.seen&onlyOrigin != 0:
		return false
	case q.control.has&wordNoStore != 0 || q.sees(message.Authorization) || q.overrides(r.Fields, u.p):
		return false
	}
	return r.Status < 400 || plain(q.Fields)
}
