package cache

import (
	"bytes"

	"proxylab/proxy/message"
)

// maxTags bounds the If-None-Match that is sent: entity tags of stored responses.
const maxTags = 8

// Replaced are the request fields that AppendConditions writes anew; the client's
// are not forwarded with it.
func (d *Decision) Replaced() message.NameSet {
	switch d.Outcome {
	case Validate:
		return forCaches
	case Complete:
		return message.SetOf(message.Range, message.IfRange)
	}
	return 0
}

// AppendConditions writes the fields that make a forwarded request a validation,
// or ask for what is missing (RFC 9111 §4.3.1).
func (d *Decision) AppendConditions(dst []byte, q *Request, variants []*Entry) []byte {
	switch d.Outcome {
	case Validate:
		return d.appendValidation(dst, q, variants)
	case Complete:
		return d.appendCompletion(dst)
	}
	return dst
}

// appendValidation asks whether what is stored is right still. The client's own
// tags stay in the list (§4.3.2), so that a 304 may also mean its copy.
func (d *Decision) appendValidation(dst []byte, q *Request, variants []*Entry) []byte {
	dst, n := appendOwnTags(dst, d, q, variants)
	for i := range q.Fields {
		f := &q.Fields[i]
		if f.Known != message.IfNoneMatch {
			continue
		}
		for t, rest := message.NextElement(f.Value); t != nil; t, rest = message.NextElement(rest) {
			if validTag(t) && !d.sends(t, q, variants) {
				dst = appendTag(dst, t, n)
				n++
			}
		}
	}
	if n > 0 {
		dst = append(dst, "\r\n"...)
	}
	if e := d.Entry; e != nil && e.isModified && !q.sees(message.Range) {
		dst = append(dst, "If-Modified-Since: "...)
		dst = append(dst, e.field(message.LastModified)...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

func appendOwnTags(dst []byte, d *Decision, q *Request, variants []*Entry) ([]byte, int) {
	n := 0
	d.eachTag(q, variants, func(tag []byte) {
		dst = appendTag(dst, tag, n)
		n++
	})
	return dst, n
}

func appendTag(dst, tag []byte, n int) []byte {
	if n == 0 {
		dst = append(dst, "If-None-Match: "...)
	} else {
		dst = append(dst, ", "...)
	}
	return append(dst, tag...)
}

// eachTag shows the entity tags that a validation nominates: that of the entry to
// validate, or where none fits those of all that are complete, of the same key
// and of a content coding for q, since one of them may be right for this request too.
func (d *Decision) eachTag(q *Request, variants []*Entry, see func(tag []byte)) {
	if d.Entry != nil {
		if d.Entry.tag != nil {
			see(d.Entry.tag)
		}
		return
	}
	n := 0
	for i, e := range variants {
		if !e.nominable(q) || n == maxTags || tagAmong(e.tag, variants[:i], q) {
			continue
		}
		see(e.tag)
		n++
	}
}

func (e *Entry) nominable(q *Request) bool {
	return e.Status == 200 && e.tag != nil && !e.Partial && bytes.Equal(e.Second, q.second) && e.codedFor(q)
}

// codedFor says whether e was made for the Accept-Encoding of q. nginx and httpd compare
// tags before they compress, so that to the tag of one coding they say 304 for another
// one too: who takes no gzip would get it.
func (e *Entry) codedFor(q *Request) bool {
	for i := range e.Vary {
		if e.Vary[i].known == message.AcceptEncoding && !e.Vary[i].matches(q) {
			return false
		}
	}
	return true
}

func tagAmong(tag []byte, variants []*Entry, q *Request) bool {
	for _, e := range variants {
		if e.nominable(q) && bytes.Equal(e.tag, tag) {
			return true
		}
	}
	return false
}

func hasTags(q *Request, variants []*Entry) bool {
	for _, e := range variants {
		if e.nominable(q) {
			return true
		}
	}
	return false
}

func (d *Decision) sends(tag []byte, q *Request, variants []*Entry) bool {
	found := false
	d.eachTag(q, variants, func(t []byte) { found = found || bytes.Equal(t, tag) })
	return found
}

// appendCompletion asks for the missing bytes, if the rest is of the same
// representation still.
func (d *Decision) appendCompletion(dst []byte) []byte {
	dst = append(dst, "Range: bytes="...)
	dst = appendInt(dst, d.Missing.First)
	dst = append(dst, '-')
	if d.Missing.Last >= 0 {
		dst = appendInt(dst, d.Missing.Last)
	}
	dst = append(dst, "\r\nIf-Range: "...)
	if d.Entry.tag != nil {
		dst = append(dst, d.Entry.tag...)
	} else {
		dst = append(dst, d.Entry.field(message.LastModified)...)
	}
	return append(dst, "\r\n"...)
}

// strong says whether e has a strong validator: an entity tag that is not weak,
// or without any tag a Last-Modified so far before Date that a second change in
// its second would have another one (RFC 9110 §8.8.2.2).
func (e *Entry) strong() bool {
	if e.tag != nil {
		return !isWeak(e.tag)
	}
	return e.strongDate()
}

func (e *Entry) strongDate() bool { return e.isModified && e.date-e.modified >= 1 }
