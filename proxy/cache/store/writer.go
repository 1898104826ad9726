package store

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
)

// write has an object written behind the caller's back: what answers clients does
// not wait for a disk. Where too much waits already the object is not written, and
// what its file had is not right any more.
func (d *disk) write(o *object) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unqueue(o.id)
	c := *o
	c.next = nil
	if d.closed || d.waiting+int64(c.weight()) > maxPending || d.trouble.pauses(d.o.Now()) {
		d.dropped.Add(1)
		d.unlink(o.id)
		return
	}
	select {
	case d.queue <- o.id:
		d.pending[o.id] = &c
		d.waiting += int64(c.weight())
	default:
		d.dropped.Add(1)
		d.unlink(o.id)
	}
}

// update brings another head of an object to the disk: with its body where that
// is small, else in its place in the file.
func (d *disk) update(o *object) {
	if !o.inFile() {
		d.write(o)
		return
	}
	if err := d.rewrite(o); err != nil {
		d.failed(err)
		d.remove(o.id)
	}
}

// rewrite replaces the head of a file. Were it torn, its checksum would say so.
func (d *disk) rewrite(o *object) error {
	h, err := d.open(o)
	if err != nil {
		return err
	}
	defer h.release()
	if int64(headerSize+len(o.record)) > h.at {
		return d.copyTo(o, o)
	}
	b := header(o.record, int(h.at), o.size, o.sum)
	lock := &d.io[o.id/maxVariants%stripes]
	lock.Lock()
	defer lock.Unlock()
	f, err := os.OpenFile(d.filePath(o.id), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b[:headerSize+len(o.record)], 0)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

func (d *disk) writer() {
	defer d.done.Done()
	for {
		select {
		case id := <-d.queue:
			d.mu.Lock()
			o := d.pending[id]
			d.mu.Unlock()
			if o != nil {
				d.writeNow(o)
			}
		case <-d.stop:
			return
		}
	}
}

// writeNow writes a file under another name and renames it, so that under its own
// there is always a whole one. Nothing is synced: after a loss of power a file may
// be torn, which its checksums tell, and then it is a response that has to be
// fetched again. To wait for the disk for each one would cost more than the cache
// saves. The pages that a killed process has written are the kernel's, and stay.
func (d *disk) writeNow(o *object) {
	b := header(o.record, 0, o.size, xxhash.Sum64(o.body))
	size := int64(len(b)) + o.size
	b = append(b, o.body...)
	name := d.tempName()
	err := os.WriteFile(name, b, 0o600)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pending[o.id] != o { // removed or replaced since
		os.Remove(name)
		return
	}
	if err == nil {
		err = d.move(name, o.id, size)
	}
	if err != nil {
		os.Remove(name)
		d.dropped.Add(1)
		d.unlink(o.id)
		d.failed(err)
		return
	}
	d.unqueue(o.id)
	d.trouble.over(d)
}

func (d *disk) tempName() string {
	return filepath.Join(d.tmp, fmt.Sprintf("%s%d", d.tag, d.serial.Add(1)))
}

// move gives a whole file its place. d.mu is held.
func (d *disk) move(name string, id uint64, size int64) error {
	path := d.filePath(id)
	err := os.Rename(name, path)
	if os.IsNotExist(err) {
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			err = os.Rename(name, path)
		}
	}
	if err != nil {
		return err
	}
	d.detach(id)
	delete(d.dead, id)
	d.list(id, size, meta{used: d.seconds(), sure: true})
	d.evict()
	return nil
}

// evict removes files until there is room. Of a few, chosen at random, goes the
// one that was read least often, and of those the longest unused. One of them is
// nearer to it by a use: so a use counts until about as many files were evicted as
// there are. A client that asks for many URLs once each has only those evicted.
// d.mu is held.
func (d *disk) evict() {
	const sample = 16
	for d.blocks*blockSize > d.o.Disk && len(d.index) > 0 {
		var victim uint64
		least := meta{used: 1<<32 - 1, hits: maxHits + 1}
		n := 0
		for id, m := range d.index {
			if m.hits < least.hits || m.hits == least.hits && m.used < least.used {
				victim, least = id, m
			}
			if n == 0 && m.hits > 0 {
				m.hits--
				d.index[id] = m
			}
			if n++; n == sample {
				break
			}
		}
		d.evicted.Add(1)
		d.unlink(victim)
	}
}

// failed says once that the directory cannot be written to, and has the writer
// leave it alone for a while.
func (d *disk) failed(err error) { d.trouble.begin(d, err) }

// trouble is that of a disk which is full, or may not be written to.
type trouble struct {
	since atomic.Bool
	until atomic.Int64 // when the next attempt is made, in nanoseconds since 1970
}

const troublePause = 5 * time.Second

func (t *trouble) begin(d *disk, err error) {
	t.until.Store(d.o.Now().Add(troublePause).UnixNano())
	if !t.since.Swap(true) {
		d.o.Logger.Warn("the cache's directory cannot be written to; serving goes on without", "dir", d.o.Dir, "error", err)
	}
}

func (t *trouble) pauses(now time.Time) bool {
	return t.since.Load() && now.UnixNano() < t.until.Load()
}

func (t *trouble) over(d *disk) {
	if t.since.Load() && t.since.Swap(false) {
		d.o.Logger.Info("the cache's directory can be written to again", "dir", d.o.Dir)
	}
}
