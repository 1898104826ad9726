package cache

import (
	"bytes"
	"time"

	"proxylab/proxy/message"
)

// Policy is what the Site says beside the origin server. Its zero value is the
// RFCs and nothing else, but for Set-Cookie. It is read only, by any number of
// goroutines at once.
//
// Names of fields are in lower case. Paths are prefixes of the raw path.
type Policy struct {
	Name string // of this cache in Cache-Status, a token; message.Pseudonym by default

	// TTL is the freshness of responses whose origin says nothing of it: no
	// max-age, s-maxage or Expires, and nothing that forbids. The first entry that
	// matches counts.
	TTL []TTL

	IgnoreParams []string // query parameters that neither the key nor the origin gets; "utm_*" for all that begin so
	KeyFields    []string // request fields that a response is kept apart by, besides Vary
	KeyCookies   []string // cookies likewise, by name in their case

	Bypass    []Condition // requests that the cache has nothing to do with
	MaxObject int64       // bytes of a body that may be stored; 0 for any
	MaxRanges int         // of one request, more are ignored; 0 for 16

	StoreSetCookie bool          // responses with Set-Cookie are stored as the RFC has it; else they are not
	ShareCookies   bool          // TTL and heuristics count for requests with Cookie too
	Unkeyed        []string      // more request fields that a response may not be stored after; see unkeyed
	StaleIfError   time.Duration // a stale response may stand in for an origin that fails; RFC 5861's directive overrides it
	HeuristicMax   time.Duration // bound of heuristic freshness; 0 for 24 hours

	// Targets are the targeted fields that are obeyed, the most applicable first
	// (RFC 9213 §2.2). nil is CDN-Cache-Control; empty is none.
	Targets []string
}

// TTL is freshness by path and status. Status 0 is each status that tells of
// success or of a permanent move: 200, 203, 204, 206, 300, 301 and 308; negative
// answers are cached only where their status is named.
type TTL struct {
	Path   string // "" for any
	Status int
	For    time.Duration
}

// Condition is true of a request that has all that is given.
type Condition struct {
	Path   string // prefix
	Field  string // a request field that is present
	Cookie string // a cookie that is present
}

const (
	defaultMaxRanges    = 16
	defaultHeuristicMax = 24 * time.Hour
)

var defaultTargets = []string{"cdn-cache-control"}

func (p *Policy) targets() []string {
	if p.Targets == nil {
		return defaultTargets
	}
	return p.Targets
}

func (p *Policy) heuristicMax() time.Duration {
	if p.HeuristicMax == 0 {
		return defaultHeuristicMax
	}
	return p.HeuristicMax
}

func (p *Policy) maxRanges() int {
	if p.MaxRanges == 0 {
		return defaultMaxRanges
	}
	return p.MaxRanges
}

// ttl is the Site's freshness for a response that says nothing.
func (p *Policy) ttl(path []byte, status int) (d time.Duration, ok bool) {
	for i := range p.TTL {
		t := &p.TTL[i]
		if hasPrefix(path, t.Path) && (t.Status == status || t.Status == 0 && isPositive(status)) {
			return t.For, true
		}
	}
	return 0, false
}

func isPositive(status int) bool {
	switch status {
	case 200, 203, 204, 206, 300, 301, 308:
		return true
	}
	return false
}

func (p *Policy) bypasses(q *Request) bool {
	for i := range p.Bypass {
		b := &p.Bypass[i]
		if hasPrefix(q.Path, b.Path) && (b.Field == "" || has(q.Fields, b.Field)) &&
			(b.Cookie == "" || hasCookie(q.Fields, b.Cookie)) {
			return true
		}
	}
	return false
}

func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

// has says whether a field of that name, in lower case, is there.
func has(fields message.Fields, name string) bool {
	for i := range fields {
		if message.EqualFold(fields[i].Name, name) {
			return true
		}
	}
	return false
}

func hasCookie(fields message.Fields, name string) bool {
	found := false
	eachCookie(fields, name, func([]byte) { found = true })
	return found
}

// eachCookie shows the value of each cookie of that name: where there are two,
// servers differ about which one counts.
func eachCookie(fields message.Fields, name string, see func(value []byte)) {
	for i := range fields {
		if fields[i].Known != message.Cookie {
			continue
		}
		for rest := fields[i].Value; len(rest) > 0; {
			var pair []byte
			pair, rest, _ = bytes.Cut(rest, []byte(";"))
			n, v, found := bytes.Cut(message.TrimOWS(pair), []byte("="))
			if found && string(message.TrimOWS(n)) == name {
				see(v)
			}
		}
	}
}
