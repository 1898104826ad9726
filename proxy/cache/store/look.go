package store

import (
	"iter"
	"slices"

	"proxylab/proxy/cache"
)

// Held is a stored response as Look and Walk show it.
type Held struct {
	Entry    *cache.Entry
	Size     int64 // of its body in bytes
	InMemory bool  // its body is in memory
	OnDisk   bool  // a file has it; else it is still to be written, or will not be
}

// Look shows what is stored under a key, the newest first. It counts as no use,
// and brings nothing to memory; of files it reads the heads.
func (s *Store) Look(key []byte) []Held {
	if e, ok := s.memory.GetEntryQuietly(s.hash(key)); ok && e.Value.is(key) {
		return s.held(e.Value)
	}
	if s.disk == nil {
		return nil
	}
	var found []Held
	for slot := range uint64(maxVariants) {
		id := fileID(key) | slot
		written, waits, known := s.disk.has(id)
		if known && !written && !waits {
			continue
		}
		e := new(cache.Entry)
		if r := s.disk.record(id); r == nil || !e.ReadRecord(r) || string(e.Key) != string(key) || !s.purges.pass(e) {
			continue
		}
		found = append(found, Held{e, sizeOf(e), waits, !waits})
	}
	slices.SortStableFunc(found, func(a, b Held) int { return b.Entry.Received.Compare(a.Entry.Received) })
	return found
}

// held is a list in memory.
func (s *Store) held(o *object) (found []Held) {
	for ; o != nil; o = o.next {
		e := new(cache.Entry)
		if !e.ReadRecord(o.record) || !s.purges.pass(e) {
			continue
		}
		h := Held{Entry: e, Size: o.size, InMemory: !o.inFile(), OnDisk: o.inFile()}
		if s.disk != nil && !h.OnDisk {
			written, waits, _ := s.disk.has(o.id)
			h.OnDisk = written && !waits
		}
		found = append(found, h)
	}
	return found
}

// has says whether there is a file, and whether one is to be written. Until it is
// known which files there are, there may be one nevertheless.
func (d *disk) has(id uint64) (written, waits, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, written = d.index[id]
	return written, d.pending[id] != nil, d.scanned
}

// A Walk goes through what is stored a step at a time, by key. What is there all
// the time, and whose file is not evicted meanwhile, is shown exactly once. One
// goroutine at a time uses it.
type Walk struct {
	s    *Store
	m    Match
	step int // work that one may do

	next func() (uint64, *object, bool) // through the memory; nil when that is done
	stop func()

	shown   map[uint64]bool // by id: what was not in a file yet
	folders []int           // to be read; nil until then
	ids     []uint64        // files of the last one that are left
}

// What a step may cost, in looks into memory, and what else costs as much.
const (
	stepWork   = 50_000
	fileWork   = 50 // to read a head
	folderWork = 25 // to read the names
)

// Walk begins one through what matches; the zero Match is all. It is to be closed.
func (s *Store) Walk(m Match) *Walk {
	w := &Walk{s: s, m: m, step: stepWork, shown: map[uint64]bool{}}
	w.next, w.stop = iter.Pull2(s.memory.All())
	return w
}

// Close ends a walk.
func (w *Walk) Close() { w.stop() }

// Next shows the responses of up to limit more keys, each a list as of Look. It
// does bounded work and holds no lock that a request waits for, so it may have come
// to nothing that matches: it goes on as long as more is true.
func (w *Walk) Next(limit int) (found [][]Held, more bool) {
	work := w.step
	for len(found) < limit && work > 0 {
		var l []Held
		if w.next != nil {
			l, work = w.inMemory(), work-1
		} else if l, more = w.onDisk(&work); !more {
			return found, false
		}
		if len(l) > 0 {
			found = append(found, l)
		}
	}
	return found, true
}

// inMemory shows the next key in memory, unless a file has it.
func (w *Walk) inMemory() []Held {
	_, o, ok := w.next()
	if !ok {
		w.next = nil
		return nil
	}
	if !w.m.begins(cache.RecordKey(o.record)) {
		return nil
	}
	l := w.s.held(o)
	if slices.ContainsFunc(l, func(h Held) bool { return h.OnDisk }) {
		return nil
	}
	if w.s.disk != nil {
		w.shown[keyOfID(o.id)] = true
	}
	return w.fitting(l)
}

// onDisk shows the next key that has a file; more is false when there is none.
func (w *Walk) onDisk(work *int) (l []Held, more bool) {
	d := w.s.disk
	if d == nil {
		return nil, false
	}
	if w.folders == nil {
		w.folders = d.folders()
	}
	if len(w.ids) == 0 {
		if len(w.folders) == 0 {
			return nil, false
		}
		w.ids, w.folders = d.folder(w.folders[0]), w.folders[1:]
		*work -= folderWork
		return nil, true
	}
	id := w.ids[0]
	if w.ids = w.ids[1:]; w.shown[keyOfID(id)] {
		return nil, true
	}
	*work -= fileWork
	key := cache.RecordKey(d.record(id))
	if key == nil || !w.m.begins(key) {
		return nil, true
	}
	for len(w.ids) > 0 && keyOfID(w.ids[0]) == keyOfID(id) { // its other variants
		w.ids = w.ids[1:]
		*work -= fileWork
	}
	return w.fitting(w.s.Look(key)), true
}

func (w *Walk) fitting(l []Held) []Held {
	return slices.DeleteFunc(l, func(h Held) bool { return !w.m.fits(h.Entry) })
}

// keyOfID is what the ids of one key have in common.
func keyOfID(id uint64) uint64 { return id &^ (maxVariants - 1) }
