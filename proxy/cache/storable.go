package cache

import (
	"bytes"
	"time"

	"proxylab/proxy/message"
)

// Response is the head of a response as the rules see it.
type Response struct {
	Status int
	Fields message.Fields
	Length int64 // of the content in bytes, -1 while it is not known
}

// Why is a reason for which a response is not stored; Stores is none.
type Why uint8

// The reasons. Their words are those of Cache-Status's detail.
const (
	Stores          Why = iota
	NotMethod           // only what GET, or a POST that says so, gets is stored
	NotFinal            // an interim response
	NotUnderstood       // its caching requirements are not known, and have to be
	NoStoreAsked        // the request says no-store
	NoStoreSaid         // the response says it
	PrivateSaid         // it is for one user
	NeedsPermission     // the request had Authorization, and nothing permits sharing
	NotCacheable        // neither its fields nor its status allow it
	VariesByAll         // Vary has a star, or a field whose value others cannot have
	Useless             // stale when it comes, and no way to validate it
	BadRange            // a 206 that cannot be kept, or Content-Range where it means nothing
	HasCookie           // Set-Cookie, and the Site does not want it stored
	Unkeyed             // the request had a field that the key does not hold
	AboutRequest        // an error about the request, not about the resource
	TooLarge            // the body is larger than the Site stores
	NominatedAway       // Connection takes a field away that the rules are read from
	NotAsked            // the cache has no part in the exchange, or the response has no content for it
)

var whyWords = [...]string{
	"", "method", "interim", "not-understood", "request-no-store", "no-store", "private", "authorization", "not-cacheable",
	"vary", "useless", "content-range", "set-cookie", "unkeyed-input", "request-error", "too-large", "connection", "",
}

func (w Why) String() string { return whyWords[w] }

// New makes the entry for a response to q, which was sent and whose head came at
// these moments. It copies what it keeps. Where the response may not be stored the
// entry is nil and the reason says why: first what RFC 9111 §3 has against it,
// then the Site.
//
// The entry of anything but a 206 is complete: who gets less than all of the body
// stores what Cut makes of it.
func New(q *Request, r *Response, p *Policy, requested, received time.Time) (*Entry, Why) {
	var c control
	explicit := c.readResponse(r.Fields, p)
	if why := forbidden(q, r, &c, explicit); why != Stores {
		return nil, why
	}
	_, site := p.ttl(q.Path, r.Status)
	assumed := p.assumes(q)
	if explicit == nowhere && c.has&wordPublic == 0 && !(site && assumed) && !isHeuristic(r.Status) {
		return nil, NotCacheable
	}
	if why := unsafeToShare(q, r, &c, p); why != Stores {
		return nil, why
	}
	vary, ok := nominate(q, r.Fields)
	if !ok {
		return nil, VariesByAll
	}
	s := Stored{
		Key: q.AppendKey(nil), Second: append([]byte(nil), q.second...), Vary: vary,
		Path: append([]byte(nil), q.Path...), Status: r.Status, Age: readAge(r.Fields),
		Requested: requested, Received: received, Total: r.Length, Said: !assumed,
	}
	s.Fields = copyFields(r.Fields, &c, received)
	if why := s.takeRange(q, r); why != Stores {
		return nil, why
	}
	e := s.Entry(p)
	if e.useless() {
		return nil, Useless
	}
	return e, Stores
}

// forbidden is RFC 9111 §3, but for its last point.
func forbidden(q *Request, r *Response, c *control, explicit source) Why {
	understood := isUnderstood(r.Status)
	switch {
	case q.kind != getMethod && !(explicit != nowhere && cacheablePost(q, r)):
		return NotMethod
	case r.Status < 200:
		return NotFinal
	case r.Status == 304, c.has&wordMustUnderstand != 0 && !understood:
		return NotUnderstood
	case q.control.has&wordNoStore != 0:
		return NoStoreAsked
	case c.has&wordNoStore != 0 && c.has&wordMustUnderstand == 0: // §5.2.2.3
		return NoStoreSaid
	case c.has&wordPrivate != 0 || describesItself(c.privateNames):
		return PrivateSaid
	case q.sees(message.Authorization) && c.has&(wordPublic|wordMustRevalidate|wordSMaxAge) == 0: // §3.5
		return NeedsPermission
	}
	return Stores
}

// cacheablePost is RFC 9110 §9.3.3: besides explicit freshness there is a
// Content-Location that is the target, so the content is what a GET would get.
func cacheablePost(q *Request, r *Response) bool {
	if q.kind != postMethod || r.Status != 200 {
		return false
	}
	location, ok := r.Fields.Get(message.ContentLocation)
	if !ok || r.Fields.Count(message.ContentLocation) > 1 {
		return false
	}
	key, ok := q.resolve(location)
	return ok && string(key) == string(q.AppendKey(nil))
}

// isUnderstood says whether all that is special about caching a status is done
// here: the final ones of RFC 9110 §15.3 to §15.6.
func isUnderstood(status int) bool {
	switch {
	case 200 <= status && status <= 206, 300 <= status && status <= 303, status == 307, status == 308,
		400 <= status && status <= 417, 421 <= status && status <= 422, status == 426,
		500 <= status && status <= 505:
		return true
	}
	return false
}

// describesItself says whether one of the names is that of a field that the rules
// are read from: a response without it would be another one.
func describesItself(names [][]byte) bool {
	for _, n := range names {
		if describes.Has(message.NameOf(n)) {
			return true
		}
	}
	return false
}

// copyFields copies the fields that are stored (§3.1): not those that private or
// no-cache name. One array holds them all. Date is added where there is none (RFC 9110
// §6.6.1).
func copyFields(fields message.Fields, c *control, received time.Time) message.Fields {
	kept := make(message.Fields, 0, len(fields)+1)
	size := 0
	dated := false
	for i := range fields {
		f := &fields[i]
		switch {
		case f.Hop, aboutOneHop.Has(f.Known), named(c.privateNames, f.Name),
			named(c.noCacheNames, f.Name) && !describes.Has(f.Known): // those make it a plain no-cache
			continue
		}
		switch f.Known {
		case message.Age, message.ContentLength, message.ContentRange:
			continue
		case message.Date:
			if _, ok := message.ParseDate(f.Value, received.Unix()); !ok || dated {
				continue
			}
			dated = true
		}
		kept = append(kept, *f)
		size += len(f.Name) + len(f.Value)
	}
	if !dated {
		date := message.AppendTime(nil, received.Unix())
		kept = append(kept, message.Field{Name: []byte("Date"), Value: date, Known: message.Date})
		size += len("Date") + len(date)
	}
	room := make([]byte, 0, size)
	for i := range kept {
		kept[i].Name, room = copyInto(room, kept[i].Name)
		kept[i].Value, room = copyInto(room, kept[i].Value)
	}
	return kept
}

func copyInto(room, b []byte) (copied, rest []byte) {
	from := len(room)
	room = append(room, b...)
	return room[from:len(room):len(room)], room
}

func named(names [][]byte, name []byte) bool {
	for _, n := range names {
		if bytes.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// useless says that e could neither be used as it is nor validated.
func (e *Entry) useless() bool {
	fresh := e.lifetime > e.firstAge && !e.noCache
	later := !e.noStale && (e.whileFresh > 0 || e.ifError > 0)
	return !fresh && !later && !e.validatable()
}
