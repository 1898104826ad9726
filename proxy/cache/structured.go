package cache

import "proxylab/proxy/message"

// itemKind is the type of a bare item (RFC 9651 §3.3).
type itemKind uint8

const (
	integerItem itemKind = iota
	decimalItem
	stringItem
	tokenItem
	bytesItem
	booleanItem
	dateItem
	displayItem
	innerList
)

// item is the value of a dictionary's member. Its text points into the field;
// that of a string is still escaped.
type item struct {
	kind   itemKind
	number int64 // of an integer
	truth  bool  // of a boolean
	text   []byte
}

// dictionary reads a dictionary (RFC 9651 §4.2.2) and shows each member to see,
// in their order; a later one of the same key replaces an earlier one. It returns
// false when the field does not parse: then nothing of it may be used, so who
// calls reads it twice, or undoes what see did.
func dictionary(b []byte, see func(key []byte, value item)) bool {
	s := structured{b: b}
	s.skip(' ')
	for len(s.b) > 0 {
		key, ok := s.key()
		if !ok {
			return false
		}
		value := item{kind: booleanItem, truth: true}
		if s.next('=') {
			if value, ok = s.itemOrList(); !ok {
				return false
			}
		} else if !s.parameters() {
			return false
		}
		if see != nil {
			see(key, value)
		}
		if more, ok := s.comma(); !more {
			return ok
		}
	}
	return true
}

// structured is what is left of a field to parse.
type structured struct{ b []byte }

// comma goes to the next member. ok is false where something else stands, or
// nothing behind the comma.
func (s *structured) comma() (more, ok bool) {
	s.b = message.TrimOWS(s.b)
	if len(s.b) == 0 {
		return false, true
	}
	if !s.next(',') {
		return false, false
	}
	s.b = message.TrimOWS(s.b)
	return len(s.b) > 0, false
}

func (s *structured) skip(c byte) {
	for len(s.b) > 0 && s.b[0] == c {
		s.b = s.b[1:]
	}
}

// next passes over c if it is next.
func (s *structured) next(c byte) bool {
	if len(s.b) > 0 && s.b[0] == c {
		s.b = s.b[1:]
		return true
	}
	return false
}

func (s *structured) cut(n int) []byte {
	b := s.b[:n]
	s.b = s.b[n:]
	return b
}

// while cuts the bytes that is says yes to.
func (s *structured) while(is func(byte) bool) []byte {
	n := 0
	for n < len(s.b) && is(s.b[n]) {
		n++
	}
	return s.cut(n)
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isAlpha(c byte) bool { return isLower(c | 0x20) }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isKeyChar is RFC 9651 §3.1.2; a key begins with a letter or a star.
func isKeyChar(c byte) bool {
	return isLower(c) || isDigit(c) || c == '_' || c == '-' || c == '.' || c == '*'
}

// isTokenChar is tchar of RFC 9110 §5.6.2.
func isTokenChar(c byte) bool {
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return isAlpha(c) || isDigit(c)
}

func (s *structured) key() ([]byte, bool) {
	if len(s.b) == 0 || !isLower(s.b[0]) && s.b[0] != '*' {
		return nil, false
	}
	return s.while(isKeyChar), true
}

func (s *structured) itemOrList() (item, bool) {
	if len(s.b) > 0 && s.b[0] == '(' {
		return item{kind: innerList}, s.list()
	}
	i, ok := s.bare()
	return i, ok && s.parameters()
}

// list passes over an inner list (§4.2.1.2): no cache directive has one.
func (s *structured) list() bool {
	s.cut(1)
	for len(s.b) > 0 {
		s.skip(' ')
		if s.next(')') {
			return s.parameters()
		}
		if _, ok := s.bare(); !ok || !s.parameters() {
			return false
		}
		if len(s.b) == 0 || s.b[0] != ' ' && s.b[0] != ')' {
			return false
		}
	}
	return false
}

// parameters passes over parameters: those of directives are ignored (RFC 9213
// §2.1), but have to be well formed.
func (s *structured) parameters() bool {
	for s.next(';') {
		s.skip(' ')
		if _, ok := s.key(); !ok {
			return false
		}
		if s.next('=') {
			if _, ok := s.bare(); !ok {
				return false
			}
		}
	}
	return true
}
