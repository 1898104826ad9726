package http1

import "encoding/binary"

// What a byte may be part of.
const (
	inToken  = 1 << iota // tchar, RFC 9110 §5.6.2
	inPath               // of a request target
	inQuery              // of a request target
	inHost               // of a name in the DNS, and the underscore that some have
	isHexDig             // HEXDIG, in both cases
)

// class says of each byte what it may be part of.
//
// A path or query is of visible ASCII. That is wider than RFC 3986, since
// browsers send | { } ^ and others as they are, but leaves out what delimits a
// URI elsewhere (# " < >); and a path has no backslash, which some servers take
// for a slash.
var class = func() (t [256]uint8) {
	for c := '!'; c <= '~'; c++ {
		t[c] |= inPath | inQuery
	}
	for _, c := range `#"<>` {
		t[c] &^= inPath | inQuery
	}
	t['\\'] &^= inPath
	for c := '0'; c <= '9'; c++ {
		t[c] |= inToken | inHost | isHexDig
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] |= inToken | inHost
		t[c-0x20] |= inToken | inHost
	}
	for c := 'a'; c <= 'f'; c++ {
		t[c] |= isHexDig
		t[c-0x20] |= isHexDig
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] |= inToken
	}
	for _, c := range "-._" {
		t[c] |= inHost
	}
	return t
}()

// all says whether each byte of b is of that class.
func all(b []byte, in uint8) bool {
	for _, c := range b {
		if class[c]&in == 0 {
			return false
		}
	}
	return true
}

func isToken(b []byte) bool { return len(b) > 0 && all(b, inToken) }

// hasControl says whether a field value has a byte that it must not have:
// anything below space other than a tab, or DEL (RFC 9110 §5.5). It looks at
// eight bytes at a time: in x-0x2020… a byte below 0x20 borrows into its top
// bit, in x^0x7f7f… a DEL becomes zero. Either finding is gone over byte by
// byte, since borrows and tabs can raise it too.
func hasControl(b []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		del := x ^ 0x7f*ones
		if ((x-0x20*ones)&^x|(del-ones)&^del)&tops != 0 && hasControlByte(b[:8]) {
			return true
		}
		b = b[8:]
	}
	return hasControlByte(b)
}

func hasControlByte(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// escapesValid says whether each percent sign of b begins two hex digits.
func escapesValid(b []byte) bool {
	for i := 0; i < len(b); i++ {
		if b[i] != '%' {
			continue
		}
		if i+2 >= len(b) || class[b[i+1]]&isHexDig == 0 || class[b[i+2]]&isHexDig == 0 {
			return false
		}
	}
	return true
}
