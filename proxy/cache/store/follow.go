package store

import (
	"errors"
	"io"
	"os"
)

// ErrWait says that no more has come yet.
var ErrWait = errors.New("cache: no more has come yet")

// Piece is bytes of a content, in memory or in a file.
type Piece struct {
	Bytes []byte   // never changed
	File  *os.File // nil, or what has them, until the reader is closed
	At    int64    // where in File
	Size  int64
}

// Reader reads the content of a Fill from its beginning, while it comes and
// after. One goroutine at a time uses it.
type Reader struct {
	f     *Fill
	at    int64
	wake  func()
	armed bool // guarded by f.mu
	temp  *temp
}

// Follow is another reader. wake is called, from the writer's goroutine, when
// something has come since Next said ErrWait, once each time: it must not wait
// for anything, nor call the reader.
func (f *Fill) Follow(wake func()) *Reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &Reader{f: f, wake: wake}
	f.readers[r] = struct{}{}
	if f.temp != nil {
		r.hold(f.temp)
	}
	return r
}

// Followers says how many readers there are. Nobody wants the content of a fill
// without any, but the store.
func (f *Fill) Followers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.readers)
}

// Next is what follows on what was read. The errors are ErrWait, io.EOF at the
// end, and ErrAborted and ErrTooLarge where the rest will not come.
func (r *Reader) Next() (Piece, error) {
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.n - r.at; n > 0 {
		if f.temp == nil {
			return Piece{Bytes: f.buf[r.at:f.n:f.n], Size: n}, nil
		}
		if r.temp == nil {
			r.hold(f.temp)
		}
		if r.temp != nil {
			return Piece{File: r.temp.file, At: r.temp.bodyAt + r.at, Size: n}, nil
		}
		return Piece{}, ErrAborted
	}
	if f.err != nil {
		return Piece{}, f.err
	}
	r.armed = true
	return Piece{}, ErrWait
}

// Whole says whether all has come: ErrWait while it has not, or the error of Next
// where it will not. After ErrWait wake is called as for Next.
func (r *Reader) Whole() error {
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.err {
	case nil:
		r.armed = true
		return ErrWait
	case io.EOF:
		return nil
	}
	return f.err
}

// Advance says that n bytes were read.
func (r *Reader) Advance(n int64) { r.at += n }

// Close ends the reading.
func (r *Reader) Close() {
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.readers, r)
	if r.temp != nil {
		r.temp.release()
		r.temp = nil
	}
}

// wake tells the readers that wait. f.mu is held.
func (f *Fill) wake() {
	for r := range f.readers {
		if f.temp != nil && r.temp == nil { // before the file is closed, or has its name
			r.hold(f.temp)
		}
		if r.armed {
			r.armed = false
			r.wake()
		}
	}
}

func (r *Reader) hold(t *temp) {
	if t.retain() {
		r.temp = t
	}
}
