package cache

import (
	"time"

	"proxylab/proxy/message"
)

// Handled is what Cache-Status tells of one exchange (RFC 9211).
type Handled struct {
	Decision  Decision
	Status    int    // of the origin's answer, where the request went forward and it is not the client's; 0 else
	Stored    *Entry // what the response was stored as, or updated; nil if it was not
	Why       Why    // why not
	Collapsed int8   // 1: it got the response to another's request; -1: it waited for one, in vain
}

// AppendStatus writes this cache's member of Cache-Status as a field line of its
// own, which follows those of the caches before it. A response that the proxy
// makes itself has none (RFC 9211 §2): a 504 for only-if-cached has not either.
func (h *Handled) AppendStatus(dst []byte, p *Policy, now time.Time) []byte {
	d := &h.Decision
	if d.Outcome == Timeout {
		return dst
	}
	dst = append(dst, "Cache-Status: "...)
	if p.Name != "" {
		dst = append(dst, p.Name...)
	} else {
		dst = append(dst, message.Pseudonym...)
	}
	if d.Outcome == Hit || d.Outcome == HitStale {
		dst = append(dst, "; hit; ttl="...)
		dst = appendInt(dst, wholeSeconds(d.Entry.FreshFor(now)))
		if d.Reason != Fresh {
			dst = append(dst, "; detail="...)
			dst = append(dst, d.Reason.String()...)
		}
		return append(dst, "\r\n"...)
	}
	return h.appendForwarded(dst, now)
}

func (h *Handled) appendForwarded(dst []byte, now time.Time) []byte {
	d := &h.Decision
	dst = append(dst, "; fwd="...)
	dst = append(dst, forwardWords[d.Reason]...)
	if h.Status != 0 {
		dst = append(dst, "; fwd-status="...)
		dst = appendInt(dst, int64(h.Status))
	}
	if h.Stored != nil {
		dst = append(dst, "; ttl="...)
		dst = appendInt(dst, wholeSeconds(h.Stored.FreshFor(now)))
		dst = append(dst, "; stored"...)
	}
	switch {
	case h.Collapsed > 0:
		dst = append(dst, "; collapsed"...)
	case h.Collapsed < 0:
		dst = append(dst, "; collapsed=?0"...)
	}
	if h.Stored == nil && h.Why.String() != "" {
		dst = append(dst, "; detail="...)
		dst = append(dst, h.Why.String()...)
	}
	return append(dst, "\r\n"...)
}
