package message

// Name is a field name that some rule speaks of.
type Name uint8

// The known names. Unknown is every other one.
const (
	Unknown Name = iota
	Accept
	AcceptEncoding
	AcceptLanguage
	Age
	Authorization
	CDNCacheControl
	CacheControl
	CacheStatus
	Connection
	ContentEncoding
	ContentLanguage
	ContentLength
	ContentLocation
	ContentRange
	ContentType
	Cookie
	Date
	ETag
	Expect
	Expires
	Forwarded
	Host
	IfMatch
	IfModifiedSince
	IfNoneMatch
	IfRange
	IfUnmodifiedSince
	KeepAlive
	LastModified
	Location
	MaxForwards
	Pragma
	ProxyAuthenticate
	ProxyAuthenticationInfo
	ProxyAuthorization
	ProxyConnection
	Range
	Referer
	RetryAfter
	Server
	SetCookie
	TE
	Trailer
	TransferEncoding
	Upgrade
	UserAgent
	Vary
	Via
	WWWAuthenticate
	XForwardedFor
	XForwardedHost
	XForwardedProto
	names // how many there are
)

// spelling has each known name in lower case.
var spelling = [names]string{
	Accept:                  "accept",
	AcceptEncoding:          "accept-encoding",
	AcceptLanguage:          "accept-language",
	Age:                     "age",
	Authorization:           "authorization",
	CDNCacheControl:         "cdn-cache-control",
	CacheControl:            "cache-control",
	CacheStatus:             "cache-status",
	Connection:              "connection",
	ContentEncoding:         "content-encoding",
	ContentLanguage:         "content-language",
	ContentLength:           "content-length",
	ContentLocation:         "content-location",
	ContentRange:            "content-range",
	ContentType:             "content-type",
	Cookie:                  "cookie",
	Date:                    "date",
	ETag:                    "etag",
	Expect:                  "expect",
	Expires:                 "expires",
	Forwarded:               "forwarded",
	Host:                    "host",
	IfMatch:                 "if-match",
	IfModifiedSince:         "if-modified-since",
	IfNoneMatch:             "if-none-match",
	IfRange:                 "if-range",
	IfUnmodifiedSince:       "if-unmodified-since",
	KeepAlive:               "keep-alive",
	LastModified:            "last-modified",
	Location:                "location",
	MaxForwards:             "max-forwards",
	Pragma:                  "pragma",
	ProxyAuthenticate:       "proxy-authenticate",
	ProxyAuthenticationInfo: "proxy-authentication-info",
	ProxyAuthorization:      "proxy-authorization",
	ProxyConnection:         "proxy-connection",
	Range:                   "range",
	Referer:                 "referer",
	RetryAfter:              "retry-after",
	Server:                  "server",
	SetCookie:               "set-cookie",
	TE:                      "te",
	Trailer:                 "trailer",
	TransferEncoding:        "transfer-encoding",
	Upgrade:                 "upgrade",
	UserAgent:               "user-agent",
	Vary:                    "vary",
	Via:                     "via",
	WWWAuthenticate:         "www-authenticate",
	XForwardedFor:           "x-forwarded-for",
	XForwardedHost:          "x-forwarded-host",
	XForwardedProto:         "x-forwarded-proto",
}

// slots has each known name where slot puts it: a name is compared with one
// other at most. The factors in slot are such that no two known names share a
// place, which a test holds; a new name may ask for others.
var slots = func() (t [128]Name) {
	for n := Unknown + 1; n < names; n++ {
		t[slot([]byte(spelling[n]))] = n
	}
	return t
}()

// usual has each known name as most senders write it, which is compared faster.
var usual = func() (t [names]string) {
	for n, s := range spelling {
		b := []byte(s)
		for i := range b {
			if i == 0 || b[i-1] == '-' {
				b[i] &^= 0x20
			}
		}
		t[n] = string(b)
	}
	return t
}()

// slot tells names apart by their length and three of their letters, in any case.
func slot(b []byte) int {
	first, middle, last := b[0]|0x20, b[len(b)/2]|0x20, b[len(b)-1]|0x20
	return (5*len(b) + 10*int(first) + int(middle) + 4*int(last)) & 127
}

// VariableOf is NameOf for who cannot tell a hyphen from an underscore: servers
// that hand fields to a program as variables (RFC 3875 §4.1.18; FastCGI, WSGI and
// others do as CGI does) make HTTP_X_FORWARDED_FOR of X-Forwarded-For and of
// X_Forwarded_For.
func VariableOf(b []byte) Name {
	var hyphens [24]byte
	if len(b) > len(hyphens) {
		return Unknown
	}
	for i, c := range b {
		if c == '_' {
			c = '-'
		}
		hyphens[i] = c
	}
	return NameOf(hyphens[:len(b)])
}

// NameOf looks a field name up, in any case.
func NameOf(b []byte) Name {
	if len(b) == 0 {
		return Unknown
	}
	if n := slots[slot(b)]; string(b) == usual[n] || EqualFold(b, spelling[n]) {
		return n
	}
	return Unknown
}

// EqualFold says whether b is lower, which is in lower case, but for the case
// of ASCII letters.
func EqualFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// NameSet is a set of known names.
type NameSet uint64

// SetOf makes a set.
func SetOf(ns ...Name) NameSet {
	var s NameSet
	for _, n := range ns {
		s |= 1 << n
	}
	return s
}

// Has says whether n is in the set. Unknown never is.
func (s NameSet) Has(n Name) bool { return s&(1<<n) != 0 }
