//go:build linux && !portable

package socket

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// narrowed has the kernel hold little of what s writes, so that a call takes a part.
func narrowed(t *testing.T) (*Socket, *net.TCPConn) {
	s, c := pair(t, running(t))
	s.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 16<<10) })
	return s, c
}

// Wherever a call ends, in the first part, at its end or in the second, the peer gets
// both as they are.
func TestBothAreWritten(t *testing.T) {
	bytesOf := func(n int) []byte {
		b := make([]byte, n)
		rand.NewChaCha8([32]byte{byte(n)}).Read(b)
		return b
	}
	for _, size := range [][2]int{{1, 1}, {300, 100_000}, {1 << 20, 3}, {1 << 20, 1 << 20}, {4096, 1 << 20}} {
		s, c := narrowed(t)
		a, b := bytesOf(size[0]), bytesOf(size[1] + 1)[:size[1]]
		var both sync.WaitGroup
		both.Go(func() {
			if n, err := s.WriteBoth(a, b); n != len(a)+len(b) || err != nil {
				t.Errorf("%v: wrote %d, %v", size, n, err)
			}
			s.CloseWrite()
		})
		got, err := io.ReadAll(c)
		both.Wait()
		if err != nil || !bytes.Equal(got, append(a, b...)) {
			t.Errorf("%v: the peer read %d bytes, or others, %v", size, len(got), err)
		}
	}
}

// Where the peer reads nothing, n is what went out of both together.
func TestBothInPart(t *testing.T) {
	for _, first := range []int{100, 32 << 20} {
		s, c := narrowed(t)
		a, b := bytes.Repeat([]byte("a"), first), bytes.Repeat([]byte("b"), 32<<20)
		s.Interrupt() // no call waits
		n, err := s.WriteBoth(a, b)
		if err == nil || n <= 0 || n >= len(a)+len(b) {
			t.Fatalf("wrote %d, %v; want a part, and a timeout", n, err)
		}
		if rest := n - first; (rest > 0) != (first == 100) {
			t.Errorf("%d bytes of both, of which the first has %d", n, first)
		}
		s.CloseWrite()
		got, err := io.ReadAll(c)
		if want := append(a, b...)[:n]; err != nil || !bytes.Equal(got, want) {
			t.Errorf("the peer read %d bytes, or others, where %d went out: %v", len(got), n, err)
		}
	}
}

// What was written is in memory; what is beyond the end of a file, or was never read
// from a hole, is not.
func TestResident(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 300_001
	if _, err := f.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if !Resident(f, 0, size) {
		if !Resident(f, 0, 1) {
			t.Skip("the kernel does not tell")
		}
		t.Error("what was just written is not resident")
	}
	for _, r := range [][2]int64{{0, 1}, {4095, 2}, {size - 1, 1}, {100_000, 100_000}} {
		if !Resident(f, r[0], r[1]) {
			t.Errorf("%d bytes at %d are not resident", r[1], r[0])
		}
	}
	if err := f.Truncate(10 << 20); err != nil {
		t.Fatal(err)
	}
	if Resident(f, 0, 10<<20) || Resident(f, 5<<20, 1) {
		t.Error("a hole is resident")
	}
}

// BenchmarkResident is what a loop takes to ask for a window of 4 MiB.
func BenchmarkResident(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "f"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const size = 4 << 20
	for range size / (64 << 10) {
		f.Write(make([]byte, 64<<10))
	}
	for b.Loop() {
		Resident(f, 0, size)
	}
}
