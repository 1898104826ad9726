package cache

import "time"

// OnFailure says whether the entry of d may answer q although it is stale, since
// the origin server failed (RFC 9111 §4.2.4, RFC 5861 §4). status is what the
// client would be told: that of the origin's answer, or 502 or 504 where there was
// none. Only 500, 502, 503 and 504 are failures.
func (d *Decision) OnFailure(q *Request, p *Policy, now time.Time, status int) (Decision, bool) {
	e := d.Entry
	switch {
	case e == nil || e.noStale || e.Invalid || e.Partial && d.Outcome != Validate:
		return *d, false
	case status != 500 && status != 502 && status != 503 && status != 504:
		return *d, false
	case q.noCache() || d.Outcome == Bypass || d.Outcome == Pass:
		return *d, false
	}
	limit := p.StaleIfError
	if e.ifError >= 0 {
		limit = e.ifError
	}
	if c := &q.control; c.has&wordStaleIfError != 0 {
		limit = max(limit, toDuration(c.ifError))
		if e.ifError >= 0 { // the narrower of two that are stated
			limit = min(e.ifError, toDuration(c.ifError))
		}
	}
	if left := e.FreshFor(now); left <= 0 && (limit == 0 || -left > limit) {
		return *d, false
	}
	return Decision{Outcome: Hit, Reason: OnError, Entry: e}, true
}
