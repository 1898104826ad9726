package store

import (
	"bytes"
	"errors"
	"io"
	"os"
	"time"

	"proxylab/proxy/cache"
)

// Found is what Get and Load say of a key.
type Found uint8

// What may be found.
const (
	Absent Found = iota // nothing
	Ready               // what is stored is in Variants
	OnDisk              // Load may find something, and reads files for it
)

// Variants are the entries of one key, as they were when they were got. It is a
// place that is used again for the next key, without allocating; then its entries
// are others. Entries live until that, their bytes as long as anything points to
// them.
type Variants struct {
	Entries []*cache.Entry

	objects []*object // of Entries
	rooms   []*cache.Entry
}

// Clear lets go of what v has got.
func (v *Variants) Clear() {
	v.Entries = v.Entries[:0]
	clear(v.objects)
	v.objects = v.objects[:0]
}

// Get fills v with what is in memory under key. It reads no file and allocates
// nothing.
func (s *Store) Get(key []byte, v *Variants) Found {
	v.Clear()
	if o, ok := s.memory.GetIfPresent(s.hash(key)); ok && s.read(o, key, v) {
		s.counts.hits.Add(1)
		return Ready
	}
	if s.disk != nil && s.disk.mayHave(fileID(key)) {
		return OnDisk
	}
	s.counts.misses.Add(1)
	return Absent
}

// Load fills v with what the files have under key, and keeps it in memory. Bodies
// that are too large for that stay where they are.
func (s *Store) Load(key []byte, v *Variants) Found {
	hash := s.hash(key)
	lock := s.stripe(hash)
	lock.Lock()
	o := s.current(hash, key)
	lock.Unlock()
	v.Clear()
	if o != nil && s.read(o, key, v) {
		s.counts.loads.Add(1)
		return Ready
	}
	s.counts.misses.Add(1)
	return Absent
}

// current is the list of a key, from memory or else from its files. The stripe
// of the key is held.
func (s *Store) current(hash uint64, key []byte) *object {
	if o, ok := s.memory.GetIfPresent(hash); ok && o.is(key) {
		return o
	}
	if s.disk == nil {
		return nil
	}
	o := chain(s.disk.load(key))
	if o != nil {
		s.memory.Set(hash, o)
	}
	return o
}

// is says whether o is of that key. Two keys may have one hash.
func (o *object) is(key []byte) bool { return bytes.Equal(cache.RecordKey(o.record), key) }

// read makes entries of a list, but for what was purged.
func (s *Store) read(o *object, key []byte, v *Variants) bool {
	for ; o != nil; o = o.next {
		n := len(v.Entries)
		if n == len(v.rooms) {
			v.rooms = append(v.rooms, new(cache.Entry))
		}
		e := v.rooms[n]
		if !e.ReadRecord(o.record) || !bytes.Equal(e.Key, key) {
			return false
		}
		if !s.purges.pass(e) {
			continue
		}
		v.Entries = append(v.Entries, e)
		v.objects = append(v.objects, o)
	}
	return len(v.Entries) > 0
}

// OnDisk says whether the body of one of v's entries is in a file only, so that
// Body has to open that.
func (v *Variants) OnDisk(e *cache.Entry) bool {
	o := v.object(e)
	return o != nil && o.inFile()
}

func (v *Variants) object(e *cache.Entry) *object {
	for i := range v.Entries {
		if v.Entries[i] == e {
			return v.objects[i]
		}
	}
	return nil
}

// ErrGone says that a body is not there any more: its file was evicted, or was
// not as it had been written. The exchange then removes the key, and goes on as
// after a miss.
var ErrGone = errors.New("cache: the body is gone")

// ErrBusy says that as many files are open as may be. The exchange goes on as
// after a miss, and nothing is removed.
var ErrBusy = errors.New("cache: too many open files")

// Body is the stored bytes of an entry: in memory, or a part of a file that is
// shared with others. It is to be closed.
type Body struct {
	Bytes []byte
	File  *os.File // nil, or what has the bytes: for ReadAt, and sendfile with an offset of one's own
	At    int64    // where in File they begin
	Size  int64    // how many there are

	entry  *cache.Entry
	handle *handle
}

// Body opens the body of one of v's entries; of an entry that was made from it
// (Taken.Answer) it is Taken.Body's. The file of a large body is open from here
// on, so this comes before the first byte of the answer. The errors are ErrGone
// and ErrBusy.
func (s *Store) Body(v *Variants, e *cache.Entry) (Body, error) {
	o := v.object(e)
	if o == nil {
		return Body{}, ErrGone
	}
	return s.body(o, e)
}

// Opened is Body for who must not wait: it reads no file, and finds only what is in
// memory or has its file open. False is for any other.
func (s *Store) Opened(v *Variants, e *cache.Entry) (Body, bool) {
	o := v.object(e)
	switch {
	case o == nil:
		return Body{}, false
	case !o.inFile():
		b, err := s.body(o, e)
		return b, err == nil
	case s.disk == nil:
		return Body{}, false
	}
	h := s.disk.opened(o)
	if h == nil {
		return Body{}, false
	}
	return Body{File: h.file, At: h.at, Size: o.size, entry: e, handle: h}, true
}

func (s *Store) body(o *object, e *cache.Entry) (Body, error) {
	b := Body{Bytes: o.body, Size: o.size, entry: e}
	if !o.inFile() {
		return b, nil
	}
	if s.disk == nil {
		return Body{}, ErrGone
	}
	h, err := s.disk.open(o)
	if err != nil {
		return Body{}, err
	}
	b.handle, b.File, b.At = h, h.file, h.at
	return b, nil
}

// Close ends the use of b.
func (b *Body) Close() {
	if b.handle != nil {
		b.handle.release()
	}
	*b = Body{}
}

// Part is the bytes of a span of the representation, all of which are stored.
func (b *Body) Part(s cache.Span) Body {
	in, n := place(b.entry, b.Size, s.First)
	n = min(n, s.Len())
	if b.File != nil {
		return Body{File: b.File, At: b.At + in, Size: n}
	}
	return Body{Bytes: b.Bytes[in : in+n], Size: n}
}

// Resident says whether n bytes of File, from at on, are in the kernel's memory, so
// that sendfile does not wait for a disk. They lie within b, which was opened. ask is
// the kernel's answer for a range of a file, which is remembered for a tenth of a second.
func (b *Body) Resident(at, n int64, now time.Time, ask func(f *os.File, at, n int64) bool) bool {
	return b.handle != nil && b.handle.resident(at-b.At, n, now, ask)
}

// ReadAt reads from b as it is stored: the spans of a partial one stand behind
// one another.
func (b *Body) ReadAt(p []byte, off int64) (int, error) {
	if off >= b.Size {
		return 0, io.EOF
	}
	want := p[:min(int64(len(p)), b.Size-off)]
	n := len(want)
	if b.File == nil {
		copy(want, b.Bytes[off:])
	} else if n, err := b.File.ReadAt(want, b.At+off); err != nil {
		return n, err
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
