package cache

import (
	"bytes"

	"proxylab/proxy/message"
)

// weighted is an element of Accept-Encoding or Accept-Language: what is meant,
// and how much of a thousand it is wanted (RFC 9110 §12.4.2).
type weighted struct {
	text   []byte
	weight int
}

// order is how elements may be arranged anew without another meaning.
type order uint8

const (
	// codings: nothing but the weights says what is preferred, so the elements
	// are sorted by name (RFC 9110 §12.5.3).
	codings order = iota
	// languages: some recipients take the order of equal weights for a preference
	// (§12.5.4), so only different weights are sorted.
	languages
)

// maxWeighted bounds what is normalised; longer lists are compared as they are.
const maxWeighted = 24

// normalWeighted brings dst[from:] into one form that all lists of the same
// meaning have: letters in lower case, no spaces, weights without needless
// digits, elements in order. A list that does not parse stays as it is: nothing
// is known of its meaning.
func normalWeighted(dst []byte, from int, o order) []byte {
	var room [maxWeighted]weighted
	list, ok := parseWeighted(room[:0], dst[from:])
	if !ok {
		return dst
	}
	if o == codings {
		for i, w := range list { // two names of one coding (RFC 9110 §8.4.1)
			if message.EqualFold(w.text, "x-gzip") || message.EqualFold(w.text, "x-compress") {
				list[i].text = w.text[2:]
			}
		}
	}
	for i := 1; i < len(list); i++ { // by insertion, which is stable
		for j := i; j > 0 && o.before(list[j], list[j-1]); j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	// The elements point into dst[from:], so they are written behind it first.
	to := len(dst)
	for i, w := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		for _, c := range w.text {
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			dst = append(dst, c)
		}
		dst = appendWeight(dst, w.weight)
	}
	return append(dst[:from], dst[to:]...)
}

func (o order) before(a, b weighted) bool {
	if o == languages {
		return a.weight > b.weight
	}
	if c := compareFold(a.text, b.text); c != 0 {
		return c < 0
	}
	return a.weight > b.weight
}

func compareFold(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if x, y := a[i]|0x20, b[i]|0x20; x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

func appendWeight(dst []byte, w int) []byte {
	if w == 1000 {
		return dst
	}
	return append(dst, ';', byte('0'+w/100), byte('0'+w/10%10), byte('0'+w%10))
}

// parseWeighted reads #( token [ weight ] ) into list, whose capacity bounds it.
func parseWeighted(list []weighted, b []byte) ([]weighted, bool) {
	for e, rest := message.NextElement(b); e != nil; e, rest = message.NextElement(rest) {
		text, parameter, has := bytes.Cut(e, []byte(";"))
		w := weighted{message.TrimOWS(text), 1000}
		ok := true
		if has {
			w.weight, ok = parseWeight(message.TrimOWS(parameter))
		}
		if !ok || !isToken(w.text) || len(list) == cap(list) {
			return nil, false
		}
		list = append(list, w)
	}
	return list, true
}

// parseWeight reads q=0.123 as thousandths.
func parseWeight(b []byte) (int, bool) {
	if len(b) < 3 || len(b) > len("q=0.000") || b[0]|0x20 != 'q' || b[1] != '=' || b[2] != '0' && b[2] != '1' {
		return 0, false
	}
	w, unit := int(b[2]-'0')*1000, 100
	for i, c := range b[3:] {
		if i == 0 {
			if c != '.' {
				return 0, false
			}
			continue
		}
		if !isDigit(c) {
			return 0, false
		}
		w += int(c-'0') * unit
		unit /= 10
	}
	return w, w <= 1000
}

// normalList removes the whitespace around the elements of a list and the empty
// ones. It writes over what it reads.
func normalList(dst []byte, from int) []byte {
	list, to := dst[from:], from
	for e, rest := message.NextElement(list); e != nil; e, rest = message.NextElement(rest) {
		if to > from {
			dst[to] = ','
			to++
		}
		to += copy(dst[to:], e)
	}
	return dst[:to]
}

// rank says how much q wants the representation e, among several that fit: by
// Accept-Encoding and Accept-Language, where Vary nominates them.
func (e *Entry) rank(q *Request) int {
	rank := 0
	for i := range e.Vary {
		switch e.Vary[i].known {
		case message.AcceptEncoding:
			rank += weightOf(q, message.AcceptEncoding, e.field(message.ContentEncoding), "identity")
		case message.AcceptLanguage:
			rank += weightOf(q, message.AcceptLanguage, e.field(message.ContentLanguage), "")
		}
	}
	return rank
}

// weightOf is the weight of what in q's lists of that name, in thousandths; a
// list without it may have a star, and a language range covers what is narrower.
func weightOf(q *Request, name message.Name, what []byte, none string) int {
	if len(what) == 0 {
		what = []byte(none)
	}
	best, star := -1, -1
	var room [maxWeighted]weighted
	for i := range q.Fields {
		if q.Fields[i].Known != name {
			continue
		}
		list, _ := parseWeighted(room[:0], q.Fields[i].Value)
		for _, w := range list {
			switch {
			case string(w.text) == "*":
				star = max(star, w.weight)
			case covers(w.text, what):
				best = max(best, w.weight)
			}
		}
	}
	if best < 0 {
		best = star
	}
	return max(best, 0)
}

// covers says whether a range is the tag or a prefix of it (RFC 4647 §3.3.1).
func covers(r, tag []byte) bool {
	return len(r) <= len(tag) && (len(r) == len(tag) || tag[len(r)] == '-') && compareFold(r, tag[:len(r)]) == 0
}
