package message

import (
	"errors"
	"sync/atomic"
	"time"
)

// imfFixdate is the form that is sent (RFC 9110 §5.6.7).
const imfFixdate = "Mon, 02 Jan 2006 15:04:05 GMT"

var errDate = errors.New("not an HTTP-date")

// AppendDate writes t as IMF-fixdate.
func AppendDate(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, imfFixdate)
}

// ParseDate reads an HTTP-date in any of the three forms of RFC 9110 §5.6.7. A
// two-digit year that seems more than 50 years ahead of now is of the century
// before.
func ParseDate(b []byte, now time.Time) (time.Time, error) {
	s := string(b)
	if t, err := time.Parse(imfFixdate, s); err == nil {
		return t.UTC(), nil
	}
	if t, err := time.Parse("Monday, 02-Jan-06 15:04:05 GMT", s); err == nil {
		t = t.UTC()
		t = t.AddDate(now.Year()/100*100-t.Year()/100*100, 0, 0)
		if t.After(now.AddDate(50, 0, 0)) {
			t = t.AddDate(-100, 0, 0)
		}
		return t, nil
	}
	if t, err := time.Parse(time.ANSIC, s); err == nil {
		return t.UTC(), nil
	}
	return time.Time{}, errDate
}

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
		s = &second{unix: u, text: AppendDate(nil, now)}
		c.last.Store(s)
	}
	return append(dst, s.text...)
}
