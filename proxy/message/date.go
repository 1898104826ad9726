package message

import (
	"sync/atomic"
	"time"
)

// imfFixdate is the form that is sent (RFC 9110 §5.6.7).
const imfFixdate = "Mon, 02 Jan 2006 15:04:05 GMT"

// Clock writes the same date until the second is over. It is safe for
// concurrent use; its zero value is ready.
type Clock struct {
	last atomic.Pointer[second]
}

type second struct {
	unix int64
	text []byte
}

// AppendDate writes now as IMF-fixdate.
func (c *Clock) AppendDate(dst []byte, now time.Time) []byte {
	s := c.last.Load()
	if u := now.Unix(); s == nil || s.unix != u {
		s = &second{unix: u, text: now.UTC().AppendFormat(nil, imfFixdate)}
		c.last.Store(s)
	}
	return append(dst, s.text...)
}
