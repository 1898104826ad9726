package cache

import (
	"bytes"

	"proxylab/proxy/message"
)

// makeBoundary chooses the boundary of a multipart/byteranges body. It has to be
// text that no part contains (RFC 2046 §5.1.1); what is stored is looked at by
// nobody, so it is made of the entry's moment, date and size: who writes the body
// cannot know it beforehand.
func (a *Answer) makeBoundary() {
	e := a.Entry
	h := uint64(e.Received.UnixNano())
	for _, v := range []uint64{uint64(e.date), uint64(e.Total), uint64(e.Requested.UnixNano())} {
		h = (h ^ v) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	a.boundary = append(a.boundary[:0], "proxylab-"...)
	for range 16 {
		a.boundary = append(a.boundary, "0123456789abcdef"[h&15])
		h >>= 4
	}
}

// AppendPart writes what precedes the bytes of Spans[i] in a body of several
// parts (RFC 9110 §14.6). Behind the last part follows AppendEnd.
func (a *Answer) AppendPart(dst []byte, i int) []byte {
	dst = append(dst, "\r\n--"...)
	dst = append(dst, a.boundary...)
	dst = append(dst, "\r\n"...)
	if t := a.Entry.field(message.ContentType); len(t) > 0 {
		dst = message.AppendField(dst, []byte("Content-Type"), t)
	}
	dst = append(dst, "Content-Range: bytes "...)
	dst = appendRange(dst, a.Spans[i], a.Entry.Total)
	return append(dst, "\r\n\r\n"...)
}

// AppendEnd writes what ends a body of several parts.
func (a *Answer) AppendEnd(dst []byte) []byte {
	dst = append(dst, "\r\n--"...)
	dst = append(dst, a.boundary...)
	return append(dst, "--\r\n"...)
}

// multipartLength is the length of the whole body of parts.
func (a *Answer) multipartLength() int64 {
	var room [512]byte
	n := int64(len(a.AppendEnd(room[:0])))
	for i, s := range a.Spans {
		n += int64(len(a.AppendPart(room[:0], i))) + s.Len()
	}
	return n
}

// Part is one part of a multipart/byteranges body.
type Part struct {
	Span  Span
	Total int64 // -1 where it is not told
	Bytes []byte
}

// Parts takes a multipart/byteranges body apart. It is strict: a body that is not
// whole, or has a part without a valid Content-Range of bytes or with another
// number of bytes than that says, has no parts at all (RFC 9110 §14.4).
func Parts(contentType, body []byte) (parts []Part, ok bool) {
	boundary, ok := boundaryOf(contentType)
	if !ok {
		return nil, false
	}
	delimiter := append([]byte("--"), boundary...)
	for bytes.HasPrefix(body, []byte("\r\n")) { // §14.6, note 1
		body = body[2:]
	}
	if !bytes.HasPrefix(body, delimiter) {
		return nil, false
	}
	body = body[len(delimiter):]
	delimiter = append([]byte("\r\n"), delimiter...)
	for {
		if bytes.HasPrefix(body, []byte("--")) {
			return parts, len(parts) > 0
		}
		line, rest, found := bytes.Cut(body, []byte("\r\n"))
		if !found || len(message.TrimOWS(line)) > 0 || len(parts) == maxSpans {
			return nil, false
		}
		part, n, valid := cutPart(rest)
		if !valid || !bytes.HasPrefix(rest[n:], delimiter) {
			return nil, false
		}
		parts = append(parts, part)
		body = rest[n+len(delimiter):]
	}
}

// cutPart reads the fields of a part, and as many bytes as they say.
func cutPart(b []byte) (p Part, n int, ok bool) {
	found := false
	for {
		end := bytes.Index(b[n:], []byte("\r\n"))
		if end < 0 {
			return p, 0, false
		}
		line := b[n : n+end]
		n += end + 2
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if message.NameOf(name) != message.ContentRange {
			continue
		}
		if found {
			return p, 0, false
		}
		if p.Span, p.Total, found = parseContentRange(message.TrimOWS(value)); !found {
			return p, 0, false
		}
	}
	if !found || p.Span.Len() > int64(len(b)-n) {
		return p, 0, false
	}
	p.Bytes = b[n : n+int(p.Span.Len())]
	return p, n + len(p.Bytes), true
}

// boundaryOf is the boundary parameter of multipart/byteranges, quoted or not.
func boundaryOf(contentType []byte) ([]byte, bool) {
	kind, rest, _ := bytes.Cut(contentType, []byte(";"))
	if !message.EqualFold(message.TrimOWS(kind), "multipart/byteranges") {
		return nil, false
	}
	for len(rest) > 0 {
		var parameter []byte
		parameter, rest, _ = bytes.Cut(rest, []byte(";"))
		name, value, found := bytes.Cut(message.TrimOWS(parameter), []byte("="))
		if !found || !message.EqualFold(name, "boundary") {
			continue
		}
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		return value, 1 <= len(value) && len(value) <= 70 && bytes.IndexByte(value, '"') < 0
	}
	return nil, false
}
