package store

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
)

var files = flag.Int("files", 5_000/slowness, "how many files the start test has; 1000000 for the real thing")

// TestStartWithManyFiles holds that a store answers before it has read its
// directory: the time to open it and the first hits do not depend on the number of
// files, and each file is found from the beginning.
func TestStartWithManyFiles(t *testing.T) {
	o := Options{Dir: t.TempDir(), Disk: 1 << 40, Memory: 64 << 20}
	s := open(t, o)
	d := s.disk
	path := func(i int) string { return fmt.Sprintf("/%07d", i) }
	var all sync.WaitGroup
	for g := range 4 { // as the writer does, without its queue
		all.Go(func() {
			for i := g; i < *files; i += 4 {
				e := entryOf(t, requestFor(path(i)), 100, epoch)
				body := bodyOf(path(i), 100)
				b := append(header(record(e), 0, 100, xxhash.Sum64(body)), body...)
				name := d.filePath(fileID(e.Key))
				if os.WriteFile(name, b, 0o600) != nil {
					os.MkdirAll(filepath.Dir(name), 0o700)
					if err := os.WriteFile(name, b, 0o600); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	all.Wait()
	s.Close()

	begin := time.Now()
	s = open(t, o)
	opened := time.Since(begin)
	var v Variants
	key := keyOf(path(*files - 1))
	if s.Get(key, &v) != OnDisk || s.Load(key, &v) != Ready {
		t.Error("the last file is not found at once")
	}
	first := time.Since(begin)
	scannedThen := s.Stats().DiskScanned
	var missing atomic.Int64
	count := min(*files, 20_000)
	for g := range 2 {
		all.Go(func() {
			for i := g; i < count; i += 2 {
				if get(t, s, requestFor(path(i*(*files/count))), epoch) == nil {
					missing.Add(1)
				}
			}
		})
	}
	all.Wait()
	hits := time.Since(begin)
	waitScanned(t, s)
	t.Logf("%d files: open %v, first hit %v (scanned: %v), %d hits %v, scanned %v", *files, opened, first, scannedThen, count, hits, time.Since(begin))
	if missing.Load() > 0 {
		t.Errorf("%d of %d are not found", missing.Load(), count)
	}
	if st := s.Stats(); st.DiskFiles != int64(*files) || st.Corrupt != 0 {
		t.Errorf("%d files of %d, %d corrupt", st.DiskFiles, *files, st.Corrupt)
	}
	if s.Get(keyOf("/none"), &v) != Absent {
		t.Error("after the scan, what is not there is looked for in files")
	}
	if opened > 5*time.Second {
		t.Errorf("it takes %v to open", opened)
	}
}
