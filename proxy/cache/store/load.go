package store

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"proxylab/proxy/cache"
)

// load reads all objects of a key, the newest first. While nobody knows which
// there are it stops at the second slot in a row that has none: what is behind such
// a gap is found when the directory has been read.
func (d *disk) load(key []byte) []*object {
	type found struct {
		o *object
		e *cache.Entry
	}
	var all []found
	id, missing := fileID(key), 0
	for slot := range uint64(maxVariants) {
		o, e, known := d.loadSlot(id | slot)
		if o != nil && o.is(key) {
			all = append(all, found{o, e})
			missing = 0
		} else if missing++; missing == 2 && !known {
			break
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return b.e.Received.Compare(a.e.Received) })
	list := make([]*object, len(all))
	for i := range all {
		list[i] = all[i].o
	}
	return list
}

// loadSlot reads one object. scanned says whether it is known which there are.
func (d *disk) loadSlot(id uint64) (o *object, e *cache.Entry, scanned bool) {
	d.mu.Lock()
	scanned = d.scanned
	if o := d.pending[id]; o != nil {
		d.mu.Unlock()
		var e cache.Entry
		e.ReadRecord(o.record)
		return o, &e, scanned
	}
	_, known := d.index[id]
	try := (known || !scanned) && !d.dead[id]
	d.mu.Unlock()
	if !try || !d.acquire() {
		return nil, nil, scanned
	}
	defer d.files.Add(-1)
	lock := &d.io[id/maxVariants%stripes]
	lock.Lock()
	defer lock.Unlock()
	f, err := os.Open(d.filePath(id))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			d.unlist(id)
		}
		return nil, nil, scanned
	}
	defer f.Close()
	o, e, err = d.readObject(f, id)
	if err != nil {
		d.bad(id, err)
		return nil, nil, scanned
	}
	d.touch(id, area(o)+o.size, o.body != nil)
	return o, e, scanned
}
