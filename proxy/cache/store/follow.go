package store

import (
	"errors"
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
// end, and ErrAborted where the rest will not come.
func (r *Reader) Next() (Piece, error) {
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := f.n // what lies where Write has put it ends here
	if w := f.passing; w != nil {
		kept = w.from
		switch {
		case r.at < w.at && w.at > w.from: // it came too late
			return Piece{}, ErrAborted
		case r.at >= w.from:
			r.letGo()
			if p := w.piece(r.at); p.Size > 0 {
				return p, nil
			}
		}
	}
	if n := kept - r.at; n > 0 {
		if f.temp == nil {
			return Piece{Bytes: f.buf[r.at:kept:kept], Size: n}, nil
		}
		if in := r.at - f.kept; in >= 0 {
			return Piece{Bytes: f.tail[in:len(f.tail):len(f.tail)], Size: n}, nil
		}
		if r.temp == nil {
			r.hold(f.temp)
		}
		if r.temp != nil {
			return Piece{File: r.temp.file, At: r.temp.bodyAt + r.at, Size: f.kept - r.at}, nil
		}
		return Piece{}, ErrAborted
	}
	if f.err != nil {
		return Piece{}, f.err
	}
	r.armed = true
	return Piece{}, ErrWait
}

// Advance says that n bytes were read.
func (r *Reader) Advance(n int64) {
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	r.at += n
	if f.passing != nil {
		f.passing.room.Broadcast()
	}
}

// Close ends the reading.
func (r *Reader) Close() {
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.readers, r)
	r.letGo()
	if f.passing != nil {
		f.passing.room.Broadcast()
	}
}

// letGo is done with the file.
func (r *Reader) letGo() {
	if r.temp != nil {
		r.temp.release()
		r.temp = nil
	}
}

// wake tells the readers that wait. f.mu is held.
func (f *Fill) wake() {
	for r := range f.readers {
		if f.temp != nil && r.temp == nil && (f.passing == nil || r.at < f.passing.from) { // before the file is closed, or has its name
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
