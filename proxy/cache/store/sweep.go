package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"proxylab/proxy/cache"
)

// sweep goes through all that is stored, and does to it what the purges say. false
// is for one that was stopped.
func (s *Store) sweep(list []Purge, stop <-chan struct{}) bool {
	var e cache.Entry
	see := func(record []byte) {
		if !e.ReadRecord(record) {
			return
		}
		for i := range list {
			if list[i].concerns(&e) && !(list[i].Soft && e.Invalid) {
				key := cache.RecordKey(record)
				s.sweepKey(s.hash(key), key)
				return
			}
		}
	}
	s.settle()
	for _, o := range s.memory.All() {
		for ; o != nil; o = o.next {
			see(o.record)
		}
	}
	if s.disk == nil {
		return true
	}
	for _, record := range s.disk.waitingRecords() {
		see(record)
	}
	for _, folder := range s.disk.folders() {
		for _, id := range s.disk.folder(folder) {
			select {
			case <-stop:
				return false
			default:
			}
			if record := s.disk.record(id); record != nil {
				see(record)
			}
		}
	}
	return true
}

// settle waits for those who are storing something, and may have looked at the
// purges before the last one was there.
func (s *Store) settle() {
	for i := range s.locks {
		s.locks[i].Lock()
		s.locks[i].Unlock() //nolint:staticcheck // nothing is to be done in between
	}
}

// sweepKey does what the purges say to the objects of one key.
func (s *Store) sweepKey(hash uint64, key []byte) {
	lock := s.stripe(hash)
	lock.Lock()
	defer lock.Unlock()
	var list []*object
	for _, o := range s.current(hash, key).list() {
		var e cache.Entry
		e.ReadRecord(o.record)
		invalid := e.Invalid
		switch {
		case !s.purges.pass(&e):
			s.counts.purged.Add(1)
			s.forget(o)
			continue
		case e.Invalid != invalid:
			s.counts.purged.Add(1)
			o = s.replaceHead(o, &e)
		}
		list = append(list, o)
	}
	s.set(hash, list)
}

// waitingRecords are those of what is to be written. It need not be in memory any
// more, and is not in a file yet.
func (d *disk) waitingRecords() (records [][]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range d.pending {
		records = append(records, o.record)
	}
	return records
}

// folders are those that are there, by their numbers.
func (d *disk) folders() []int {
	names, _ := os.ReadDir(d.objects)
	numbers := make([]int, 0, len(names))
	for _, f := range names {
		if n, err := strconv.ParseUint(f.Name(), 16, 12); err == nil && len(f.Name()) == 3 {
			numbers = append(numbers, int(n))
		}
	}
	return numbers
}

// folder lists the files in one of the folders, in order. It asks the system, not
// the index, which those who answer requests need.
func (d *disk) folder(n int) (ids []uint64) {
	name := fmt.Sprintf("%03x", n)
	files, err := os.ReadDir(filepath.Join(d.objects, name))
	if err != nil {
		return nil
	}
	for _, f := range files {
		if id, ok := d.idOf(name, f); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// record is that of what is in a file, or will be; nil where it cannot be read.
func (d *disk) record(id uint64) []byte {
	d.mu.Lock()
	o := d.pending[id]
	dead := d.dead[id]
	d.mu.Unlock()
	if o != nil {
		return o.record
	}
	if dead || !d.acquire() {
		return nil
	}
	defer d.files.Add(-1)
	lock := &d.io[id/maxVariants%stripes]
	lock.Lock()
	defer lock.Unlock()
	f, err := os.Open(d.filePath(id))
	if err != nil {
		return nil
	}
	defer f.Close()
	h, err := d.readHead(f, id)
	if err != nil {
		d.bad(id, err)
		return nil
	}
	return record(h.entry)
}
