package store

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// handle is an open file whose body has been checked. All who read one object at
// once share one. When nobody does it stays open for a while, as one of few.
type handle struct {
	d     *disk
	id    uint64
	file  *os.File
	at    int64 // where the body begins
	size  int64
	sum   uint64
	seen  []atomic.Int64 // of each window of the body, until when it counts as resident: ns since 1970
	users int            // guarded by d.mu
	gone  bool           // another file has its name, or none; guarded by d.mu
}

// acquire takes one of the descriptors that may be open. The caller gives it back
// to d.files.
func (d *disk) acquire() bool {
	if d.files.Add(1) <= int64(d.o.Files) {
		return true
	}
	d.mu.Lock()
	if len(d.idle) > 0 {
		h := d.idle[0]
		d.idle = d.idle[1:]
		delete(d.handles, h.id)
		d.mu.Unlock()
		h.close()
		return true
	}
	d.mu.Unlock()
	d.files.Add(-1)
	return false
}

func (h *handle) close() {
	h.file.Close()
	h.d.files.Add(-1)
}

// open finds or opens the file of an object whose body is only there, and makes
// sure that it is this body.
func (d *disk) open(o *object) (*handle, error) {
	if h := d.opened(o); h != nil {
		return h, nil
	}
	if !d.acquire() {
		return nil, ErrBusy
	}
	h, err := d.openNew(o)
	if err != nil {
		d.files.Add(-1)
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	h.users = 1
	if m, ok := d.index[o.id]; d.handles[o.id] == nil && ok && !d.closed {
		m.sure = true
		d.index[o.id] = m
		d.handles[o.id] = h
	} else {
		h.gone = true // another opened it meanwhile, or it was removed
	}
	return h, nil
}

func (d *disk) opened(o *object) *handle {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.handles[o.id]
	if h == nil || h.sum != o.sum || h.size != o.size {
		return nil
	}
	if h.users == 0 {
		i := slices.Index(d.idle, h)
		d.idle = slices.Delete(d.idle, i, i+1)
	}
	h.users++
	return h
}

func (d *disk) openNew(o *object) (*handle, error) {
	lock := &d.io[o.id/maxVariants%stripes]
	lock.Lock()
	f, err := os.Open(d.filePath(o.id))
	var at head
	if err == nil {
		at, err = d.readHead(f, o.id)
	}
	lock.Unlock()
	d.mu.Lock()
	sure := d.index[o.id].sure
	d.mu.Unlock()
	if err == nil && (at.size != o.size || at.sum != o.sum) { // another response has its place
		f.Close()
		return nil, ErrGone
	}
	if err == nil && !sure {
		err = checkBody(f, &at)
	}
	if err != nil {
		if f != nil {
			f.Close()
		}
		if errors.Is(err, fs.ErrNotExist) {
			d.unlist(o.id)
		}
		d.bad(o.id, err)
		return nil, ErrGone
	}
	d.touch(o.id, at.area+at.size, true)
	return &handle{
		d: d, id: o.id, file: f, at: at.area, size: at.size, sum: at.sum,
		seen: make([]atomic.Int64, (at.size+window-1)/window),
	}, nil
}

// To ask for each page costs a loop about a fifteenth of what sending them does. So
// the answer counts for a moment. Pages that are being used are the last that the
// kernel takes; should it take some in that moment, calls in it have the loop wait for
// the disk, for 1 MiB each at most.
const (
	window   = 4 << 20
	residing = 100 * time.Millisecond
)

// resident says whether n bytes from at on, in the body, can be sent without waiting
// for a disk, by what ask says of a range of the file.
func (h *handle) resident(at, n int64, now time.Time, ask func(*os.File, int64, int64) bool) bool {
	for w := at / window; w*window < at+n; w++ {
		if h.seen[w].Load() > now.UnixNano() {
			continue
		}
		if !ask(h.file, h.at+w*window, min(window, h.size-w*window)) {
			return false
		}
		h.seen[w].Store(now.Add(residing).UnixNano())
	}
	return true
}

// release ends a use.
func (h *handle) release() {
	d := h.d
	d.mu.Lock()
	h.users--
	var out *handle
	switch {
	case h.users > 0:
	case h.gone || d.closed:
		out = h
	default:
		d.idle = append(d.idle, h)
		if len(d.idle) > max(1, d.o.Files/2) {
			out = d.idle[0]
			d.idle = d.idle[1:]
			delete(d.handles, out.id)
		}
	}
	d.mu.Unlock()
	if out != nil {
		out.close()
	}
}

// detach has nobody else find the open file of an id. d.mu is held.
func (d *disk) detach(id uint64) {
	h := d.handles[id]
	if h == nil {
		return
	}
	delete(d.handles, id)
	h.gone = true
	if h.users == 0 {
		i := slices.Index(d.idle, h)
		d.idle = slices.Delete(d.idle, i, i+1)
		h.close()
	}
}
