package store

import (
	"errors"
	"io"
	"sync"

	"proxylab/proxy/cache"
)

// A Fill takes the content of a response while it comes. Its writer never waits
// for anybody; readers follow as fast as they can (see Follow). What came is in
// memory up to Options.Object bytes, and in a file beyond that, or where all that
// are coming together have a fourth of Options.Memory.
//
// Nothing can be found in the store before Commit.
type Fill struct {
	Entry *cache.Entry // as the head of the response had it

	s     *Store
	first int64   // place of the content in the representation
	old   *object // whose bytes complete it, for a 206

	mu       sync.Mutex
	buf      []byte // all that came, until there is a file
	temp     *temp  // nil until then
	kept     int64  // bytes that readers find in it; the others are in tail
	tail     []byte // as temp has it
	n        int64  // bytes that came
	counted  int64  // of Store.coming
	reserved int64  // of that, for what is still to come
	err      error  // io.EOF after Commit, and what broke it off else; nil while it goes on
	readers  map[*Reader]struct{}
	passing  *passing // what came after it proved too large; nil until then

	committing bool // err will be what Commit says
	full       bool // there was no room; of the writer
}

// Errors of a Fill.
var (
	// ErrTooLarge says that there is no room for a content of this length: it is
	// not stored. Its readers can have the rest all the same (Pass).
	ErrTooLarge = errors.New("cache: the content is too large to be stored")
	// ErrAborted is for readers of a content that broke off.
	ErrAborted = errors.New("cache: the content broke off")
)

func (s *Store) fill(e *cache.Entry, first int64, old *object) *Fill {
	return &Fill{Entry: e, s: s, first: first, old: old, readers: map[*Reader]struct{}{}}
}

// Reserve makes sure, before the first byte, that there is room for all n that will
// come. Without it a content that does not fit into memory any more breaks off for
// those who follow it, where no file can take it. False is for no room.
func (f *Fill) Reserve(n int64) bool {
	if f.s.disk != nil || n <= 0 {
		return true
	}
	if !f.fits(n) {
		f.s.counts.tooLarge.Add(1)
		return false
	}
	f.reserved = n
	return true
}

// Write adds to the content. It copies p. After ErrTooLarge, of which nothing was
// added, nothing is stored, and further calls return it again: what is left is to
// Pass it, or to Abort. One goroutine writes, and calls Commit.
func (f *Fill) Write(p []byte) (int, error) {
	if err := f.ended(); err != nil {
		return 0, err
	}
	if f.full {
		return 0, ErrTooLarge
	}
	if err := f.add(p); err != nil {
		f.full = true
		return 0, err
	}
	return len(p), nil
}

// add brings p to where readers find it. A file is written to without f.mu, which
// they need: nobody else changes temp and buf.
func (f *Fill) add(p []byte) error {
	if f.temp == nil && !f.fits(int64(len(p))) {
		if err := f.spill(); err != nil {
			f.s.counts.tooLarge.Add(1)
			return ErrTooLarge
		}
	}
	if f.temp != nil {
		if err := f.temp.write(p); err != nil {
			f.s.disk.failed(err)
			return ErrTooLarge
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.temp == nil {
		if f.buf == nil {
			f.buf = make([]byte, 0, min(max(f.Entry.Total, int64(len(p))), 16<<10))
		}
		f.buf = append(f.buf, p...)
	} else {
		f.kept, f.tail = f.temp.kept, f.temp.tail
	}
	f.n += int64(len(p))
	f.wake()
	return nil
}

// fits says whether n more bytes may be in memory: of this content, and of all
// that are coming together.
func (f *Fill) fits(n int64) bool {
	if f.n+n <= f.reserved {
		return true
	}
	if f.n+n > f.s.o.Object {
		return false
	}
	if f.s.coming.Add(n) > f.s.o.Memory/4 {
		f.s.coming.Add(-n)
		return false
	}
	f.counted += n
	return true
}

// spill moves what came to a file. Readers may still have the bytes in memory.
func (f *Fill) spill() error {
	if f.s.disk == nil {
		return ErrTooLarge
	}
	t, err := f.s.disk.newTemp(len(record(f.Entry)))
	if err != nil {
		return err
	}
	if err := t.write(f.buf); err != nil {
		f.s.disk.failed(err)
		t.drop()
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.temp, f.buf = t, nil
	f.kept, f.tail = t.kept, t.tail
	f.uncount()
	return nil
}

func (f *Fill) uncount() {
	f.s.coming.Add(-f.counted)
	f.counted = 0
}

// Commit stores the content under e: Entry, or what Sized or Cut made of it when
// its length was not known, or not reached. For a nil e it is Abort. Readers get
// io.EOF when they have read all; where e is a part of what was to come they get
// ErrAborted then. It says whether the response is stored.
func (f *Fill) Commit(e *cache.Entry) bool {
	if e == nil || f.full {
		f.Abort()
		return false
	}
	f.mu.Lock()
	over := f.err != nil
	f.committing = !over
	f.mu.Unlock()
	if over {
		return false
	}
	stored := f.commit(e)
	err := io.EOF
	if e.Partial && !f.Entry.Partial {
		err = ErrAborted
	}
	f.end(err)
	return stored
}

// Abort gives the content up. Readers get what came, and then ErrAborted. Once
// Commit has begun it does nothing.
func (f *Fill) Abort() {
	f.mu.Lock()
	over := f.err != nil || f.committing
	f.mu.Unlock()
	if !over {
		f.end(ErrAborted)
	}
}

// Finish ends the content without storing it. Readers get io.EOF when they have
// read all: it is whole, but not for the store.
func (f *Fill) Finish() {
	f.mu.Lock()
	over := f.err != nil || f.committing
	f.mu.Unlock()
	if !over {
		f.end(io.EOF)
	}
}

// ended is why no more comes: nil while it does, io.EOF after Commit.
func (f *Fill) ended() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// end is the last thing that happens to a fill but for its readers.
func (f *Fill) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	f.wake()
	f.uncount()
	if f.temp != nil {
		f.temp.drop()
	}
}

func (f *Fill) commit(e *cache.Entry) bool {
	size := sizeOf(e)
	whole := f.old == nil && f.n == size && f.first == firstOf(e)
	switch {
	case size < 0:
		return false
	case whole && f.temp == nil:
		return f.keepBytes(e, f.buf)
	case whole:
		return f.keepFile(e, f.temp)
	case size <= f.s.o.Object:
		b := make([]byte, 0, size)
		err := f.assemble(e, func(p []byte) error { b = append(b, p...); return nil })
		return err == nil && f.keepBytes(e, b)
	}
	if f.s.disk == nil {
		f.s.counts.tooLarge.Add(1)
		return false
	}
	t, err := f.s.disk.newTemp(len(record(e)))
	if err != nil {
		return false
	}
	defer t.drop()
	return f.assemble(e, t.write) == nil && f.keepFile(e, t)
}

func firstOf(e *cache.Entry) int64 {
	if e.Partial {
		return e.Have[0].First
	}
	return 0
}

// keepBytes stores a body that is in memory, and has it written to a file behind.
func (f *Fill) keepBytes(e *cache.Entry, b []byte) bool {
	if cap(b) > len(b)+len(b)/16+64 || b == nil {
		b = append(make([]byte, 0, len(b)), b...)
	}
	o := &object{record: record(e), body: b, size: int64(len(b))}
	return f.s.keep(e, o, f.old, func() error {
		if f.s.disk != nil {
			f.s.disk.write(o)
		}
		return nil
	})
}

// keepFile stores a body that is in a file.
func (f *Fill) keepFile(e *cache.Entry, t *temp) bool {
	o := &object{record: record(e), size: t.size, sum: t.sum.Sum64()}
	return f.s.keep(e, o, f.old, func() error { return t.place(o) })
}

// assemble writes the body of e: of each of its bytes what came now, or else what
// was there before.
func (f *Fill) assemble(e *cache.Entry, write func([]byte) error) error {
	spans := e.Have
	if !e.Partial {
		spans = []cache.Span{{First: 0, Last: e.Total - 1}}
	}
	var before Body
	if f.old != nil {
		var entry cache.Entry
		entry.ReadRecord(f.old.record)
		b, err := f.s.body(f.old, &entry)
		if err != nil {
			return err
		}
		before = b
		defer before.Close()
	}
	room := make([]byte, 64<<10)
	for _, span := range spans {
		for at := span.First; at <= span.Last; {
			p := room[:min(int64(len(room)), span.Last-at+1)]
			n, err := f.readAt(p, at, &before)
			if err != nil {
				return err
			}
			if err := write(p[:n]); err != nil {
				return err
			}
			at += int64(n)
		}
	}
	return nil
}

// readAt reads from the given place of the representation, as many bytes as lie
// together.
func (f *Fill) readAt(p []byte, at int64, before *Body) (int, error) {
	if in := at - f.first; in >= 0 && in < f.n {
		p = p[:min(int64(len(p)), f.n-in)]
		if f.temp != nil {
			return f.temp.readAt(p, in)
		}
		return copy(p, f.buf[in:]), nil
	}
	if before.entry == nil {
		return 0, io.ErrUnexpectedEOF
	}
	in, n := place(before.entry, before.Size, at)
	if n == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	if at < f.first {
		n = min(n, f.first-at)
	}
	return before.ReadAt(p[:min(int64(len(p)), n)], in)
}
