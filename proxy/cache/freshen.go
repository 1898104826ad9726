package cache

import (
	"bytes"
	"time"

	"proxylab/proxy/message"
)

// validated takes in a 304 that came for d (RFC 9111 §4.3.3, §4.3.4), also where
// the preconditions were the client's own.
func (d *Decision) validated(q *Request, r *Response, variants []*Entry, p *Policy, requested, received time.Time) Taken {
	u := updating{q: q, fields: r.Fields, p: p, requested: requested, received: received}
	out := Taken{Why: NotAsked}
	about, beside := identified(q, r, variants, received)
	for _, e := range about {
		use, n := u.entry(e)
		if e == d.Entry || out.Answer == nil && !e.Partial {
			out.Answer, out.Body = use, e
		}
		if u.mayStore(use) {
			out.Updates = append(out.Updates, Update{Old: e, New: n, From: e})
		}
	}
	for _, e := range beside {
		out.Updates = append(out.Updates, Update{Old: e, From: e})
	}
	tag, modified := validators(r.Fields)
	if d.Reason == VaryMiss {
		out.other(&u, tag, variants)
	}
	if d.Outcome != Validate { // the origin answered the client
		out.Answer, out.Body = nil, nil
		return out
	}
	// A 304 without any validator is more than §4.3.4 can place. Where the entry's
	// were the only ones in the request it is about that entry all the same, which
	// then answers this request and is not updated.
	if out.Answer == nil && d.Entry != nil && tag == nil && modified == nil && q.seen&forCaches == 0 {
		out.Answer, out.Body = d.Entry, d.Entry
	}
	if out.Answer != nil && out.Answer.Partial { // its tag may be weak now, and If-Range false
		if _, short := incomplete(q, out.Answer); short {
			out.Answer, out.Retry = nil, true
			return out
		}
	}
	out.Retry = out.Answer == nil && !q.offers(tag)
	return out
}

// validators are those of a response; nil for what is missing.
func validators(fields message.Fields) (tag, modified []byte) {
	if tag, _ = fields.Get(message.ETag); !validTag(tag) {
		tag = nil
	}
	modified, _ = fields.Get(message.LastModified)
	return tag, modified
}

// identified are the entries that a 304 is about, among those that could have
// been chosen for q: all that have its strong validator, or else the most recent
// that has its weak one; or where it has none, the only one if that has none
// either (§4.3.4). Others with the weak one are beside it: they may not be updated,
// and would be validated for ever.
func identified(q *Request, r *Response, variants []*Entry, received time.Time) (about, beside []*Entry) {
	n := headOf(r, received)
	var only *Entry
	could := 0
	for _, e := range variants {
		if !e.fits(q) || e.Status != 200 {
			continue
		}
		could++
		only = e
		strongly, weakly := e.shares(n)
		switch {
		case strongly && n.strong():
			about = append(about, e)
		case !weakly || n.strong():
		case len(about) == 0:
			about = append(about, e)
		case e.newer(about[0]):
			beside = append(beside, about[0])
			about[0] = e
		default:
			beside = append(beside, e)
		}
	}
	if !n.validatable() && could == 1 && !only.validatable() {
		about = append(about, only)
	}
	return about, beside
}

// headOf reads the validators of a response that is no entry.
func headOf(r *Response, received time.Time) *Entry {
	return Stored{Status: 200, Fields: copyFields(r.Fields, &control{}, received), Received: received}.Entry(&Policy{})
}

// shares compares the validators of e and n by the strong and the weak function.
// Where both have entity tags these alone count.
func (e *Entry) shares(n *Entry) (strongly, weakly bool) {
	if n.tag != nil && e.tag != nil {
		return sameStrongly(n.tag, e.tag), sameWeakly(n.tag, e.tag)
	}
	same := n.isModified && e.isModified && n.modified == e.modified
	return same && n.strongDate() && e.strongDate(), same
}

// other is for a request that no entry fits: the origin server names one of those
// that were offered, the latest of several with one tag. It becomes an entry for
// requests like this one, beside the old, which is left as it is: it could not
// have been chosen.
func (out *Taken) other(u *updating, tag []byte, variants []*Entry) {
	if tag == nil {
		return
	}
	var named *Entry
	for _, e := range variants {
		if e.nominable(u.q) && sameWeakly(tag, e.tag) && (named == nil || e.newer(named)) {
			named = e
		}
	}
	if named == nil {
		return
	}
	use, n := u.entry(named)
	out.Answer, out.Body = use, named
	if n != nil && u.mayStore(use) {
		out.Updates = append(out.Updates, Update{New: n, From: named})
	}
}

// offers says whether the client's own If-None-Match has that tag, so that a 304
// with it is for the client.
func (q *Request) offers(tag []byte) bool {
	e := Entry{tag: tag}
	return tag != nil && q.sees(message.IfNoneMatch) && e.noneMatch(q.Fields)
}

// updating is a response whose fields entries take over: a 304, the 200 to a HEAD,
// or a 206 (RFC 9111 §3.2).
type updating struct {
	q                   *Request
	fields              message.Fields
	p                   *Policy
	requested, received time.Time
}

// entry is e with the fields of the update: for the request that brought them, and
// as it is stored; that is nil where the fields forbid to store it any longer.
func (u *updating) entry(e *Entry) (use, stored *Entry) {
	s := e.Stored
	s.Fields = merge(e.Fields, u.fields, u.received)
	s.Requested, s.Received, s.Age = u.requested, u.received, readAge(u.fields)
	s.Invalid = false
	s.Said = s.Said || !u.p.assumes(u.q)
	vary, ok := nominate(u.q, s.Fields)
	s.Vary = vary
	use = s.Entry(u.p)
	var c control
	c.readResponse(s.Fields, u.p)
	if !ok || c.has&(wordNoStore|wordPrivate) != 0 || describesItself(c.privateNames) ||
		nominatedAway(u.fields) || setsCookie(u.fields, &c, u.p) {
		return use, nil
	}
	if len(c.privateNames)+len(c.noCacheNames) == 0 {
		return use, use
	}
	s.Fields = copyFields(s.Fields, &c, u.received)
	return use, s.Entry(u.p)
}

// mayStore says whether a response to the request may be stored at all. What may
// not leaves the store as it is (§3, §5.2.1.5).
func (u *updating) mayStore(n *Entry) bool {
	if u.q.control.has&wordNoStore != 0 || u.q.overrides(n.Fields, u.p) {
		return false
	}
	if !u.q.sees(message.Authorization) {
		return true
	}
	var c control
	c.readResponse(n.Fields, u.p)
	return c.has&(wordPublic|wordMustRevalidate|wordSMaxAge) != 0
}

// merge replaces the stored fields of each name that the update has (§3.2).
// Content-Length, Content-Range and fields of one hop are not taken over.
func merge(stored, update message.Fields, received time.Time) message.Fields {
	fresh := copyFields(update, &control{}, received)
	merged := make(message.Fields, 0, len(stored)+len(fresh))
	for i := range stored {
		if !sameName(fresh, &stored[i]) {
			merged = append(merged, stored[i])
		}
	}
	return append(merged, fresh...)
}

// sameName says whether fields has one of f's name.
func sameName(fields message.Fields, f *message.Field) bool {
	for i := range fields {
		if fields[i].Known == f.Known && (f.Known != message.Unknown || bytes.EqualFold(fields[i].Name, f.Name)) {
			return true
		}
	}
	return false
}

// freshenByHead takes in the 200 to a HEAD (§4.3.5): entries that could have been
// chosen for it take its fields over where nothing tells them apart, and have to
// be validated otherwise.
func freshenByHead(q *Request, r *Response, variants []*Entry, p *Policy, requested, received time.Time) (updates []Update) {
	u := updating{q: q, fields: r.Fields, p: p, requested: requested, received: received}
	for _, e := range variants {
		if !e.fits(q) || e.Status != 200 {
			continue
		}
		use, n := u.entry(e)
		switch {
		case !e.sameAs(r):
			s := e.Stored
			s.Invalid = true
			n = s.Entry(p)
		case !u.mayStore(use):
			continue
		}
		updates = append(updates, Update{Old: e, New: n, From: e})
	}
	return updates
}

// sameAs says whether a HEAD's response tells of the same representation.
func (e *Entry) sameAs(r *Response) bool {
	if tag, ok := r.Fields.Get(message.ETag); ok && !bytes.Equal(tag, e.field(message.ETag)) {
		return false
	}
	if modified, ok := r.Fields.Get(message.LastModified); ok && !bytes.Equal(modified, e.field(message.LastModified)) {
		return false
	}
	if length, ok := r.Fields.Get(message.ContentLength); ok {
		n, _, valid := cutNumber(length)
		return valid && n == e.Total
	}
	return true
}
