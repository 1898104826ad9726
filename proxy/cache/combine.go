package cache

import (
	"slices"

	"proxylab/proxy/message"
)

// Cut is e as an incomplete response of which the first n bytes came before the
// connection broke (RFC 9111 §3.3); nil where that is of no use: nothing came, or
// nothing could be added to it for want of a strong validator.
func (e *Entry) Cut(n int64, p *Policy) *Entry {
	if n <= 0 || e.Status != 200 || !e.strong() {
		return nil
	}
	s := e.Stored
	if !s.Partial {
		s.Have, s.Partial = []Span{{0, n - 1}}, true
		return s.Entry(p)
	}
	s.Have = []Span{{s.Have[0].First, s.Have[0].First + n - 1}}
	return s.Entry(p)
}

// Sized is e with the length that its body turned out to have.
func (e *Entry) Sized(total int64, p *Policy) *Entry {
	s := e.Stored
	s.Total = total
	return s.Entry(p)
}

// combine adds the bytes of a 206 to those of e (RFC 9111 §3.4, RFC 9110
// §15.3.7.3). It returns nil where they are of another representation, as far as
// can be told, or may not be stored.
//
// The 206 proves that the representation is still e's, so the new entry is as
// fresh as after a 304.
func (u *updating) combine(e *Entry, r *Response) *Entry {
	field, _ := r.Fields.Get(message.ContentRange)
	at, total, ok := parseContentRange(field)
	if !ok || r.Fields.Count(message.ContentRange) > 1 || r.Length >= 0 && r.Length != at.Len() {
		return nil
	}
	if total >= 0 && e.Total >= 0 && total != e.Total || e.Total >= 0 && at.Last >= e.Total || e.Status != 200 {
		return nil
	}
	part := headOf(r, u.received)
	if same, _ := e.shares(part); !same || (part.tag == nil) != (e.tag == nil) {
		return nil
	}
	use, n := u.entry(e)
	if n == nil || !u.mayStore(use) {
		return nil
	}
	if !e.Partial {
		return n
	}
	s := n.Stored
	s.Total = max(s.Total, total)
	s.Have = unite(s.Have, at)
	if len(s.Have) == 1 && s.Have[0] == (Span{0, s.Total - 1}) {
		s.Have, s.Partial = nil, false
	}
	return s.Entry(u.p)
}

// unite adds a span to a sorted list of spans that do not touch.
func unite(have []Span, add Span) []Span {
	united := make([]Span, 0, len(have)+1)
	for _, h := range have {
		if h.Last+1 < add.First || add.Last+1 < h.First {
			united = append(united, h)
			continue
		}
		add = Span{min(h.First, add.First), max(h.Last, add.Last)}
	}
	united = append(united, add)
	slices.SortFunc(united, func(a, b Span) int { return int(min(max(a.First-b.First, -1), 1)) })
	return united
}
