package cache

import (
	"proxylab/proxy/message"
)

// Request is a request as the rules see it. Who calls sets the exported members
// and then Read; all of it lives as long as what they point to. It is reused for
// the next request, and then nothing is allocated.
type Request struct {
	Method []byte
	Host   []byte // authority of the target, as it came
	Path   []byte // raw
	Query  []byte // raw, with its question mark; as the origin will get it
	Fields message.Fields
	Body   bool // it has one

	// Passes are those of message.ForwardedFields that the origin server gets in
	// the client's words.
	Passes message.NameSet

	kind    method
	seen    message.NameSet
	control control
	pragma  bool // Pragma: no-cache, and no Cache-Control
	second  []byte
	scratch []byte
}

// method is what a method is to a cache.
type method uint8

const (
	unsafeMethod method = iota // unknown ones too: what is not known to be safe invalidates
	getMethod
	headMethod
	postMethod
	otherSafe // OPTIONS and TRACE, and what WebDAV has
)

// methodOf knows a method by its exact name (RFC 9110 §9.1).
func methodOf(b []byte) method {
	switch string(b) {
	case "GET":
		return getMethod
	case "HEAD":
		return headMethod
	case "POST":
		return postMethod
	case "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY":
		return otherSafe
	}
	return unsafeMethod
}

var (
	// onlyOrigin are preconditions that a cache does not evaluate (RFC 9111 §4.3.2).
	onlyOrigin = message.SetOf(message.IfMatch, message.IfUnmodifiedSince)
	// forCaches are those that it does, conditions all of them.
	forCaches  = message.SetOf(message.IfNoneMatch, message.IfModifiedSince)
	conditions = onlyOrigin | forCaches | message.SetOf(message.IfRange)
	// describes are the fields that the rules for a stored response are read from.
	describes = message.SetOf(message.CacheControl, message.CDNCacheControl, message.Expires, message.Date, message.Age, message.Vary, message.ETag, message.LastModified)
	// aboutOneHop are not stored (§3.1).
	aboutOneHop = message.SetOf(message.ProxyAuthenticate, message.ProxyAuthenticationInfo, message.ProxyAuthorization)
)

// Read looks at the request once, for all rules.
func (q *Request) Read(p *Policy) {
	q.kind = methodOf(q.Method)
	q.seen, q.pragma = 0, false
	q.control.reset()
	for i := range q.Fields {
		f := &q.Fields[i]
		q.seen |= 1 << f.Known
		switch f.Known {
		case message.CacheControl:
			q.control.add(f.Value)
		case message.Pragma:
			q.pragma = q.pragma || listHas(f.Value, "no-cache")
		}
	}
	q.pragma = q.pragma && !q.seen.Has(message.CacheControl)
	q.second = q.second[:0]
	if len(p.KeyFields) > 0 || len(p.KeyCookies) > 0 {
		q.second = p.appendSecond(q.second, q.Fields)
	}
}

// sees says whether the request has a field of that name.
func (q *Request) sees(n message.Name) bool { return q.seen.Has(n) }

func (q *Request) noCache() bool { return q.control.has&wordNoCache != 0 || q.pragma }

func listHas(value []byte, lower string) bool {
	for e, rest := message.NextElement(value); e != nil; e, rest = message.NextElement(rest) {
		if message.EqualFold(e, lower) {
			return true
		}
	}
	return false
}
