package store

import (
	"slices"

	"proxylab/proxy/cache"
)

// Take does to the store what a response means to it: Updates at once, and for
// Fill what is returned takes the content. nil is for nothing to store. v is what
// Lookup saw.
func (s *Store) Take(key []byte, v *Variants, t *cache.Taken) *Fill {
	var old *object
	updates := make([]cache.Update, 0, len(t.Updates))
	for _, u := range t.Updates {
		if u.New != nil && u.New == t.Fill { // takes place when the content is there
			old = v.object(u.Old)
			continue
		}
		updates = append(updates, u)
	}
	s.Update(key, v, updates)
	if t.Fill == nil {
		return nil
	}
	return s.fill(t.Fill, t.At.First, old)
}

// Update replaces entries of one key. v is what they were chosen from; one that
// is not in the store any more has been overtaken, and its update is dropped.
func (s *Store) Update(key []byte, v *Variants, updates []cache.Update) {
	if len(updates) == 0 {
		return
	}
	hash := s.hash(key)
	lock := s.stripe(hash)
	lock.Lock()
	defer lock.Unlock()
	list := s.current(hash, key).list()
	for _, u := range updates {
		if u.New != nil && lock.overtaken(hash, u.New.Requested) {
			s.counts.late.Add(1)
			continue
		}
		var from *object
		if u.New != nil {
			from = v.object(u.From)
		}
		i := -1
		if u.Old != nil {
			if i = find(list, v.object(u.Old)); i < 0 {
				s.counts.late.Add(1)
				continue
			}
			from = list[i]
		}
		switch {
		case u.New == nil:
			s.forget(list[i])
			list = slices.Delete(list, i, i+1)
		case from == nil:
			s.counts.late.Add(1)
		case i >= 0:
			list[i] = s.replaceHead(from, u.New)
		default:
			list = s.beside(list, from, u.New)
		}
	}
	s.set(hash, list)
}

// find is where o stands in a list, which may have been made anew since o was
// handed out.
func find(list []*object, o *object) int {
	if o == nil {
		return -1
	}
	return slices.IndexFunc(list, func(c *object) bool { return sameObject(c, o) })
}

// sameObject compares the places of records: no two objects share one, but for
// copies of one object. What was read from a file anew is compared by its bytes.
func sameObject(a, b *object) bool {
	return a.id == b.id && (&a.record[0] == &b.record[0] || string(a.record) == string(b.record))
}

// set keeps a list under its key. The stripe of the key is held.
func (s *Store) set(hash uint64, list []*object) {
	if len(list) == 0 {
		s.memory.Invalidate(hash)
		return
	}
	s.memory.Set(hash, chain(list))
}

// forget removes the file of an object.
func (s *Store) forget(o *object) {
	if s.disk != nil {
		s.disk.remove(o.id)
	}
}

// replaceHead is from with another entry and the same body.
func (s *Store) replaceHead(from *object, e *cache.Entry) *object {
	n := &object{record: record(e), body: from.body, size: from.size, sum: from.sum, id: from.id}
	if s.disk != nil {
		s.disk.update(n)
	}
	return n
}

// beside adds an entry that has the body of another one.
func (s *Store) beside(list []*object, from *object, e *cache.Entry) []*object {
	n := &object{record: record(e), body: from.body, size: from.size, sum: from.sum}
	list, n.id = s.slot(list, from.id)
	if s.disk != nil {
		if !n.inFile() {
			s.disk.write(n)
		} else if err := s.disk.copyTo(n, from); err != nil {
			s.counts.dropped.Add(1)
			return list
		}
	}
	return append([]*object{n}, list...)
}

// slot finds room for one more object of the key that id is of. Where there is
// none the oldest leaves.
func (s *Store) slot(list []*object, id uint64) ([]*object, uint64) {
	for len(list) >= s.o.Variants {
		last := len(list) - 1
		s.forget(list[last])
		list = list[:last]
	}
	used := 0
	for _, o := range list {
		used |= 1 << (o.id % maxVariants)
	}
	id &^= maxVariants - 1
	for used&1 != 0 {
		used >>= 1
		id++
	}
	return list, id
}

// Remove makes what is stored under a key void (RFC 9111 §4.4), and what is being
// fetched for it as well.
func (s *Store) Remove(key []byte) {
	hash := s.hash(key)
	lock := s.stripe(hash)
	lock.Lock()
	defer lock.Unlock()
	lock.noteRemoved(hash, s.o.Now())
	s.counts.removed.Add(1)
	s.drop(hash, key)
}

// drop forgets a key. Its stripe is held.
func (s *Store) drop(hash uint64, key []byte) {
	if s.disk != nil {
		s.disk.removeAll(fileID(key))
	}
	if o, ok := s.memory.GetIfPresent(hash); ok && o.is(key) {
		s.memory.Invalidate(hash)
	}
}

// keep puts a new object into the list of its key, in the place of old where that
// is given: then it is dropped if old is gone. file brings it to the disk, once it
// has its id. The stripe is taken here.
func (s *Store) keep(e *cache.Entry, n, old *object, file func() error) bool {
	hash := s.hash(e.Key)
	lock := s.stripe(hash)
	lock.Lock()
	defer lock.Unlock()
	list := s.current(hash, e.Key).list()
	i := find(list, old)
	if lock.overtaken(hash, e.Requested) || !s.purges.allows(e) || old != nil && i < 0 {
		s.counts.late.Add(1)
		return false
	}
	if i >= 0 {
		n.id = list[i].id
		list = slices.Delete(list, i, i+1)
	} else {
		list, n.id = s.slot(list, fileID(e.Key))
	}
	if err := file(); err != nil {
		s.counts.dropped.Add(1)
		s.set(hash, list)
		return false
	}
	s.counts.stored.Add(1)
	s.set(hash, append([]*object{n}, list...))
	return true
}

// SetPolicy has all that is stored follow another Policy, after a reload: how long
// it is fresh, where the Site says so. It goes through the memory; files are
// restored by the new one when they are read.
func (s *Store) SetPolicy(p *cache.Policy) {
	s.policy.Store(p)
	for hash, o := range s.memory.All() {
		s.restore(hash, cache.RecordKey(o.record), p)
	}
}

// Policy is the one that what is stored follows.
func (s *Store) Policy() *cache.Policy { return s.policy.Load() }

func (s *Store) restore(hash uint64, key []byte, p *cache.Policy) {
	lock := s.stripe(hash)
	lock.Lock()
	defer lock.Unlock()
	o, ok := s.memory.GetIfPresent(hash)
	if !ok || !o.is(key) {
		return
	}
	list := o.list()
	for i, o := range list {
		if e := cache.RestoreRecord(o.record, p); e != nil {
			c := *o
			c.record = record(e)
			list[i] = &c
		}
	}
	s.set(hash, list)
}
