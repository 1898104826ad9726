package message

import (
	"sync/atomic"
	"time"
)

// imfFixdate is the form that is sent (RFC 9110 §5.6.7).
const imfFixdate = "Mon, 02 Jan 2006 15:04:05 GMT"

// ParseDate reads an HTTP-date in any of its three forms (RFC 9110 §5.6.7) and
// returns seconds since 1970. As RFC 9111 §4.2 asks of a cache, the case of
// letters does not matter and a zone other than GMT is no date. now, in seconds
// too, decides what century a year of two digits is of. The name of the day may
// be the wrong one. A leap second is the first of the next minute.
func ParseDate(b []byte, now int64) (unix int64, ok bool) {
	d := dateReader{b: b}
	if !d.dayName() {
		return 0, false
	}
	var year int
	var month time.Month
	var day, h, m, s int
	switch {
	case len(b) == len(imfFixdate) && b[3] == ',': // Sun, 06 Nov 1994 08:49:37 GMT
		d.word(", ")
		day, month = d.number(2), d.month(' ')
		year = d.number(4)
		d.word(" ")
		h, m, s = d.clock()
		d.word(" gmt")
	case len(b) == len("Sun Nov  6 08:49:37 1994") && b[3] == ' ':
		month = d.month(' ')
		if len(d.b) > 0 && d.b[0] == ' ' {
			d.b = d.b[1:]
			day = d.number(1)
		} else {
			day = d.number(2)
		}
		d.word(" ")
		h, m, s = d.clock()
		d.word(" ")
		year = d.number(4)
	default: // Sunday, 06-Nov-94 08:49:37 GMT
		d.word(", ")
		day, month = d.number(2), d.month('-')
		year = d.number(2)
		d.word(" ")
		h, m, s = d.clock()
		d.word(" gmt")
		year = century(year, now)
	}
	if d.bad || len(d.b) > 0 || day < 1 || h > 23 || m > 59 || s > 60 {
		return 0, false
	}
	t := time.Date(year, month, day, h, m, s, 0, time.UTC)
	if want := time.Date(year, month, day, 0, 0, 0, 0, time.UTC); want.Day() != day {
		return 0, false // 31 Feb
	}
	return t.Unix(), true
}

// century puts a year of two digits at most 50 years after now.
func century(yy int, now int64) int {
	this := time.Unix(now, 0).UTC().Year()
	year := this - this%100 + 100 + yy
	for year > this+50 {
		year -= 100
	}
	return year
}

// AppendTime writes a moment, in seconds since 1970, as IMF-fixdate.
func AppendTime(dst []byte, unix int64) []byte {
	return time.Unix(unix, 0).UTC().AppendFormat(dst, imfFixdate)
}

// dateReader takes a date apart from the left. bad is set by the first piece
// that is not as it has to be.
type dateReader struct {
	b   []byte
	bad bool
}

var dayNames = [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// dayName passes over the name of a day, short, or long before a comma.
func (d *dateReader) dayName() bool {
	n := 0
	for n < len(d.b) && 'a' <= d.b[n]|0x20 && d.b[n]|0x20 <= 'z' {
		n++
	}
	for _, name := range dayNames {
		if n == 3 && EqualFold(d.b[:n], name[:3]) || n > 3 && EqualFold(d.b[:n], name) {
			d.b = d.b[n:]
			return true
		}
	}
	return false
}

// word passes over text in lower case.
func (d *dateReader) word(lower string) {
	if len(d.b) < len(lower) || !EqualFold(d.b[:len(lower)], lower) {
		d.bad = true
		return
	}
	d.b = d.b[len(lower):]
}

func (d *dateReader) number(digits int) int {
	if len(d.b) < digits {
		d.bad = true
		return 0
	}
	n := 0
	for _, c := range d.b[:digits] {
		if c < '0' || c > '9' {
			d.bad = true
		}
		n = n*10 + int(c-'0')
	}
	d.b = d.b[digits:]
	return n
}

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

// month reads a month between two separators.
func (d *dateReader) month(sep byte) time.Month {
	if len(d.b) < 5 || d.b[0] != sep || d.b[4] != sep {
		d.bad = true
		return 1
	}
	name := d.b[1:4]
	d.b = d.b[5:]
	for m := range 12 {
		if EqualFold(name, monthNames[3*m:3*m+3]) {
			return time.Month(m + 1)
		}
	}
	d.bad = true
	return 1
}

func (d *dateReader) clock() (h, m, s int) {
	h = d.number(2)
	d.word(":")
	m = d.number(2)
	d.word(":")
	return h, m, d.number(2)
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
		s = &second{unix: u, text: now.UTC().AppendFormat(nil, imfFixdate)}
		c.last.Store(s)
	}
	return append(dst, s.text...)
}
