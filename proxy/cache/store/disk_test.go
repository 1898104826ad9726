package store

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"proxylab/proxy/cache"
)

func TestFoundAfterARestart(t *testing.T) {
	o := Options{Dir: t.TempDir(), Object: 10_000}
	s := open(t, o)
	sizes := []int{0, 1, 5000, 50_000, 500_000}
	for _, size := range sizes {
		name := fmt.Sprint("/", size)
		put(t, s, requestFor(name, "Accept-Encoding: br, gzip"), bodyOf(name, size), epoch, "Vary: Accept-Encoding")
		put(t, s, requestFor(name), bodyOf(name+"plain", size), epoch, "Vary: Accept-Encoding")
	}
	s.Close()
	s = open(t, o)
	for _, size := range sizes {
		name := fmt.Sprint("/", size)
		if got := get(t, s, requestFor(name, "Accept-Encoding: GZIP,br"), epoch); !bytes.Equal(got, bodyOf(name, size)) || got == nil {
			t.Errorf("%d bytes: %d found", size, len(got))
		}
		if got := get(t, s, requestFor(name), epoch); !bytes.Equal(got, bodyOf(name+"plain", size)) || got == nil {
			t.Errorf("%d bytes, the other variant: %d found", size, len(got))
		}
	}
	other := open(t, o)
	if other.disk != nil {
		t.Error("a second store uses the directory")
	}
	if !put(t, other, requestFor("/"), []byte("x"), epoch) {
		t.Error("a store whose directory is in use stores nothing in memory")
	}
}

// TestNoFileIsAnAnswerThatIsNotAsItWasWritten flips each bit of a file, cuts it at
// each length, lengthens it, and puts another one in its place.
func TestNoFileIsAnAnswerThatIsNotAsItWasWritten(t *testing.T) {
	for _, kind := range []struct {
		name   string
		object int64
	}{{"small", 1000}, {"large", 100}} {
		t.Run(kind.name, func(t *testing.T) {
			o := Options{Dir: t.TempDir(), Memory: 1 << 20, Object: kind.object}
			s := open(t, o)
			body := bodyOf("/f", 300)
			q := requestFor("/f", "Accept-Encoding: br")
			path := s.disk.filePath(fileID(keyOf("/f")))
			put(t, s, q, body, epoch, "Vary: Accept-Encoding")
			s.Flush()
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			put(t, s, requestFor("/other"), body, epoch)
			s.Flush()
			other, err := os.ReadFile(s.disk.filePath(fileID(keyOf("/other"))))
			if err != nil {
				t.Fatal(err)
			}
			area := areaFor(len(record(entryOf(t, q, 300, epoch, "Vary: Accept-Encoding"))))
			unused := func(i int) bool { return i >= area-roundUp(area, whole) && i < area }
			s.Close()
			// One store for each change would start anew as a process does, but takes
			// long; instead the store forgets all it knows of the file.
			s = open(t, o)
			waitScanned(t, s)
			try := func(what string, b []byte, harmless bool) {
				t.Helper()
				s.memory.InvalidateAll()
				s.disk.unlist(fileID(keyOf("/f")))
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
				s.disk.mu.Lock()
				s.disk.list(fileID(keyOf("/f")), int64(len(b)), meta{})
				s.disk.mu.Unlock()
				corrupt := s.Stats().Corrupt
				got := get(t, s, q, epoch)
				if harmless {
					if !bytes.Equal(got, body) {
						t.Fatalf("%s: not found", what)
					}
					return
				}
				if got != nil {
					t.Fatalf("%s: answered with %d bytes", what, len(got))
				}
				if _, err := os.Stat(path); err == nil || s.Stats().Corrupt != corrupt+1 {
					t.Fatalf("%s: not removed, or %d counted", what, s.Stats().Corrupt-corrupt)
				}
			}
			try("as it was", whole, true)
			for i := range whole {
				b := bytes.Clone(whole)
				b[i] ^= 1 << (i % 8)
				try(fmt.Sprintf("a bit of byte %d", i), b, unused(i))
			}
			for i := range whole {
				try(fmt.Sprintf("cut at %d", i), whole[:i], false)
			}
			try("a byte longer", append(bytes.Clone(whole), 0), false)
			try("zeros", make([]byte, len(whole)), false)
			try("the file of another key", other, false)
			try("a foreign file", []byte("#!/bin/sh\n"+strings.Repeat("echo\n", 300)), false)
			try("as it was", whole, true)
		})
	}
}

// roundUp is how many bytes before the body hold nothing.
func roundUp(area int, whole []byte) int {
	record := int(whole[12]) | int(whole[13])<<8
	return area - headerSize - record
}

func TestForeignNamesAreRemovedOnlyWhereFilesAre(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"mine.txt", "objects/abc/readme", "objects/abc/0123456789abcdef", "tmp/half"} {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700)
		os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600)
	}
	s := open(t, Options{Dir: dir})
	waitScanned(t, s)
	var left []string
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if name, _ := filepath.Rel(dir, path); !d.IsDir() && name != "lock" {
			left = append(left, name)
		}
		return nil
	})
	if len(left) != 1 || left[0] != "mine.txt" {
		t.Errorf("left: %v", left)
	}
}

func TestDiskIsBounded(t *testing.T) {
	const bound = 4 << 20
	c := newClock()
	s := open(t, Options{Dir: t.TempDir(), Memory: 1 << 20, Disk: bound, Now: c.now})
	hot := func() {
		for i := range 20 {
			s.memory.Invalidate(s.hash(keyOf(fmt.Sprint("/hot", i))))
			get(t, s, requestFor(fmt.Sprint("/hot", i)), epoch)
		}
	}
	for i := range 20 {
		put(t, s, requestFor(fmt.Sprint("/hot", i)), bodyOf("", 3000), epoch)
	}
	s.Flush()
	for range 10 {
		hot()
	}
	for i := range 1500 { // twice as many as there is room for
		c.add(time.Second)
		put(t, s, requestFor(fmt.Sprint("/", i)), bodyOf("", i%8000), epoch)
		if i%100 == 0 {
			s.Flush()
		}
	}
	s.Flush()
	size := int64(0)
	filepath.WalkDir(s.disk.objects, func(path string, d os.DirEntry, err error) error {
		if info, err := d.Info(); err == nil && !d.IsDir() {
			size += info.Size()
		}
		return nil
	})
	st := s.Stats()
	if size > bound || st.DiskBytes > bound || st.DiskBytes < bound/2 || st.DiskEvicted == 0 {
		t.Errorf("%d bytes in files, %d counted, of %d; %d evicted", size, st.DiskBytes, bound, st.DiskEvicted)
	}
	s.memory.InvalidateAll()
	found := 0
	for i := range 20 {
		if get(t, s, requestFor(fmt.Sprint("/hot", i)), epoch) != nil {
			found++
		}
	}
	if found < 18 {
		t.Errorf("of 20 files that were read often %d are left, after 1,500 that were not", found)
	}
}

// TestDirectoryThatCannotBeWrittenTo takes the folder away that files are written
// in, and brings it back: who may do anything, as root, cannot be forbidden to write.
func TestDirectoryThatCannotBeWrittenTo(t *testing.T) {
	var log bytes.Buffer
	c := newClock()
	s := open(t, Options{
		Dir: t.TempDir(), Memory: 8 << 20, Object: 10_000, Now: c.now,
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	put(t, s, requestFor("/before"), bodyOf("/before", 500), c.now())
	s.Flush()
	away := s.disk.tmp + ".away"
	os.Rename(s.disk.tmp, away)
	for i := range 50 {
		name := fmt.Sprint("/", i)
		put(t, s, requestFor(name), bodyOf(name, 500), c.now())
		if got := get(t, s, requestFor(name), c.now()); !bytes.Equal(got, bodyOf(name, 500)) {
			t.Fatalf("%s: %d bytes", name, len(got))
		}
		if i == 0 {
			s.Flush()
		}
	}
	if put(t, s, requestFor("/large"), bodyOf("/large", 50_000), c.now()) {
		t.Error("a large body is stored")
	}
	s.Flush()
	s.memory.InvalidateAll()
	if got := get(t, s, requestFor("/before"), c.now()); !bytes.Equal(got, bodyOf("/before", 500)) {
		t.Error("what was written before is not found")
	}
	if n := strings.Count(log.String(), "cannot be written to"); n != 1 {
		t.Errorf("said %d times: %s", n, &log)
	}
	if st := s.Stats(); st.Dropped < 50 {
		t.Errorf("%d dropped", st.Dropped)
	}
	os.Rename(away, s.disk.tmp)
	c.add(time.Minute)
	put(t, s, requestFor("/after"), bodyOf("/after", 500), c.now())
	s.Flush()
	s.memory.InvalidateAll()
	if got := get(t, s, requestFor("/after"), c.now()); !bytes.Equal(got, bodyOf("/after", 500)) || !strings.Contains(log.String(), "again") {
		t.Errorf("it is not written to again: %s", &log)
	}
}

func TestNoDirectory(t *testing.T) {
	var log bytes.Buffer
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o600)
	s := open(t, Options{Dir: filepath.Join(file, "cache"), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if !put(t, s, requestFor("/"), []byte("x"), epoch) || get(t, s, requestFor("/"), epoch) == nil {
		t.Error("not stored in memory")
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "memory only") {
		t.Errorf("said: %s", &log)
	}
}

// TestFullDisk has a large body go to a device that is full.
func TestFullDisk(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir(), Memory: 8 << 20, Object: 10_000})
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no /dev/full")
	}
	tmp, err := s.disk.newTemp(300)
	if err != nil {
		t.Fatal(err)
	}
	tmp.file.Close()
	tmp.file = full
	e := entryOf(t, requestFor("/a"), 2*tailSize, epoch)
	f := s.Take(e.Key, &Variants{}, &cache.Taken{Fill: e})
	f.temp = tmp
	if _, err := f.Write(make([]byte, 100)); err != nil { // it is not written yet
		t.Error(err)
	}
	if _, err := f.Write(make([]byte, tailSize)); err != ErrTooLarge || f.Commit(e) {
		t.Errorf("written to a full disk: %v", err)
	}
	if !s.disk.trouble.since.Load() {
		t.Errorf("nothing is said of %v", syscall.ENOSPC)
	}
	if !put(t, s, requestFor("/b"), []byte("b"), epoch) || get(t, s, requestFor("/b"), epoch) == nil {
		t.Error("memory does not go on")
	}
}

func TestOpenFilesAreBounded(t *testing.T) {
	const bound = 8
	s := open(t, Options{Dir: t.TempDir(), Memory: 1 << 20, Object: 100, Files: bound})
	for i := range 3 * bound {
		name := fmt.Sprint("/", i)
		put(t, s, requestFor(name), bodyOf(name, 1000), epoch)
	}
	var open []Body
	busy := 0
	var v Variants
	for i := range 3 * bound {
		key := keyOf(fmt.Sprint("/", i))
		if s.Get(key, &v) == OnDisk {
			s.Load(key, &v)
		}
		if len(v.Entries) == 0 {
			t.Fatalf("%s is not found", key)
		}
		b, err := s.Body(&v, v.Entries[0])
		if err == ErrBusy {
			busy++
			continue
		}
		again, err2 := s.Body(&v, v.Entries[0])
		if err != nil || err2 != nil || again.File != b.File {
			t.Fatal("not shared: ", err, err2)
		}
		again.Close()
		open = append(open, b)
	}
	if n := s.Stats().OpenFiles; n > bound || busy != 2*bound {
		t.Errorf("%d files are open, of %d; %d were refused", n, bound, busy)
	}
	for i := range open {
		open[i].Close()
	}
	if n := s.Stats().OpenFiles; n > bound/2 {
		t.Errorf("%d files stay open", n)
	}
	for i := range 3 * bound {
		name := fmt.Sprint("/", i)
		if got := get(t, s, requestFor(name), epoch); !bytes.Equal(got, bodyOf(name, 1000)) {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
}

// TestReplacedWhileItIsRead has another response take the place of one that is
// about to be sent, and of one that is being sent.
func TestReplacedWhileItIsRead(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir(), Memory: 1 << 20, Object: 100})
	q, old, fresh := requestFor("/r"), bodyOf("old", 5000), bodyOf("new", 5000)
	put(t, s, q, old, epoch)
	var v Variants
	s.Get(keyOf("/r"), &v)
	b, err := s.Body(&v, v.Entries[0])
	if err != nil {
		t.Fatal(err)
	}
	s.Update(keyOf("/r"), &v, []cache.Update{{Old: v.Entries[0], From: v.Entries[0]}})
	put(t, s, q, fresh, epoch.Add(time.Second))
	got := make([]byte, b.Size)
	b.ReadAt(got, 0)
	b.Close()
	if !bytes.Equal(got, old) {
		t.Error("what was being sent has changed")
	}
	if _, err := s.Body(&v, v.Entries[0]); err != ErrGone {
		t.Errorf("the head of one response gets the body of another: %v", err)
	}
	if got := get(t, s, q, epoch.Add(time.Second)); !bytes.Equal(got, fresh) {
		t.Error("the new one is not found")
	}
	if n := s.Stats().OpenFiles; n != 1 {
		t.Errorf("%d files are open", n)
	}
}

// TestRemovedWhileItIsWritten removes an object whose file is being written.
func TestRemovedWhileItIsWritten(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	e := entryOf(t, requestFor("/a"), 1, epoch)
	o := &object{record: record(e), body: []byte("a"), size: 1, id: fileID(e.Key)}
	s.disk.mu.Lock()
	s.disk.pending[o.id] = o
	s.disk.mu.Unlock()
	s.Remove(e.Key)
	s.disk.writeNow(o)
	if _, err := os.Stat(s.disk.filePath(o.id)); err == nil {
		t.Error("it has its place")
	}
	if left, _ := os.ReadDir(s.disk.tmp); len(left) > 0 {
		t.Error("a file is left")
	}
}
