package store

import (
	"io"
	"os"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
)

// temp is a file of a large body that is being written. It has an owner and
// readers, and is closed when the last of them has let go.
type temp struct {
	d      *disk
	file   *os.File
	name   string
	bodyAt int64
	size   int64  // of the body so far
	kept   int64  // of that, in the file
	tail   []byte // the rest, which is not there yet; only ever appended to
	sum    xxhash.Digest
	placed bool
	users  atomic.Int64
}

// newTemp makes a file with room for a record of about the given length.
func (d *disk) newTemp(record int) (*temp, error) {
	if d.trouble.pauses(d.o.Now()) {
		return nil, ErrTooLarge
	}
	if !d.acquire() {
		return nil, ErrBusy
	}
	t := &temp{d: d, name: d.tempName(), bodyAt: int64(areaFor(record))}
	f, err := os.OpenFile(t.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		d.files.Add(-1)
		d.failed(err)
		return nil, err
	}
	t.file = f
	t.sum.Reset()
	t.users.Store(1)
	return t, nil
}

// tailSize is what a file is written in, at multiples of it. The kernel keeps what
// was written as one run of pages (folio) where that is so, and then sends it for a
// quarter less than single pages.
const tailSize = 64 << 10

// write adds to the body: whole runs go to the file at once, the rest to tail.
func (t *temp) write(p []byte) error {
	t.sum.Write(p)
	t.size += int64(len(p))
	for len(p) > 0 {
		at := t.bodyAt + t.kept
		n := (at+int64(len(p)))&^(tailSize-1) - at
		if len(t.tail) == 0 && n > 0 {
			if _, err := t.file.WriteAt(p[:n], at); err != nil {
				return err
			}
			t.kept += n
			p = p[n:]
			continue
		}
		if t.tail == nil {
			t.tail = make([]byte, 0, tailSize-at%tailSize)
		}
		m := min(len(p), cap(t.tail)-len(t.tail))
		t.tail = append(t.tail, p[:m]...)
		p = p[m:]
		if len(t.tail) == cap(t.tail) {
			if err := t.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes the tail. Readers may have it still, so another takes its place.
func (t *temp) flush() error {
	if _, err := t.file.WriteAt(t.tail, t.bodyAt+t.kept); err != nil {
		return err
	}
	t.kept += int64(len(t.tail))
	t.tail = nil
	return nil
}

// readAt is for the one who writes.
func (t *temp) readAt(p []byte, at int64) (int, error) {
	if at >= t.kept {
		return copy(p, t.tail[at-t.kept:]), nil
	}
	n, err := t.file.ReadAt(p[:min(int64(len(p)), t.kept-at)], t.bodyAt+at)
	if err == io.EOF && n > 0 {
		err = nil
	}
	return n, err
}

// place writes the head and gives the file its name.
func (t *temp) place(o *object) error {
	if int64(headerSize+len(o.record)) > t.bodyAt {
		return ErrTooLarge
	}
	if err := t.flush(); err != nil {
		t.d.failed(err)
		return err
	}
	b := header(o.record, int(t.bodyAt), o.size, o.sum)
	if _, err := t.file.WriteAt(b, 0); err != nil {
		t.d.failed(err)
		return err
	}
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	t.d.unqueue(o.id)
	if err := t.d.move(t.name, o.id, t.bodyAt+t.size); err != nil {
		t.d.failed(err)
		return err
	}
	t.placed = true
	t.d.trouble.over(t.d)
	return nil
}

// copyTo writes an object whose body is in the file of another one.
func (d *disk) copyTo(o, from *object) error {
	h, err := d.open(from)
	if err != nil {
		return err
	}
	defer h.release()
	t, err := d.newTemp(len(o.record))
	if err != nil {
		return err
	}
	defer t.drop()
	room := make([]byte, 64<<10)
	for at := int64(0); at < from.size; {
		n, err := h.file.ReadAt(room[:min(int64(len(room)), from.size-at)], h.at+at)
		if err != nil && err != io.EOF || n == 0 {
			return io.ErrUnexpectedEOF
		}
		if err := t.write(room[:n]); err != nil {
			return err
		}
		at += int64(n)
	}
	return t.place(o)
}

// retain is another user; false when the last one has left.
func (t *temp) retain() bool {
	for {
		n := t.users.Load()
		if n == 0 {
			return false
		}
		if t.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (t *temp) release() {
	if t.users.Add(-1) == 0 {
		t.file.Close()
		t.d.files.Add(-1)
	}
}

// drop is what the owner ends with: the file goes away where it got no place.
func (t *temp) drop() {
	if !t.placed {
		os.Remove(t.name)
	}
	t.release()
}
