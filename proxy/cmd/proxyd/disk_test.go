package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a file system of 2 MiB for the length of the test. Where that is not
// allowed the test is skipped, but in CI it fails.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no file system can be mounted: ", err)
		}
		t.Skip("no file system can be mounted, which root may: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// askForAll wants all names, and all of their bytes.
func (p *program) askForAll(t *testing.T) {
	t.Helper()
	for name := range names {
		if status, err := p.ask(name, "max-age=3600"); status != 200 || err != nil {
			t.Fatalf("/%d: status %d, %v", name, status, err)
		}
	}
}

func (p *program) end(t *testing.T) {
	t.Helper()
	p.client.CloseIdleConnections()
	p.Process.Signal(syscall.SIGTERM)
	if err := p.Wait(); err != nil {
		t.Errorf("%v: %s", err, &p.notes)
	}
}

// The disk of the cache gets full under load. Clients notice nothing, the operator is
// told once; and when there is room again files are written again.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t)
	p := startProxyd(t, "--listen", "127.0.0.1:0", "--backend", originOfNames(t), "--cache-dir", filepath.Join(dir, "cache"))
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	const full, well = "cannot be written to", "can be written to again"
	p.askForAll(t)
	p.askForAll(t)
	if n := strings.Count(p.notes.String(), full); n != 1 {
		t.Errorf("said %d times: %s", n, &p.notes)
	}
	if status, err := p.ask(3, "only-if-cached"); status != 200 || err != nil {
		t.Errorf("what is in memory is not a hit: status %d, %v", status, err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !strings.Contains(p.notes.String(), well); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no file is written again: %s", &p.notes)
		}
		if status, err := p.ask(11, "no-cache"); status != 200 || err != nil {
			t.Fatalf("status %d, %v", status, err)
		}
	}
	p.end(t)
}

// The disk of the cache cannot be written to from the beginning: what is stored is in
// memory, and the operator is told once.
func TestReadOnlyDisk(t *testing.T) {
	dir := smallDisk(t)
	cache := filepath.Join(dir, "cache")
	origin := originOfNames(t)
	p := startProxyd(t, "--listen", "127.0.0.1:0", "--backend", origin, "--cache-dir", cache)
	if status, err := p.ask(3, "max-age=3600"); status != 200 || err != nil {
		t.Fatalf("status %d, %v", status, err)
	}
	p.end(t)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	p = startProxyd(t, "--listen", "127.0.0.1:0", "--backend", origin, "--cache-dir", cache)
	p.askForAll(t)
	if status, err := p.ask(5, "only-if-cached"); status != 200 || err != nil {
		t.Errorf("what is in memory is not a hit: status %d, %v", status, err)
	}
	p.end(t)
	if n := strings.Count(p.notes.String(), "read-only"); n != 1 || !strings.Contains(p.notes.String(), "caching in memory only") {
		t.Errorf("said %d times: %s", n, &p.notes)
	}
}
