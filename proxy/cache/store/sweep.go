package store

import (
	"os"

	"proxylab/proxy/cache"
)

// sweep goes through all that is stored, and does to it what the purges say. It
// waits for the directory to have been read: false where that is not so yet.
func (s *Store) sweep(list []purge, stop <-chan struct{}) bool {
	var e cache.Entry
	hit := func(record []byte) bool {
		if !e.ReadRecord(record) {
			return false
		}
		for i := range list {
			if list[i].concerns(&e) && !(list[i].soft && e.Invalid) {
				return true
			}
		}
		return false
	}
	for hash, o := range s.memory.All() {
		for ; o != nil; o = o.next {
			if hit(o.record) {
				s.sweepKey(hash, cache.RecordKey(o.record))
				break
			}
		}
	}
	if s.disk == nil {
		return true
	}
	ids, scanned := s.disk.ids()
	for _, id := range ids {
		select {
		case <-stop:
			return false
		default:
		}
		if record := s.disk.record(id); record != nil && hit(record) {
			key := cache.RecordKey(record)
			s.sweepKey(s.hash(key), key)
		}
	}
	return scanned
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

// Each shows what is stored: entries in memory, and then those that are only on
// disk, for which it reads their files. size is that of the body. It ends where
// see says false. The entry is the next one after see returns.
func (s *Store) Each(see func(e *cache.Entry, size int64, inMemory bool) bool) {
	var e cache.Entry
	for _, o := range s.memory.All() {
		for ; o != nil; o = o.next {
			if e.ReadRecord(o.record) && s.purges.pass(&e) && !see(&e, o.size, true) {
				return
			}
		}
	}
	if s.disk == nil {
		return
	}
	ids, _ := s.disk.ids()
	for _, id := range ids {
		record := s.disk.record(id)
		if record == nil || !e.ReadRecord(record) {
			continue
		}
		if o, ok := s.memory.GetIfPresent(s.hash(e.Key)); ok && o.is(e.Key) {
			continue
		}
		if s.purges.pass(&e) && !see(&e, sizeOf(&e), false) {
			return
		}
	}
}

// ids are all files that are known of.
func (d *disk) ids() (ids []uint64, scanned bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ids = make([]uint64, 0, len(d.index))
	for id := range d.index {
		ids = append(ids, id)
	}
	return ids, d.scanned
}

// record reads that of a file; nil where it cannot be read.
func (d *disk) record(id uint64) []byte {
	if !d.acquire() {
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
