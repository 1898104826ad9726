package cache

import (
	"bytes"

	"proxylab/proxy/message"
)

// unkeyed are request fields that some origin servers or their frameworks obey
// although no key holds them: another host, another path, another method. What
// they led to is for who sent them alone (cache poisoning, RFC 9111 §7.1).
var unkeyed = [...]string{
	"x-forwarded-host", "x-forwarded-server", "x-forwarded-scheme", "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-path",
	"x-forwarded-ssl", "x-forwarded-protocol", "x-url-scheme", "front-end-https", "x-amz-website-redirect-location",
	"x-host", "x-http-host-override", "x-original-host", "x-backend-host", "x-real-host",
	"x-original-url", "x-rewrite-url", "x-original-uri", "x-http-method", "x-http-method-override", "x-method-override",
}

const (
	// plainHead is how many bytes of request fields an origin server takes without
	// finding them too many, whichever it is. An error after more may be about
	// them, and not about the resource.
	plainHead = 4096
	// maxNominations is how many fields Vary may nominate.
	maxNominations = 16
)

// unsafeToShare is what the RFC allows and experience does not.
func unsafeToShare(q *Request, r *Response, c *control, p *Policy) Why {
	switch {
	case nominatedAway(r.Fields):
		return NominatedAway
	case aboutTheRequest(r.Status), r.Status >= 400 && !plain(q.Fields):
		return AboutRequest
	case q.Body && q.kind == getMethod, q.overrides(r.Fields, p):
		return Unkeyed
	case setsCookie(r.Fields, c, p):
		return HasCookie
	case p.MaxObject > 0 && r.Length > p.MaxObject:
		return TooLarge
	}
	return Stores
}

// setsCookie says whether storing these fields would hand one client's cookie to
// others: not where the response itself takes it out of what is stored.
func setsCookie(fields message.Fields, c *control, p *Policy) bool {
	name := []byte("Set-Cookie")
	return !p.StoreSetCookie && fields.Count(message.SetCookie) > 0 && !named(c.noCacheNames, name) && !named(c.privateNames, name)
}

// nominatedAway says whether a field that the rules are read from ends at this
// hop: it would be missing from what is stored.
func nominatedAway(fields message.Fields) bool {
	for i := range fields {
		if fields[i].Hop && describes.Has(fields[i].Known) {
			return true
		}
	}
	return false
}

// aboutTheRequest says whether a status speaks of how something was asked for,
// and so might be another one for the next who asks. RFC 6585 forbids to store
// 428, 429, 431 and 511.
func aboutTheRequest(status int) bool {
	switch status {
	case 400, 407, 408, 411, 412, 413, 415, 416, 417, 421, 422, 425, 426, 428, 429, 431, 511:
		return true
	}
	return false
}

// plain says whether an origin server can have found nothing amiss with the
// fields' bytes: no more of them than any takes, and all of them US-ASCII.
func plain(fields message.Fields) bool {
	size := 0
	for i := range fields {
		size += len(fields[i].Name) + len(fields[i].Value)
		for _, c := range fields[i].Value {
			if c >= 0x7f {
				return false
			}
		}
	}
	return size <= plainHead
}

// overrides says whether q has a field that may have led the origin server
// elsewhere, and that neither Vary nor the Site's key holds.
func (q *Request) overrides(res message.Fields, p *Policy) bool {
	for i := range q.Fields {
		f := &q.Fields[i]
		if q.isUnkeyed(f, p) && !p.keys(f.Name) && !varies(res, f.Name) || p.disguises(f, res) {
			return true
		}
	}
	return false
}

// disguises says whether a program that gets fields as variables cannot tell f from
// another one that is known to matter (RFC 3875 §4.1.18): X_Original_URL becomes
// what X-Original-URL does, and no rule sees it under that name.
func (p *Policy) disguises(f *message.Field, res message.Fields) bool {
	if f.Known != message.Unknown || bytes.IndexByte(f.Name, '_') < 0 {
		return false
	}
	name := bytes.ReplaceAll(f.Name, []byte("_"), []byte("-"))
	return message.NameOf(name) != message.Unknown ||
		inList(unkeyed[:], name) || inList(p.Unkeyed, name) || p.keys(name) || varies(res, name)
}

func (q *Request) isUnkeyed(f *message.Field, p *Policy) bool {
	switch f.Known {
	case message.Unknown:
		return inList(unkeyed[:], f.Name) || inList(p.Unkeyed, f.Name)
	case message.XForwardedHost:
		return q.Passes.Has(f.Known) && !bytes.Equal(appendHost(nil, f.Value), appendHost(nil, q.Host))
	case message.XForwardedProto:
		return q.Passes.Has(f.Known) && !message.EqualFold(f.Value, "http")
	case message.XForwardedFor: // an address is what all have there, and no response may depend on it
		return q.Passes.Has(f.Known) && !addresses(f.Value)
	case message.Forwarded:
		return q.Passes.Has(f.Known) && (containsFold(f.Value, "host") || containsFold(f.Value, "proto"))
	}
	return false
}

// addresses says whether nothing stands in b but addresses, with ports or without, and
// "unknown" (RFC 7239 §6.2 has it from X-Forwarded-For).
func addresses(b []byte) bool {
	for e, rest := message.NextElement(b); e != nil; e, rest = message.NextElement(rest) {
		if message.EqualFold(e, "unknown") {
			continue
		}
		for _, c := range e {
			if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' || c == '.' || c == ':' || c == '[' || c == ']') {
				return false
			}
		}
	}
	return true
}

func inList(lower []string, name []byte) bool {
	for _, s := range lower {
		if message.EqualFold(name, s) {
			return true
		}
	}
	return false
}

func containsFold(b []byte, lower string) bool {
	return bytes.Contains(bytes.ToLower(b), []byte(lower))
}

func (p *Policy) keys(name []byte) bool { return inList(p.KeyFields, name) }

func varies(res message.Fields, name []byte) bool {
	for i := range res {
		if res[i].Known != message.Vary {
			continue
		}
		for e, rest := message.NextElement(res[i].Value); e != nil; e, rest = message.NextElement(rest) {
			if bytes.EqualFold(e, name) {
				return true
			}
		}
	}
	return false
}

// assumes says whether a response to q may be taken for fresh although it does
// not say so, by the Site's rule or a heuristic. Not where cookies may have made
// it one user's, and not where the path could be read in two ways: a rule for
// /static says nothing of /account/..%2fstatic (cache deception).
func (p *Policy) assumes(q *Request) bool {
	return (p.ShareCookies || !q.sees(message.Cookie)) && !ambiguous(q.Path)
}

// ambiguous says whether servers differ about which resource a raw path names.
func ambiguous(path []byte) bool {
	for i, c := range path {
		switch c {
		case ';', '\\', '#':
			return true
		case '/':
			if rest := path[i+1:]; len(rest) > 0 && rest[0] == '/' || dots(rest) {
				return true
			}
		case '%':
			if i+2 < len(path) && delimits(path[i+1], path[i+2]) {
				return true
			}
		}
	}
	return false
}

// dots says whether a segment begins here that is . or ..
func dots(rest []byte) bool {
	n := 0
	for n < len(rest) && rest[n] == '.' {
		n++
	}
	return (n == 1 || n == 2) && (n == len(rest) || rest[n] == '/')
}

// delimits says whether the two hexadecimal digits encode a byte that may end or
// change a path once it is decoded: a control, / . ; ? # % \ or a space.
func delimits(high, low byte) bool {
	switch low |= 0x20; high {
	case '0', '1':
		return true
	case '2':
		return low == '0' || low == '3' || low == '5' || low == 'e' || low == 'f'
	case '3':
		return low == 'b' || low == 'f'
	case '5':
		return low == 'c'
	case '7':
		return low == 'f'
	}
	return false
}
