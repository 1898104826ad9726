package cache

import (
	"bytes"
	"encoding/binary"
	"time"

	"proxylab/proxy/message"
)

// recordVersion changes with what a record holds and with what of it is
// normalised: a record of another version is none.
const recordVersion = 1

// Marks of a record.
const (
	markSaid = 1 << iota
	markPartial
	markInvalid
	markNoCache
	markNoStale
	markImmutable
	markModified
	markPath // the path stands in the key
)

// AppendRecord writes e as one run of bytes, which is how a store keeps it: a
// fifth of the memory, and nothing in it for the garbage collector to follow.
// ReadRecord and RestoreRecord read it.
//
//	version, marks             a byte each
//	key, second, path          each with its length; for a path in the key its place and length
//	status … total             numbers, of varying length
//	what follows from these    likewise, so that a hit has nothing to work out
//	Have, Vary, Fields         each with its count
func (e *Entry) AppendRecord(dst []byte) []byte {
	at := pathInKey(e.Key, e.Path)
	dst = append(dst, recordVersion, e.marks(at >= 0))
	dst = appendBytes(dst, e.Key)
	dst = appendBytes(dst, e.Second)
	if at >= 0 {
		dst = binary.AppendUvarint(dst, uint64(at))
		dst = binary.AppendUvarint(dst, uint64(len(e.Path)))
	} else {
		dst = appendBytes(dst, e.Path)
	}
	for _, n := range [...]int64{
		int64(e.Status), e.Age, nanos(e.Requested), nanos(e.Received) - nanos(e.Requested), e.Total,
		int64(e.lifetime), int64(e.firstAge), int64(e.whileFresh), int64(e.ifError), e.date, e.modified,
	} {
		dst = binary.AppendVarint(dst, n)
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.Have)))
	for _, h := range e.Have {
		dst = binary.AppendUvarint(dst, uint64(h.First))
		dst = binary.AppendUvarint(dst, uint64(h.Last))
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.Vary)))
	for i := range e.Vary {
		dst = e.Vary[i].appendRecord(dst)
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.Fields)))
	tagged := e.tag == nil
	for i := range e.Fields {
		f := &e.Fields[i]
		tag := !tagged && f.Known == message.ETag && bytes.Equal(f.Value, e.tag)
		tagged = tagged || tag
		dst = append(dst, byte(f.Known), mark(tag))
		dst = appendBytes(dst, f.Name)
		dst = appendBytes(dst, f.Value)
	}
	return dst
}

// ReadRecord makes e what was written by AppendRecord in this process: Known
// names and all that follows from a Stored are taken as they stand. e points
// into b then, and reuses its own lists: it is a place to read into, and lives
// until it is read into again. Nothing is allocated for complete responses. False
// is for what is no record.
func (e *Entry) ReadRecord(b []byte) bool {
	fields, vary := e.Fields[:0], e.Vary[:0]
	*e = Entry{}
	r := reader{rest: b, ok: true}
	if r.byte() != recordVersion {
		return false
	}
	path := e.setMarks(r.byte())
	e.Key, e.Second = r.bytes(), r.bytes()
	if path {
		e.Path = r.within(e.Key)
	} else {
		e.Path = r.bytes()
	}
	e.Status, e.Age = int(r.number()), r.number()
	requested := r.number()
	e.Requested, e.Received = moment(requested), moment(requested+r.number())
	e.Total = r.number()
	e.lifetime, e.firstAge = time.Duration(r.number()), time.Duration(r.number())
	e.whileFresh, e.ifError = time.Duration(r.number()), time.Duration(r.number())
	e.date, e.modified = r.number(), r.number()
	for n := r.count(2); n > 0; n-- {
		e.Have = append(e.Have, Span{int64(r.size()), int64(r.size())})
	}
	for n := r.count(4); n > 0; n-- {
		vary = append(vary, r.nominated())
	}
	for n := r.count(4); n > 0; n-- {
		f := message.Field{Known: message.Name(r.byte())}
		tag := r.byte() != 0
		f.Name, f.Value = r.bytes(), r.bytes()
		if tag {
			e.tag = f.Value
		}
		fields = append(fields, f)
	}
	e.Fields, e.Vary = fields, vary
	return r.ok && len(r.rest) == 0
}

// RestoreRecord is an entry that AppendRecord wrote, maybe in another process
// that had another Policy: what follows from a Stored is worked out anew. nil is
// for what is no record. The entry points into b.
func RestoreRecord(b []byte, p *Policy) *Entry {
	var e Entry
	if !e.ReadRecord(b) || !e.plausible() {
		return nil
	}
	for i := range e.Fields {
		e.Fields[i].Known = message.NameOf(e.Fields[i].Name)
	}
	for i := range e.Vary {
		e.Vary[i].known = message.NameOf(e.Vary[i].Name)
	}
	return e.Stored.Entry(p)
}

// plausible says whether the numbers of e could be those of a response.
func (e *Entry) plausible() bool {
	if e.Status < 200 || e.Status > 999 || e.Total < -1 || e.Age < 0 || len(e.Key) == 0 || e.Partial != (len(e.Have) > 0) {
		return false
	}
	next := int64(0)
	for _, h := range e.Have {
		if h.First < next || h.Last < h.First || h.Last >= tooFar || e.Total >= 0 && h.Last >= e.Total {
			return false
		}
		next = h.Last + 1
	}
	return true
}

func (e *Entry) marks(path bool) byte {
	return mark(e.Said)*markSaid | mark(e.Partial)*markPartial | mark(e.Invalid)*markInvalid | mark(e.noCache)*markNoCache |
		mark(e.noStale)*markNoStale | mark(e.immutable)*markImmutable | mark(e.isModified)*markModified | mark(path)*markPath
}

func (e *Entry) setMarks(m byte) (path bool) {
	e.Said, e.Partial, e.Invalid = m&markSaid != 0, m&markPartial != 0, m&markInvalid != 0
	e.noCache, e.noStale, e.immutable = m&markNoCache != 0, m&markNoStale != 0, m&markImmutable != 0
	e.isModified = m&markModified != 0
	return m&markPath != 0
}

func mark(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (n *Nominated) appendRecord(dst []byte) []byte {
	dst = append(dst, byte(n.known), mark(n.plain != nil))
	dst = binary.AppendUvarint(dst, uint64(n.Lines))
	dst = appendBytes(dst, n.Name)
	dst = appendBytes(dst, n.Value)
	if n.plain != nil {
		dst = appendBytes(dst, n.plain)
	}
	return dst
}

func (r *reader) nominated() Nominated {
	n := Nominated{known: message.Name(r.byte())}
	plain := r.byte() != 0
	n.Lines = int(r.size())
	n.Name, n.Value = r.bytes(), r.bytes()
	if plain {
		n.plain = r.bytes()
	}
	return n
}

// pathInKey is where path stands in key: behind the scheme and the authority,
// neither of which has a slash. -1 where it does not.
func pathInKey(key, path []byte) int {
	const scheme = len("http://")
	if len(key) < scheme || len(path) == 0 {
		return -1
	}
	at := bytes.IndexByte(key[scheme:], '/')
	if at < 0 || !bytes.HasPrefix(key[scheme+at:], path) {
		return -1
	}
	return scheme + at
}

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// nanos and moment keep the zero time, which no count of nanoseconds stands for.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func moment(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

// reader takes a record apart. After the first thing that is not as it should be
// ok is false and everything is empty.
type reader struct {
	rest []byte
	ok   bool
}

func (r *reader) fail() { r.rest, r.ok = nil, false }

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

// number may be negative. Most have one byte.
func (r *reader) number() int64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 {
		n := int64(r.rest[0])
		r.rest = r.rest[1:]
		return n>>1 ^ -(n & 1)
	}
	n, w := binary.Varint(r.rest)
	if w <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[w:]
	return n
}

// size is a number that is not negative. Most have one byte.
func (r *reader) size() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 {
		n := uint64(r.rest[0])
		r.rest = r.rest[1:]
		return n
	}
	n, w := binary.Uvarint(r.rest)
	if w <= 0 || n > tooFar {
		r.fail()
		return 0
	}
	r.rest = r.rest[w:]
	return n
}

// count is a number of things that have so many bytes each at least.
func (r *reader) count(least int) int {
	n := r.size()
	if n > uint64(len(r.rest)/least) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) bytes() []byte {
	n := r.size()
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// within is a part of b that is given by its place and length.
func (r *reader) within(b []byte) []byte {
	at, n := r.size(), r.size()
	if at > uint64(len(b)) || n > uint64(len(b))-at {
		r.fail()
		return nil
	}
	return b[at : at+n : at+n]
}

// RecordKey is the key of the entry that a record is of; nil for what is none.
func RecordKey(b []byte) []byte {
	r := reader{rest: b, ok: true}
	if r.byte() != recordVersion {
		return nil
	}
	r.byte()
	return r.bytes()
}
