package cache

import (
	"proxylab/proxy/message"
)

// maxSpans is how many ranges of one request are looked at, whatever the Site
// says.
const maxSpans = 64

// parseRange reads a Range field of the unit bytes (RFC 9110 §14.1.2) and asks
// for each range-spec. A suffix range has First -1 and its length in Last; an open
// one has Last -1. ok is false where the field is to be ignored: another unit, or
// not valid.
func parseRange(b []byte, see func(Span)) bool {
	const unit = "bytes="
	if len(b) < len(unit) || !message.EqualFold(b[:len(unit)], unit) {
		return false
	}
	n := 0
	for e, rest := message.NextElement(b[len(unit):]); e != nil; e, rest = message.NextElement(rest) {
		s, ok := parseSpec(e)
		if !ok {
			return false
		}
		n++
		see(s)
	}
	return n > 0
}

func parseSpec(b []byte) (Span, bool) {
	if b[0] == '-' {
		n, rest, ok := cutNumber(b[1:])
		return Span{-1, n}, ok && len(rest) == 0
	}
	first, rest, ok := cutNumber(b)
	if !ok || len(rest) == 0 || rest[0] != '-' {
		return Span{}, false
	}
	if len(rest) == 1 {
		return Span{first, -1}, true
	}
	last, rest, ok := cutNumber(rest[1:])
	return Span{first, last}, ok && len(rest) == 0 && first <= last
}

// tooFar stands for any position that is too large to count; no body is as long.
const tooFar = 1<<63 - 1

// cutNumber reads digits from the front. A number that is too large is tooFar
// (RFC 9110 §14.1.2).
func cutNumber(b []byte) (n int64, rest []byte, ok bool) {
	i := 0
	for i < len(b) && isDigit(b[i]) {
		if digit := int64(b[i] - '0'); n > (tooFar-digit)/10 {
			n = tooFar
		} else if n < tooFar {
			n = n*10 + digit
		}
		i++
	}
	return n, b[i:], i > 0
}

// within gives a range-spec its place in a representation of total bytes. ok is
// false where it is not satisfiable.
func (s Span) within(total int64) (Span, bool) {
	switch {
	case s.First < 0:
		return Span{max(0, total-s.Last), total - 1}, s.Last > 0 && total > 0
	case s.First >= total:
		return Span{}, false
	case s.Last < 0 || s.Last >= total:
		return Span{s.First, total - 1}, true
	}
	return s, true
}

// parseContentRange reads a Content-Range of bytes (RFC 9110 §14.4). total is -1
// where it is not known. ok is false for what is not valid, another unit, and
// unsatisfied ranges, of which a response has no bytes.
func parseContentRange(b []byte) (s Span, total int64, ok bool) {
	const unit = "bytes "
	if len(b) < len(unit) || !message.EqualFold(b[:len(unit)], unit) {
		return s, 0, false
	}
	if s.First, b, ok = cutNumber(b[len(unit):]); !ok || len(b) == 0 || b[0] != '-' {
		return s, 0, false
	}
	if s.Last, b, ok = cutNumber(b[1:]); !ok || len(b) < 2 || b[0] != '/' {
		return s, 0, false
	}
	total = -1
	if string(b) != "/*" {
		if total, b, ok = cutNumber(b[1:]); !ok || len(b) > 0 || total <= s.Last {
			return s, 0, false
		}
	}
	return s, total, s.First <= s.Last && s.Last < tooFar
}

// takeRange makes what came as a 206 an incomplete 200 (RFC 9111 §3.3). It has to
// be one part whose place is known. What answers an If-Range may lack fields that
// the client has already (RFC 9110 §15.3.7), and can only be added to another
// entry (see Combine).
func (s *Stored) takeRange(q *Request, r *Response) Why {
	field, ok := r.Fields.Get(message.ContentRange)
	if r.Status != 206 {
		if ok {
			return BadRange
		}
		return Stores
	}
	span, total, valid := parseContentRange(field)
	if !valid || q.sees(message.IfRange) || r.Fields.Count(message.ContentRange) > 1 || r.Length >= 0 && r.Length != span.Len() {
		return BadRange
	}
	s.Status = 200
	s.Total = total
	s.Have = []Span{span}
	s.Partial = span.First > 0 || span.Last != total-1
	if !s.Partial {
		s.Have = nil
	}
	return Stores
}

// holds says whether all bytes of want are stored.
func (s *Stored) holds(want Span) bool {
	if !s.Partial {
		return true
	}
	for _, h := range s.Have {
		if h.First <= want.First && want.Last <= h.Last {
			return true
		}
	}
	return false
}
