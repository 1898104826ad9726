package message

import "bytes"

// NextElement cuts the first element off a list value (RFC 9110 §5.6.1). Empty
// elements are passed over, as that section asks of a recipient. A comma within
// a quoted string is none.
//
//	for e, rest := NextElement(value); e != nil; e, rest = NextElement(rest) { … }
//
// elem is nil at the end of the list.
func NextElement(list []byte) (elem, rest []byte) {
	for len(list) > 0 {
		end := elementEnd(list)
		elem = TrimOWS(list[:end])
		list = list[min(end+1, len(list)):]
		if len(elem) > 0 {
			return elem, list
		}
	}
	return nil, nil
}

func elementEnd(list []byte) int {
	if bytes.IndexByte(list, '"') < 0 {
		if i := bytes.IndexByte(list, ','); i >= 0 {
			return i
		}
		return len(list)
	}
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return i
		}
	}
	return len(list)
}

// TrimOWS removes spaces and tabs from both ends (RFC 9110 §5.6.3).
func TrimOWS(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}
