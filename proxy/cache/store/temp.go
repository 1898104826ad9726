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
	size   int64 // of the body so far
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

func (t *temp) write(p []byte) error {
	n, err := t.file.WriteAt(p, t.bodyAt+t.size)
	if err != nil {
		return err
	}
	t.sum.Write(p)
	t.size += int64(n)
	return nil
}

func (t *temp) readAt(p []byte, at int64) (int, error) {
	n, err := t.file.ReadAt(p, t.bodyAt+at)
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
