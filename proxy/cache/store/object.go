package store

import (
	"bytes"
	"math"

	"proxylab/proxy/cache"
)

// An object is a stored response: the record of its entry and its body. Those of
// one key are a list, the oldest last. Neither is ever changed: another list takes
// the place of the old one, whose readers go on with it.
type object struct {
	record []byte
	body   []byte // its bytes, span behind span; nil where only the file has it
	size   int64  // of the body
	sum    uint64 // of the body, where only the file has it: another one may have taken its place
	id     uint64 // of its file; the lowest bits are its slot among the objects of the key
	next   *object
}

// overhead is about what an object costs beside its bytes: itself, its node in
// otter, its share of the hash table, and what is lost to rounding.
const overhead = 192

// weight is in bytes, of the whole list.
func (o *object) weight() uint32 {
	n := 0
	for ; o != nil; o = o.next {
		n += overhead + cap(o.record) + cap(o.body)
	}
	return uint32(min(n, math.MaxUint32))
}

func (o *object) inFile() bool { return o.body == nil && o.size > 0 }

// list is o and those behind it.
func (o *object) list() (l []*object) {
	for ; o != nil; o = o.next {
		l = append(l, o)
	}
	return l
}

// chain makes new objects of the old ones, as one list.
func chain(l []*object) (first *object) {
	for i := len(l) - 1; i >= 0; i-- {
		c := *l[i]
		c.next = first
		first = &c
	}
	return first
}

// record of an entry, without room behind it.
func record(e *cache.Entry) []byte {
	return bytes.Clone(e.AppendRecord(make([]byte, 0, 512)))
}

// place is where the byte at the given position of the representation stands in
// the body of e, and how many bytes follow it there without a gap; 0 for none.
func place(e *cache.Entry, size, at int64) (in, n int64) {
	if !e.Partial {
		return at, max(0, size-at)
	}
	for _, h := range e.Have {
		if h.First <= at && at <= h.Last {
			in += at - h.First
			return in, h.Last - at + 1
		}
		in += h.Len()
	}
	return 0, 0
}

// sizeOf is how many bytes the body of e has; -1 where that is not known.
func sizeOf(e *cache.Entry) int64 {
	if !e.Partial {
		return e.Total
	}
	n := int64(0)
	for _, h := range e.Have {
		n += h.Len()
	}
	return n
}
