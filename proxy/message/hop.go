package message

import "bytes"

// hopByHop are the fields that concern one connection only, whether Connection
// names them or not (RFC 9110 §7.6.1), and Trailer, of which see announces.
var hopByHop = SetOf(Connection, KeepAlive, ProxyConnection, TE, Trailer, TransferEncoding, Upgrade)

// never may not be removed by naming them in Connection: they are what the
// message is framed and routed by, and an attacker names them to make the next
// hop read something else.
var never = SetOf(Host, ContentLength)

// Options are what the Connection fields of a message say of its connection.
type Options struct {
	Close     bool // "close"
	KeepAlive bool // "keep-alive", which only HTTP/1.0 needs
	Upgrade   bool // "upgrade"
	Trailers  bool // "te", and TE has "trailers": who sent it takes trailer fields
	TooMany   bool // more fields were nominated than maxNominated
	Quoted    bool // a quote stands in the list, whose elements are tokens
}

// maxNominated bounds what is compared with each field of the message: a head of
// nothing but nominations would take twenty times the work of any other.
const maxNominated = 64

// MarkHops sets Hop in each field that must not be forwarded: the fixed list,
// and each field that a Connection field nominates (RFC 9110 §7.6.1).
func (f Fields) MarkHops() Options {
	var o Options
	nominated := 0
	for i := range f {
		if hopByHop.Has(f[i].Known) {
			f[i].Hop = f[i].Known != Trailer || !announces(f[i].Value)
		}
		if f[i].Known != Connection {
			continue
		}
		for e, rest := NextElement(f[i].Value); e != nil; e, rest = NextElement(rest) {
			switch {
			case EqualFold(e, "close"):
				o.Close = true
			case EqualFold(e, "keep-alive"):
				o.KeepAlive = true
			case EqualFold(e, "te"):
				o.Trailers = f.takesTrailers()
			case EqualFold(e, "upgrade"):
				o.Upgrade = true // the field is marked by the fixed list
			case bytes.IndexByte(e, '"') >= 0:
				o.Quoted = true // where others split a list at each comma, they see other options
				return o
			case nominated == maxNominated:
				o.TooMany = true
				return o
			default:
				nominated++
				f.nominate(e)
			}
		}
	}
	return o
}

// NotInTrailers are fields that must not be taken from a trailer section: they
// frame, route, authenticate, make a request conditional, or decide what is done
// with the message (RFC 9110 §6.5.1).
var NotInTrailers = SetOf(
	Age, Authorization, CacheControl, CDNCacheControl, Connection, ContentEncoding,
	ContentLength, ContentRange, ContentType, Cookie, Date, Expect, Expires,
	Forwarded, Host, IfMatch, IfModifiedSince, IfNoneMatch, IfRange,
	IfUnmodifiedSince, KeepAlive, Location, MaxForwards, Pragma, ProxyAuthenticate,
	ProxyAuthorization, ProxyConnection, Range, RetryAfter, SetCookie, TE, Trailer,
	TransferEncoding, Upgrade, Vary, Via, WWWAuthenticate,
	XForwardedFor, XForwardedHost, XForwardedProto,
)

// announces says whether Trailer lists only fields that go on from a trailer
// section. Where the framing of the next hop has none the field is left out by who
// writes the head.
func announces(list []byte) bool {
	for e, rest := NextElement(list); e != nil; e, rest = NextElement(rest) {
		if NotInTrailers.Has(NameOf(e)) {
			return false
		}
	}
	return true
}

// takesTrailers says whether TE has the word "trailers" (RFC 9110 §10.1.4). It is
// believed where Connection names TE: otherwise a proxy that does not know the
// field may have handed it on, and drop the trailers.
func (f Fields) takesTrailers() bool {
	for i := range f {
		if f[i].Known != TE {
			continue
		}
		for e, rest := NextElement(f[i].Value); e != nil; e, rest = NextElement(rest) {
			if EqualFold(e, "trailers") {
				return true
			}
		}
	}
	return false
}

// nominate marks the fields named by a connection option.
func (f Fields) nominate(option []byte) {
	for i := range f {
		if !f[i].Hop && !never.Has(f[i].Known) && sameName(f[i].Name, option) {
			f[i].Hop = true
		}
	}
}

// sameName compares two names in any case.
func sameName(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
