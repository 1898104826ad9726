package cache

import (
	"math"
	"time"

	"proxylab/proxy/message"
)

// freshFor is the freshness lifetime (RFC 9111 §4.2.1): what the first of
// s-maxage, max-age and Expires says, else what the Site says, else a heuristic.
func (e *Entry) freshFor(c *control, explicit source, p *Policy) time.Duration {
	switch explicit {
	case fromSMaxAge:
		return toDuration(c.sMaxAge)
	case fromMaxAge:
		return toDuration(c.maxAge)
	case fromExpires:
		return e.untilExpires()
	}
	if e.Said {
		return 0
	}
	if d, ok := p.ttl(e.Path, e.Status); ok {
		return d
	}
	return e.heuristic(c, p)
}

// untilExpires is Expires minus Date. What is not a date is in the past (§5.3).
// The first of several counts.
func (e *Entry) untilExpires() time.Duration {
	expires, ok := message.ParseDate(e.field(message.Expires), e.Received.Unix())
	if !ok {
		return 0
	}
	return toDuration(max(0, expires-e.date))
}

// heuristic is a tenth of the time since Last-Modified (§4.2.2), for statuses
// that allow it and for what is marked as public.
func (e *Entry) heuristic(c *control, p *Policy) time.Duration {
	if !e.isModified || !isHeuristic(e.Status) && c.has&wordPublic == 0 {
		return 0
	}
	return min(toDuration(max(0, e.date-e.modified))/10, p.heuristicMax())
}

// isHeuristic says whether a status is heuristically cacheable (RFC 9110 §15.1).
func isHeuristic(status int) bool {
	switch status {
	case 200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501:
		return true
	}
	return false
}

// initialAge is how old the response was when it came (§4.2.3): what earlier
// caches say plus the time it took to get here, or the time since Date, which is
// the greater where one of them has no good clock or wrote no Age.
func (e *Entry) initialAge() time.Duration {
	apparent := e.Received.Sub(time.Unix(e.date, 0))
	delay := max(0, e.Received.Sub(e.Requested))
	return max(0, apparent, toDuration(e.Age)+delay)
}

// readAge reads the Age of a response: of a list the first member, of a field
// that makes no sense nothing (§5.1).
func readAge(fields message.Fields) int64 {
	v, ok := fields.Get(message.Age)
	if !ok {
		return 0
	}
	first, _ := message.NextElement(v)
	n, ok := parseDelta(first)
	if !ok {
		return 0
	}
	return n
}

// age is the current age. A clock that went backwards does not make it younger
// than it was.
func (e *Entry) age(now time.Time) time.Duration {
	return e.firstAge + max(0, now.Sub(e.Received))
}

// FreshFor is how long e is still fresh; negative once it is stale.
func (e *Entry) FreshFor(now time.Time) time.Duration { return e.lifetime - e.age(now) }

// toDuration converts seconds; what is too long is the longest (§1.2.2).
func toDuration(s int64) time.Duration {
	if s > infinite {
		s = infinite
	}
	return time.Duration(max(s, 0)) * time.Second
}

// wholeSeconds rounds down, as Age counts whole seconds.
func wholeSeconds(d time.Duration) int64 {
	return int64(math.Floor(d.Seconds()))
}
