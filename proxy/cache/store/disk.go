package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"proxylab/proxy/cache"
)

// disk is the files below a directory:
//
//	lock         held by the one process that uses it
//	purges       what was purged, until all files have been looked at
//	objects/abc/ files, in a folder by the first digits of their names
//	tmp/         files that are being written
//
// Nothing else in the directory is touched.
type disk struct {
	o            *Options
	policy       *atomic.Pointer[cache.Policy]
	objects, tmp string
	lock         *os.File

	mu      sync.Mutex
	index   map[uint64]meta
	blocks  int64 // of all in index
	scanned bool  // index has all there is
	dead    map[uint64]bool
	pending map[uint64]*object // to be written
	waiting int64              // bytes of pending
	handles map[uint64]*handle
	idle    []*handle // without users, the longest unused first
	closed  bool
	quiet   sync.Cond // pending is empty

	files   atomic.Int64 // descriptors in use
	io      [stripes]sync.Mutex
	serial  atomic.Int64
	tag     string
	queue   chan uint64
	stop    chan struct{}
	done    sync.WaitGroup
	trouble trouble

	corrupt, evicted, dropped atomic.Int64
}

// meta is what is kept in memory of each file.
type meta struct {
	blocks uint32 // of 4 KiB
	used   uint32 // when it was last read or written, in seconds
	hits   uint8
	sure   bool // its body has been compared with its checksum, or was written, by this process
}

const (
	blockSize  = 4096
	maxPending = 16 << 20 // bytes that wait to be written
	maxHits    = 15
)

// openDisk prepares the directory; nil where it cannot be used. It reads none of
// it, however many files there are: that is scan's.
func openDisk(o *Options, policy *atomic.Pointer[cache.Policy]) *disk {
	d := &disk{
		o: o, policy: policy, objects: filepath.Join(o.Dir, "objects"), tmp: filepath.Join(o.Dir, "tmp"),
		index: map[uint64]meta{}, dead: map[uint64]bool{}, pending: map[uint64]*object{}, handles: map[uint64]*handle{},
		tag: fmt.Sprintf("%d-%x-", os.Getpid(), time.Now().UnixNano()), queue: make(chan uint64, 1<<16), stop: make(chan struct{}),
	}
	d.quiet.L = &d.mu
	if err := d.prepare(); err != nil {
		o.Logger.Warn("the cache's directory cannot be used; caching in memory only", "dir", o.Dir, "error", err)
		return nil
	}
	d.done.Add(2)
	go d.scan()
	go d.writer()
	return d
}

func (d *disk) prepare() error {
	for _, dir := range []string{d.o.Dir, d.objects, d.tmp} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	lock, err := lockFile(filepath.Join(d.o.Dir, "lock"))
	if err != nil {
		return err
	}
	probe, err := os.CreateTemp(d.tmp, d.tag)
	if err != nil {
		lock.Close()
		return err
	}
	probe.Close()
	os.Remove(probe.Name())
	d.lock = lock
	return nil
}

func (d *disk) close() {
	d.flush()
	d.mu.Lock()
	d.closed = true
	idle := d.idle
	d.idle = nil
	d.mu.Unlock()
	for _, h := range idle {
		h.close()
	}
	close(d.stop)
	d.done.Wait()
	d.lock.Close()
}

// mayHave says whether load could find something. While the directory is being
// read nobody knows, and load tries.
func (d *disk) mayHave(id uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.scanned || d.hasAny(id)
}

func (d *disk) hasAny(id uint64) bool {
	for slot := range uint64(maxVariants) {
		if _, ok := d.index[id|slot]; ok || d.pending[id|slot] != nil {
			return true
		}
	}
	return false
}

func area(o *object) int64 { return int64(areaFor(len(o.record))) }

// bad removes a file that is not as it should be. A file that could not be read
// stays.
func (d *disk) bad(id uint64, err error) {
	if err == errCorrupt {
		d.corrupt.Add(1)
		d.remove(id)
	}
}

// list notes a file that is in its place now.
func (d *disk) list(id uint64, size int64, m meta) {
	m.blocks = uint32((size + blockSize - 1) / blockSize)
	d.blocks += int64(m.blocks) - int64(d.index[id].blocks)
	d.index[id] = m
}

func (d *disk) unlist(id uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop(id)
}

// drop forgets a file. d.mu is held.
func (d *disk) drop(id uint64) {
	d.blocks -= int64(d.index[id].blocks)
	delete(d.index, id)
	d.detach(id)
}

// touch notes a use of a file.
func (d *disk) touch(id uint64, size int64, sure bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m, ok := d.index[id]
	m.used = d.seconds()
	m.hits = min(m.hits+1, maxHits)
	m.sure = m.sure || sure
	if !ok {
		if size < 0 {
			return
		}
		d.list(id, size, m)
		return
	}
	d.index[id] = m
}

func (d *disk) seconds() uint32 { return uint32(d.o.Now().Unix()) }

// remove takes an object off the disk, or out of the queue for it.
func (d *disk) remove(id uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unlink(id)
}

func (d *disk) removeAll(id uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for slot := range uint64(maxVariants) {
		_, known := d.index[id|slot]
		if known || !d.scanned || d.pending[id|slot] != nil {
			d.unlink(id | slot)
		}
	}
}

// unlink removes a file. What cannot be removed is not read any more. d.mu is
// held.
func (d *disk) unlink(id uint64) {
	d.unqueue(id)
	d.drop(id)
	if err := os.Remove(d.filePath(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.dead[id] = true
		d.failed(err)
	}
}

func (d *disk) unqueue(id uint64) {
	if o := d.pending[id]; o != nil {
		delete(d.pending, id)
		d.waiting -= int64(o.weight())
		d.settle()
	}
}

func (d *disk) settle() {
	if len(d.pending) == 0 {
		d.quiet.Broadcast()
	}
}

// sync waits until what was done to the files of a key, and is not waiting to be
// written, is on the disk.
func (d *disk) sync(id uint64) error {
	for slot := range uint64(maxVariants) {
		if err := syncPath(d.filePath(id | slot)); err != nil {
			return err
		}
	}
	return syncPath(filepath.Dir(d.filePath(id)))
}

// syncPath has a file or a folder written. One that is not there needs nothing.
func syncPath(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// flush waits for the writer.
func (d *disk) flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.pending) > 0 {
		d.quiet.Wait()
	}
}

func (d *disk) stats(s *Stats) {
	d.mu.Lock()
	s.DiskBytes, s.DiskFiles, s.DiskScanned = d.blocks*blockSize, int64(len(d.index)), d.scanned
	d.mu.Unlock()
	s.OpenFiles = d.files.Load()
	s.Corrupt, s.DiskEvicted = d.corrupt.Load(), d.evicted.Load()
	s.Dropped += d.dropped.Load()
}
