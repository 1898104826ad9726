package cache

import (
	"bytes"

	"proxylab/proxy/message"
)

// infinite stands for any number of seconds that is too large to count: over 68
// years (RFC 9111 §1.2.2).
const infinite = 1 << 31

// absent is the value of a directive of seconds that is not there; one that is
// there and makes no sense is 0 seconds.
const absent = -1

// word is a cache directive that something here obeys.
type word uint32

const (
	wordNoStore word = 1 << iota
	wordNoCache
	wordPrivate
	wordPublic
	wordMustRevalidate
	wordProxyRevalidate
	wordMustUnderstand
	wordImmutable
	wordOnlyIfCached
	wordMaxAge
	wordSMaxAge
	wordMaxStale
	wordMinFresh
	wordStaleWhileRevalidate
	wordStaleIfError
)

// wordOf looks a directive up, in any case of letters; 0 for an unknown one,
// which is ignored (RFC 9111 §5.2.3).
func wordOf(b []byte) word {
	if len(b) < len("public") || len(b) > len("stale-while-revalidate") {
		return 0
	}
	for _, w := range words[len(b)] {
		if message.EqualFold(b, w.name) {
			return w.word
		}
	}
	return 0
}

type namedWord struct {
	name string
	word word
}

// words has the directives of each length.
var words = func() (t [len("stale-while-revalidate") + 1][]namedWord) {
	for _, w := range []namedWord{
		{"no-store", wordNoStore}, {"no-cache", wordNoCache}, {"private", wordPrivate}, {"public", wordPublic},
		{"must-revalidate", wordMustRevalidate}, {"proxy-revalidate", wordProxyRevalidate},
		{"must-understand", wordMustUnderstand}, {"immutable", wordImmutable}, {"only-if-cached", wordOnlyIfCached},
		{"max-age", wordMaxAge}, {"s-maxage", wordSMaxAge}, {"max-stale", wordMaxStale}, {"min-fresh", wordMinFresh},
		{"stale-while-revalidate", wordStaleWhileRevalidate}, {"stale-if-error", wordStaleIfError},
	} {
		t[len(w.name)] = append(t[len(w.name)], w)
	}
	return t
}()

// seconds are the arguments of directives that take delta-seconds.
type seconds struct {
	maxAge, sMaxAge, maxStale, minFresh, whileRevalidate, ifError int64
}

// control is what the Cache-Control fields of a message say. Where a directive
// comes twice, the first counts, unless restriction is what it is about: then
// any does (RFC 9111 §4.2.1).
type control struct {
	has word
	seconds
	// Field names in the arguments of no-cache and private; the bits of has
	// stand for the directives without an argument. Where there are names, and no
	// such bit, only those fields are meant.
	noCacheNames, privateNames [][]byte
}

func (c *control) reset() {
	*c = control{
		seconds:      seconds{absent, absent, absent, absent, absent, absent},
		noCacheNames: c.noCacheNames[:0], privateNames: c.privateNames[:0],
	}
}

// add reads one Cache-Control field line.
func (c *control) add(value []byte) {
	for e, rest := message.NextElement(value); e != nil; e, rest = message.NextElement(rest) {
		n := 0
		for n < len(e) && isTokenChar(e[n]) {
			n++
		}
		w := wordOf(e[:n])
		if w == 0 {
			continue
		}
		if n == len(e) {
			c.say(w, nil, bare)
			continue
		}
		arg, form := argument(e[n:])
		c.say(w, arg, form)
	}
}

// form is how a directive was written.
type form uint8

const (
	bare      form = iota // no argument
	valued                // one, as token or quoted string
	malformed             // neither
)

// argument cuts the equals sign off, and the quotes. Anything else behind a
// directive's name is no argument, and the directive is malformed.
func argument(b []byte) (arg []byte, f form) {
	if b[0] != '=' || len(b) == 1 {
		return nil, malformed
	}
	b = b[1:]
	if b[0] == '"' {
		if len(b) < 2 || b[len(b)-1] != '"' || bytes.IndexByte(b[1:len(b)-1], '"') >= 0 || bytes.IndexByte(b, '\\') >= 0 {
			return nil, malformed // of what has quotes within, nothing here has a use
		}
		return b[1 : len(b)-1], valued
	}
	if !isToken(b) {
		return nil, malformed
	}
	return b, valued
}

// say takes a directive in. One that restricts counts however it is written, one
// that permits only as it has to be.
func (c *control) say(w word, arg []byte, f form) {
	switch w {
	case wordNoStore, wordMustRevalidate, wordProxyRevalidate, wordMustUnderstand, wordOnlyIfCached:
		c.has |= w
	case wordImmutable: // arguments have no meaning (RFC 8246 §2)
		c.has |= w
	case wordPublic:
		if f == bare {
			c.has |= w
		}
	case wordNoCache:
		c.names(w, &c.noCacheNames, arg, f)
	case wordPrivate:
		c.names(w, &c.privateNames, arg, f)
	default:
		if c.has&w == 0 {
			c.has |= w
			*c.slot(w) = delta(w, arg, f)
		}
	}
}

// delta reads the argument of a directive of seconds. What makes no sense is the
// number that asks for the freshest response (RFC 9111 §4.2.1).
func delta(w word, arg []byte, f form) int64 {
	if w == wordMaxStale && f == bare {
		return infinite // of any age (§5.2.1.2)
	}
	if n, ok := parseDelta(arg); ok && f == valued {
		return n
	}
	if w == wordMinFresh {
		return infinite
	}
	return 0
}

// names takes a qualified no-cache or private in. One that lists nothing, or
// what cannot be a field's name, is as if it were not qualified.
func (c *control) names(w word, to *[][]byte, arg []byte, f form) {
	if f != valued {
		c.has |= w
		return
	}
	listed := 0
	for e, rest := message.NextElement(arg); e != nil; e, rest = message.NextElement(rest) {
		if !isToken(e) {
			c.has |= w
			return
		}
		*to = append(*to, e)
		listed++
	}
	if listed == 0 {
		c.has |= w
	}
}

func (c *control) slot(w word) *int64 {
	switch w {
	case wordMaxAge:
		return &c.maxAge
	case wordSMaxAge:
		return &c.sMaxAge
	case wordMaxStale:
		return &c.maxStale
	case wordMinFresh:
		return &c.minFresh
	case wordStaleWhileRevalidate:
		return &c.whileRevalidate
	}
	return &c.ifError
}

// parseDelta reads delta-seconds. A number that is too large is infinite.
func parseDelta(b []byte) (n int64, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		if n < infinite {
			n = n*10 + int64(c-'0')
		}
	}
	return min(n, infinite), true
}

func isToken(b []byte) bool {
	for _, c := range b {
		if !isTokenChar(c) {
			return false
		}
	}
	return len(b) > 0
}
