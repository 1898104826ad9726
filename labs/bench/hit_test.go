package bench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// cacheBefore is a cache of the simplest kind before an origin, which stores as
// keep says, and spoils what it stores as spoil says.
func cacheBefore(origin string, keep func(path string) bool, spoil func(b []byte)) http.Handler {
	var mu sync.Mutex
	stored := map[string][]byte{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		b := stored[r.URL.Path]
		mu.Unlock()
		if b == nil {
			res, err := http.Get("http://" + origin + r.URL.Path)
			if err != nil {
				w.WriteHeader(502)
				return
			}
			defer res.Body.Close()
			b, _ = io.ReadAll(res.Body)
			if keep(r.URL.Path) {
				kept := append([]byte(nil), b...)
				spoil(kept)
				mu.Lock()
				stored[r.URL.Path] = kept
				mu.Unlock()
			}
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		w.Write(b)
	})
}

// benchBefore is a bench whose origin is served here, and the place of a system.
func benchBefore(t *testing.T, system func(origin string) http.Handler) (*bench, *place) {
	o := httptest.NewServer(serveContent())
	t.Cleanup(o.Close)
	b := &bench{origin: o.Listener.Addr().String()}
	s := httptest.NewServer(system(b.origin))
	t.Cleanup(s.Close)
	return b, &place{
		Port: s.Listener.Addr().(*net.TCPAddr).Port,
		Case: Case{Name: "case=hit/size=1k", Size: "1k", Conns: 4, Hit: true},
	}
}

func TestOnlyHitsAreMeasuredAsHits(t *testing.T) {
	always, never := func(string) bool { return true }, func(string) bool { return false }
	whole := func([]byte) {}
	for _, tt := range []struct {
		claim string
		keep  func(string) bool
		spoil func([]byte)
		want  string
	}{
		{"kept", always, whole, ""},
		{"another byte at the end", always, func(b []byte) { b[len(b)-1]++ }, "not those of the origin"},
	} {
		b, at := benchBefore(t, func(origin string) http.Handler { return cacheBefore(origin, tt.keep, tt.spoil) })
		err := b.awaitHit(t.Context(), at)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.claim, err, tt.want)
		}
	}
	b, at := benchBefore(t, func(origin string) http.Handler { return cacheBefore(origin, never, whole) })
	if err := b.unasked(t.Context(), func() error { return right(t.Context(), at.Case, at.Port) }); !errors.Is(err, errAsked) {
		t.Errorf("what is not kept: %v, want that the origin was asked", err)
	}
}

func TestManyObjectsAreEachAHit(t *testing.T) {
	keep := func(path string) bool { return path != "/many/17" }
	b, at := benchBefore(t, func(origin string) http.Handler { return cacheBefore(origin, keep, func([]byte) {}) })
	ask := func(from, to int) func() error {
		return func() error { return askMany(t.Context(), at, sequence(from, to)) }
	}
	if err := b.unasked(t.Context(), ask(0, 50)); !errors.Is(err, errAsked) || !strings.Contains(err.Error(), "50 requests") {
		t.Errorf("50 new objects: %v", err)
	}
	if err := b.unasked(t.Context(), ask(20, 50)); err != nil {
		t.Errorf("30 of them again: %v", err)
	}
	if err := b.unasked(t.Context(), ask(0, 50)); !errors.Is(err, errAsked) || !strings.Contains(err.Error(), "1 requests") {
		t.Errorf("one was not kept: %v", err)
	}
}

func TestManyObjectsHaveTheirBytesCompared(t *testing.T) {
	b, at := benchBefore(t, func(origin string) http.Handler {
		return cacheBefore(origin, func(string) bool { return true }, func(b []byte) { b[0]++ })
	})
	if err := b.unasked(t.Context(), func() error { return askMany(t.Context(), at, random(8, 1)) }); err == nil || !strings.Contains(err.Error(), "not those of the origin") {
		t.Errorf("a byte of a hit is another: %v", err)
	}
}

func TestCountOfRequests(t *testing.T) {
	const status = "Active connections: 1 \nserver accepts handled requests\n 7 8 31 \nReading: 0 Writing: 1 Waiting: 0 \n"
	if n, err := parseCount(status); err != nil || n != 31 {
		t.Errorf("%d, %v; want 31", n, err)
	}
	for _, text := range []string{"", "404 not found", "server accepts handled requests\n 7 8\n", strings.Replace(status, "31", "x", 1)} {
		if n, err := parseCount(text); err == nil {
			t.Errorf("%q is %d, want an error", text, n)
		}
	}
}

func TestFilesAndWhatTheyTakeUp(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a/b"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "a/two", "a/b/three"} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, 5000), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "lock"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	n, taken, err := filesBelow(dir)
	if err != nil || n != 3 || taken < 15000 || taken > 100_000 {
		t.Errorf("%d files with something in them and %d bytes, %v; want 3 and their blocks", n, taken, err)
	}
}
