package cache

import (
	"strconv"
	"time"

	"proxylab/proxy/message"
)

// Answer is how a stored response answers a request: 304, 206 or 416 instead of
// its own status where the request asks for that. It is reused for the next
// answer.
type Answer struct {
	Entry  *Entry
	Status int
	Spans  []Span          // of a 206: one or several; else the whole body, or none, is sent
	Length int64           // of the content in bytes; -1 where it is not known
	Except message.NameSet // stored fields that are not sent; the caller's, and stays

	age      int64 // seconds
	brief    bool  // of a 206: the client has the fields of the representation
	boundary []byte
}

// Body says whether content is sent: a HEAD gets none, a 304 has none.
func (a *Answer) Body(q *Request) bool {
	return q.kind != headMethod && a.Status != 304 && a.Status != 416 && a.Length != 0
}

// From makes a the answer of e to q.
func (a *Answer) From(e *Entry, q *Request, p *Policy, now time.Time) {
	a.Entry, a.Status, a.Length, a.Spans, a.brief, a.boundary = e, e.Status, e.Total, a.Spans[:0], false, a.boundary[:0]
	a.age = wholeSeconds(e.age(now))
	if e.Status != 200 || q.kind != getMethod && q.kind != headMethod {
		return
	}
	if q.seen&forCaches != 0 && e.notModified(q) {
		a.Status, a.Length = 304, 0
		return
	}
	if q.kind == getMethod && q.sees(message.Range) && e.Total != 0 && q.ifRange(e) {
		a.applyRange(q, p)
	}
}

// notModified evaluates If-None-Match, or else If-Modified-Since (RFC 9110
// §13.2.2, RFC 9111 §4.3.2). True means 304.
func (e *Entry) notModified(q *Request) bool {
	if q.sees(message.IfNoneMatch) {
		return e.noneMatch(q.Fields)
	}
	value, _ := q.Fields.Get(message.IfModifiedSince)
	if q.Fields.Count(message.IfModifiedSince) > 1 {
		return false
	}
	since, ok := message.ParseDate(value, e.Received.Unix())
	modified := e.modified
	if !e.isModified {
		modified = e.date
	}
	return ok && modified <= since
}

// noneMatch says whether one of the listed tags is that of e, by the weak
// comparison; a star is any.
func (e *Entry) noneMatch(fields message.Fields) bool {
	for i := range fields {
		if fields[i].Known != message.IfNoneMatch {
			continue
		}
		if string(fields[i].Value) == "*" {
			return true
		}
		for t, rest := message.NextElement(fields[i].Value); t != nil; t, rest = message.NextElement(rest) {
			if e.tag != nil && validTag(t) && sameWeakly(t, e.tag) {
				return true
			}
		}
	}
	return false
}

// ifRange says whether Range counts: there is no If-Range, or it names exactly e,
// by a strong validator (RFC 9110 §13.1.5).
func (q *Request) ifRange(e *Entry) bool {
	if !q.sees(message.IfRange) {
		return true
	}
	value, _ := q.Fields.Get(message.IfRange)
	if q.Fields.Count(message.IfRange) > 1 {
		return false
	}
	if validTag(value) {
		return e.tag != nil && sameStrongly(value, e.tag)
	}
	date, ok := message.ParseDate(value, e.Received.Unix())
	return ok && e.strongDate() && date == e.modified
}

// applyRange makes a 206 or a 416 of it, or leaves it a 200 where Range is to be
// ignored (RFC 9110 §14.2): another unit, not valid, too many ranges, or ranges
// that together are no less than the whole.
func (a *Answer) applyRange(q *Request, p *Policy) {
	e := a.Entry
	field, _ := q.Fields.Get(message.Range)
	if q.Fields.Count(message.Range) > 1 {
		return
	}
	if e.Partial {
		if span, ok := q.oneRange(e); ok && e.holds(span) {
			a.Spans = append(a.Spans, span)
			a.partial(q)
		}
		return
	}
	if e.Total < 0 { // it comes as it is read
		return
	}
	specs, sum := 0, int64(0)
	valid := parseRange(field, func(s Span) {
		if specs++; specs > maxSpans {
			return
		}
		if in, ok := s.within(e.Total); ok {
			a.Spans = append(a.Spans, in)
			sum += in.Len()
		}
	})
	switch {
	case !valid || specs > min(p.maxRanges(), maxSpans):
		a.Spans = a.Spans[:0]
	case len(a.Spans) == 0:
		a.Status, a.Length = 416, 0
	case specs > 1 && sum >= e.Total:
		a.Spans = a.Spans[:0]
	default:
		a.coalesce()
		a.partial(q)
	}
}

// minGap is about what a part costs beside its bytes.
const minGap = 80

// coalesce unites ranges that overlap, or lie so close that the bytes between
// them are less than what another part costs, in the order of the first of them
// (RFC 9110 §15.3.7.2).
func (a *Answer) coalesce() {
	for i := 0; i < len(a.Spans); i++ {
		for j := i + 1; j < len(a.Spans); {
			s, o := a.Spans[i], a.Spans[j]
			united := Span{min(s.First, o.First), max(s.Last, o.Last)}
			if o.First > s.Last+minGap || s.First > o.Last+minGap {
				j++
				continue
			}
			a.Spans[i] = united
			a.Spans = append(a.Spans[:j], a.Spans[j+1:]...)
			j = i + 1
		}
	}
}

// partial makes it a 206 of Spans.
func (a *Answer) partial(q *Request) {
	a.Status = 206
	a.brief = q.sees(message.IfRange)
	a.Length = a.Spans[0].Len()
	if len(a.Spans) > 1 {
		a.makeBoundary()
		a.Length = a.multipartLength()
	}
}

// briefly are the representation fields that a client which sent If-Range has
// already (RFC 9110 §15.3.7).
var briefly = message.SetOf(message.ContentEncoding, message.ContentLanguage, message.LastModified)

// in304 are the fields that a 304 has (RFC 9110 §15.4.5); Last-Modified where
// there is no ETag.
var in304 = message.SetOf(message.ContentLocation, message.Date, message.ETag, message.Vary, message.CacheControl,
	message.CDNCacheControl, message.Expires, message.CacheStatus, message.Via)

// AppendFields writes the fields of the answer: those stored, Age (RFC 9111 §4),
// and what tells of the content. Fields of the connection are up to the caller,
// and so are Via and Cache-Status.
func (a *Answer) AppendFields(dst []byte) []byte {
	e := a.Entry
	for i := range e.Fields {
		f := &e.Fields[i]
		if !a.leavesOut(f) {
			dst = message.AppendField(dst, f.Name, f.Value)
		}
	}
	dst = append(dst, "Age: "...)
	dst = appendInt(dst, a.age)
	dst = append(dst, "\r\n"...)
	return a.appendContent(dst)
}

func (a *Answer) leavesOut(f *message.Field) bool {
	if a.Except.Has(f.Known) {
		return true
	}
	switch a.Status {
	case 304:
		return !in304.Has(f.Known) && !(f.Known == message.LastModified && a.Entry.tag == nil)
	case 206:
		return a.brief && briefly.Has(f.Known) || len(a.Spans) > 1 && f.Known == message.ContentType
	case 416:
		return f.Known == message.ContentType || briefly.Has(f.Known) || f.Known == message.ETag
	}
	return false
}

// appendContent writes Content-Length, and what a 206 and a 416 need.
func (a *Answer) appendContent(dst []byte) []byte {
	switch {
	case a.Status == 206 && len(a.Spans) == 1:
		dst = append(dst, "Content-Range: bytes "...)
		dst = appendRange(dst, a.Spans[0], a.Entry.Total)
		dst = append(dst, "\r\n"...)
	case a.Status == 206:
		dst = append(dst, "Content-Type: multipart/byteranges; boundary="...)
		dst = append(dst, a.boundary...)
		dst = append(dst, "\r\n"...)
	case a.Status == 416:
		dst = append(dst, "Content-Range: bytes */"...)
		dst = appendInt(dst, a.Entry.Total)
		dst = append(dst, "\r\n"...)
	}
	if a.Status == 304 || a.Status == 204 || a.Length < 0 {
		return dst
	}
	dst = append(dst, "Content-Length: "...)
	dst = appendInt(dst, a.Length)
	return append(dst, "\r\n"...)
}

// appendRange writes first-last/total; a star where the total is not known.
func appendRange(dst []byte, s Span, total int64) []byte {
	dst = appendInt(dst, s.First)
	dst = append(dst, '-')
	dst = appendInt(dst, s.Last)
	dst = append(dst, '/')
	if total < 0 {
		return append(dst, '*')
	}
	return appendInt(dst, total)
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
