package message

// Name is a field name that some rule speaks of.
type Name uint8

// The known names. Unknown is every other one.
const (
	Unknown Name = iota
	Authorization
	CacheControl
	Connection
	ContentEncoding
	ContentLength
	ContentRange
	ContentType
	Cookie
	Date
	Expect
	Forwarded
	Host
	KeepAlive
	MaxForwards
	ProxyConnection
	Referer
	Server
	SetCookie
	TE
	Trailer
	TransferEncoding
	Upgrade
	UserAgent
	Via
	XForwardedFor
	XForwardedHost
	XForwardedProto
	names // how many there are
)

// spelling has each known name in lower case.
var spelling = [names]string{
	Authorization:    "authorization",
	CacheControl:     "cache-control",
	Connection:       "connection",
	ContentEncoding:  "content-encoding",
	ContentLength:    "content-length",
	ContentRange:     "content-range",
	ContentType:      "content-type",
	Cookie:           "cookie",
	Date:             "date",
	Expect:           "expect",
	Forwarded:        "forwarded",
	Host:             "host",
	KeepAlive:        "keep-alive",
	MaxForwards:      "max-forwards",
	ProxyConnection:  "proxy-connection",
	Referer:          "referer",
	Server:           "server",
	SetCookie:        "set-cookie",
	TE:               "te",
	Trailer:          "trailer",
	TransferEncoding: "transfer-encoding",
	Upgrade:          "upgrade",
	UserAgent:        "user-agent",
	Via:              "via",
	XForwardedFor:    "x-forwarded-for",
	XForwardedHost:   "x-forwarded-host",
	XForwardedProto:  "x-forwarded-proto",
}

const longestName = len("transfer-encoding")

// byLength has the known names of each length, so that a lookup compares with
// two or three at most.
var byLength = func() (t [longestName + 1][]Name) {
	for n := Unknown + 1; n < names; n++ {
		l := len(spelling[n])
		t[l] = append(t[l], n)
	}
	return t
}()

// NameOf looks a field name up, in any case.
func NameOf(b []byte) Name {
	if len(b) > longestName || len(b) == 0 {
		return Unknown
	}
	first := b[0] | 0x20
	for _, n := range byLength[len(b)] {
		if spelling[n][0] == first && EqualFold(b, spelling[n]) {
			return n
		}
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
