package cache

import (
	"bytes"
	"unicode/utf8"
)

// bare reads a bare item (§4.2.3.1).
func (s *structured) bare() (item, bool) {
	if len(s.b) == 0 {
		return item{}, false
	}
	switch c := s.b[0]; {
	case c == '-' || isDigit(c):
		return s.number()
	case c == '"':
		s.cut(1)
		text, ok := s.quoted()
		return item{kind: stringItem, text: text}, ok
	case isAlpha(c) || c == '*':
		text := s.while(func(c byte) bool { return isTokenChar(c) || c == ':' || c == '/' })
		return item{kind: tokenItem, text: text}, true
	case c == ':':
		return s.byteSequence()
	case c == '?':
		if len(s.b) < 2 || s.b[1] != '0' && s.b[1] != '1' {
			return item{}, false
		}
		return item{kind: booleanItem, truth: s.cut(2)[1] == '1'}, true
	case c == '@':
		s.cut(1)
		i, ok := s.number()
		return item{kind: dateItem, number: i.number}, ok && i.kind == integerItem
	case c == '%':
		return s.display()
	}
	return item{}, false
}

// number reads an integer or a decimal (§4.2.4): at most 15 digits, or 12 before
// the point and 3 behind it.
func (s *structured) number() (item, bool) {
	sign := int64(1)
	if s.next('-') {
		sign = -1
	}
	digits := s.while(isDigit)
	if len(digits) == 0 || len(digits) > 15 {
		return item{}, false
	}
	if !s.next('.') {
		n := int64(0)
		for _, c := range digits {
			n = n*10 + int64(c-'0')
		}
		return item{kind: integerItem, number: sign * n}, true
	}
	behind := s.while(isDigit)
	return item{kind: decimalItem}, len(digits) <= 12 && 1 <= len(behind) && len(behind) <= 3
}

// quoted reads a string behind its opening quote (§4.2.5).
func (s *structured) quoted() ([]byte, bool) {
	for i := 0; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '\\':
			if i++; i == len(s.b) || s.b[i] != '"' && s.b[i] != '\\' {
				return nil, false
			}
		case c == '"':
			text := s.cut(i)
			s.cut(1)
			return text, true
		case c < ' ' || c > '~':
			return nil, false
		}
	}
	return nil, false
}

// byteSequence reads base64 between colons (§4.2.7). Padding may be missing.
func (s *structured) byteSequence() (item, bool) {
	s.cut(1)
	end := bytes.IndexByte(s.b, ':')
	if end < 0 {
		return item{}, false
	}
	text := s.cut(end)
	s.cut(1)
	digits := bytes.TrimRight(text, "=")
	padding := len(text) - len(digits)
	for _, c := range digits {
		if !isAlpha(c) && !isDigit(c) && c != '+' && c != '/' {
			return item{}, false
		}
	}
	ok := len(digits)%4 != 1 && (padding == 0 || padding <= 2 && len(text)%4 == 0)
	return item{kind: bytesItem, text: text}, ok
}

// display reads a display string (§4.2.10), whose percent-encoded bytes have to
// be UTF-8.
func (s *structured) display() (item, bool) {
	if len(s.b) < 2 || s.b[1] != '"' {
		return item{}, false
	}
	s.cut(2)
	var decoded []byte
	for len(s.b) > 0 {
		c := s.cut(1)[0]
		switch {
		case c < ' ' || c > '~':
			return item{}, false
		case c == '"':
			return item{kind: displayItem}, utf8.Valid(decoded)
		case c == '%':
			if len(s.b) < 2 {
				return item{}, false
			}
			high, ok1 := hexDigit(s.b[0])
			low, ok2 := hexDigit(s.b[1])
			if !ok1 || !ok2 {
				return item{}, false
			}
			c = high<<4 | low
			s.cut(2)
		}
		decoded = append(decoded, c)
	}
	return item{}, false
}

// hexDigit knows lower case only, as display strings are written.
func hexDigit(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
