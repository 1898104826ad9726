package cache

import (
	"bytes"
	"time"

	"proxylab/proxy/message"
)

// Stored is a response as it is kept: all that a store has to write down, besides
// the bytes of the body. The rest of an Entry follows from it and the Policy.
type Stored struct {
	Key    []byte // of Request.AppendKey; to be compared as a whole, whatever hash finds it
	Second []byte // the Site's key fields and cookies
	Vary   []Nominated

	Path   []byte         // raw, for the Site's rules by path
	Status int            // 200 for what came as 206
	Fields message.Fields // as they are sent again: without Age, Content-Length and fields of one hop
	Age    int64          // seconds that the response said to be old when it came
	Said   bool           // only what the response says itself makes it fresh, no rule of the Site and no heuristic

	Requested time.Time // when the request was sent that fetched or validated it last
	Received  time.Time // when the response to that came

	Total   int64  // length of the whole representation in bytes; -1 while it is not known
	Have    []Span // bytes of it that are stored, in order, apart from one another; nil for all
	Partial bool   // Have counts: the response is not complete (§3.3)
	Invalid bool   // it has to be validated before it is used (§4.4, §4.3.5)
}

// Span is a range of bytes, the last one included.
type Span struct{ First, Last int64 }

// Len is the number of bytes.
func (s Span) Len() int64 { return s.Last - s.First + 1 }

// Entry is a stored response with all that the rules want to know of it. It is
// never changed, so any number of goroutines may use one; who updates it makes
// another (see Freshen).
type Entry struct {
	Stored

	lifetime   time.Duration // freshness lifetime (§4.2.1)
	firstAge   time.Duration // corrected initial age (§4.2.3)
	whileFresh time.Duration // stale-while-revalidate
	ifError    time.Duration // stale-if-error; negative without

	noCache   bool // to be validated each time
	noStale   bool // never to be used stale, in whatever need (§4.2.4)
	immutable bool

	tag        []byte // ETag as it came; nil without a valid one
	modified   int64  // Last-Modified in seconds since 1970
	date       int64  // Date likewise
	isModified bool   // there is a Last-Modified
}

// Entry works out what the rules want to know of s.
func (s Stored) Entry(p *Policy) *Entry {
	e := &Entry{Stored: s}
	var c control
	explicit := c.readResponse(s.Fields, p)
	now := s.Received.Unix()
	e.date = now
	for i := range s.Fields {
		f := &s.Fields[i]
		switch f.Known {
		case message.Date:
			if d, ok := message.ParseDate(f.Value, now); ok {
				e.date = d
			}
		case message.LastModified:
			if d, ok := message.ParseDate(f.Value, now); ok && !e.isModified {
				e.modified, e.isModified = d, true
			}
		case message.ETag:
			if e.tag == nil && validTag(f.Value) {
				e.tag = f.Value
			}
		}
	}
	e.firstAge = e.initialAge()
	e.lifetime = e.freshFor(&c, explicit, p)
	e.noCache = c.has&wordNoCache != 0 || describesItself(c.noCacheNames)
	e.noStale = e.noCache || c.has&(wordMustRevalidate|wordProxyRevalidate|wordSMaxAge) != 0
	e.immutable = c.has&wordImmutable != 0
	e.whileFresh = toDuration(c.whileRevalidate)
	e.ifError = toDuration(c.ifError)
	if c.ifError == absent {
		e.ifError = -1
	}
	return e
}

// readResponse reads the cache directives of a response. explicit says where its
// freshness is stated.
func (c *control) readResponse(fields message.Fields, p *Policy) (explicit source) {
	if c.targeted(fields, p.targets()) {
		return c.source(false)
	}
	c.reset()
	expires := false
	for i := range fields {
		switch fields[i].Known {
		case message.CacheControl:
			c.add(fields[i].Value)
		case message.Expires:
			expires = true
		}
	}
	return c.source(expires)
}

// source is what an explicit freshness lifetime comes from, in the order of RFC
// 9111 §4.2.1.
type source uint8

const (
	nowhere source = iota
	fromSMaxAge
	fromMaxAge
	fromExpires
)

func (c *control) source(expires bool) source {
	switch {
	case c.has&wordSMaxAge != 0:
		return fromSMaxAge
	case c.has&wordMaxAge != 0:
		return fromMaxAge
	case expires:
		return fromExpires
	}
	return nowhere
}

// field is the value of the first field of that name.
func (e *Entry) field(n message.Name) []byte {
	v, _ := e.Fields.Get(n)
	return v
}

// validTag says whether b is an entity tag (RFC 9110 §8.8.3).
func validTag(b []byte) bool {
	b = opaque(b)
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return false
	}
	for _, c := range b[1 : len(b)-1] {
		if c <= ' ' || c == '"' || c == 0x7f {
			return false
		}
	}
	return true
}

// opaque is an entity tag without its mark of weakness.
func opaque(tag []byte) []byte {
	if isWeak(tag) {
		return tag[2:]
	}
	return tag
}

func isWeak(tag []byte) bool { return len(tag) > 2 && tag[0] == 'W' && tag[1] == '/' }

// sameWeakly compares tags by the weak function, sameStrongly by the strong one
// (RFC 9110 §8.8.3.2).
func sameWeakly(a, b []byte) bool { return bytes.Equal(opaque(a), opaque(b)) }

func sameStrongly(a, b []byte) bool {
	return len(a) > 0 && !isWeak(a) && bytes.Equal(a, b)
}
