package store

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// scan reads the names in the directory, while requests are answered: what it has
// not come to yet is found by its path. It opens no file; whether one is right is
// seen when it is asked for. Names that no object has are removed.
func (d *disk) scan() {
	defer d.done.Done()
	d.clearTemp()
	folders, err := os.ReadDir(d.objects)
	if err != nil {
		d.failed(err)
	}
	for _, folder := range folders {
		select {
		case <-d.stop:
			return
		default:
		}
		d.scanFolder(folder.Name())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.scanned = true
	d.evict()
}

func (d *disk) scanFolder(folder string) {
	path := filepath.Join(d.objects, folder)
	files, err := os.ReadDir(path)
	if err != nil {
		d.foreign(path)
		return
	}
	for _, f := range files {
		id, ok := d.idOf(folder, f)
		if !ok {
			d.foreign(filepath.Join(path, f.Name()))
			continue
		}
		info, err := f.Info()
		if err != nil {
			continue
		}
		d.mu.Lock()
		if _, ok := d.index[id]; !ok && !d.dead[id] {
			d.list(id, info.Size(), meta{used: uint32(info.ModTime().Unix())})
		}
		d.mu.Unlock()
	}
}

// idOf says which object a file in a folder is; none where the name or the kind of
// file is not ours.
func (d *disk) idOf(folder string, f os.DirEntry) (id uint64, ok bool) {
	id, err := strconv.ParseUint(f.Name(), 16, 64)
	return id, err == nil && f.Type().IsRegular() && d.filePath(id) == filepath.Join(d.objects, folder, f.Name())
}

// foreign removes what is not ours. A folder that has something in it stays.
func (d *disk) foreign(path string) {
	if os.Remove(path) == nil {
		d.corrupt.Add(1)
	}
}

// clearTemp removes what a killed process was writing.
func (d *disk) clearTemp() {
	files, _ := os.ReadDir(d.tmp)
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), d.tag) {
			os.Remove(filepath.Join(d.tmp, f.Name()))
		}
	}
}
