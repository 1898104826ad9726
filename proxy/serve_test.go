package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"proxylab/proxy/site"
	"proxylab/proxy/socket"
)

// halfServed is a hit of size bytes in a file, of which the client has read the head
// and waits with the rest, so that the proxy cannot write on.
func halfServed(t *testing.T, p *running, c net.Conn, size int) *http.Response {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	for _, want := range []string{"fwd=uri-miss", "; hit"} { // the second one opens the file
		if got := getWhole(t, client, p.addr, fmt.Sprint("/", size)); !strings.Contains(got, want) {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	c.SetDeadline(time.Now().Add(time.Minute))
	smallSendBuffers(t, p, c)
	fmt.Fprintf(c, "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", size)
	res, err := http.ReadResponse(bufio.NewReaderSize(c, 16), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Get("Cache-Status"); !strings.Contains(got, "; hit") {
		t.Fatalf("%s, want a hit", got)
	}
	return res
}

// inLoops counts the connections with an exchange that their loops attend.
func inLoops(p *running) (attended, apart int) {
	var all []*conn
	p.eachConn(func(c *conn) {
		if !c.idle.Load() {
			all = append(all, c)
		}
	})
	for _, c := range all {
		left := make(chan bool, 1)
		if !p.loops[c.at].Do(socket.TaskFunc(func() { left <- c.Left() })) {
			continue
		}
		if <-left {
			apart++
		} else {
			attended++
		}
	}
	return attended, apart
}

func filesIn(t *testing.T, dir string, least int64) (found []string) {
	filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil && info.Size() >= least {
				found = append(found, name)
			}
		}
		return nil
	})
	return found
}

// What the kernel has in memory is sent by the loop. A purge in the middle takes the
// file from nobody who is reading it.
func TestAFileIsPurgedWhileItIsSent(t *testing.T) {
	attended(t)
	const size = 5 << 20
	dir := t.TempDir()
	o := newContents(t)
	p := serve(t, onDisk(dir, 64<<20), o.url)
	res := halfServed(t, p, dial(t, p.addr), size)
	file, err := os.Open(filesIn(t, dir, size)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if in, apart := inLoops(p); socket.Resident(file, 0, size) && (in != 1 || apart != 0) {
		t.Errorf("%d exchanges in loops and %d apart, want one in its loop", in, apart)
	}
	if n, err := p.Cache().PurgeKey(fmt.Appendf(nil, "http://h/%d", size), false); n != 1 || err != nil {
		t.Errorf("purged %d, %v", n, err)
	}
	if left := filesIn(t, dir, size); len(left) > 0 {
		t.Errorf("%v is there still", left)
	}
	got, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Equal(got, bytesOf(size)) {
		t.Errorf("%d bytes, or others, of %d: %v", len(got), size, err)
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	if got := getWhole(t, client, p.addr, fmt.Sprint("/", size)); !strings.Contains(got, "fwd=uri-miss") {
		t.Errorf("after the purge: %s", got)
	}
	eventually(t, "no file is open beside one that may be used again", func() bool { return p.Cache().Stats().OpenFiles <= 1 })
}

// Who reads a file that is cut under it gets a reset, never a short answer that looks
// whole, and the next one a new fetch.
func TestAFileIsCutWhileItIsSent(t *testing.T) {
	attended(t)
	const size = 5 << 20
	dir := t.TempDir()
	o := newContents(t)
	p := serve(t, onDisk(dir, 64<<20), o.url)
	res := halfServed(t, p, dial(t, p.addr), size)
	if err := os.Truncate(filesIn(t, dir, size)[0], size/2); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(res.Body); err == nil || len(got) >= size {
		t.Errorf("%d bytes of a file of %d, %v", len(got), size/2, err)
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	for _, want := range []string{"fwd=uri-miss", "; hit"} {
		if got := getWhole(t, client, p.addr, fmt.Sprint("/", size)); !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A client that reads a hit too slowly is given up, though no write in its loop has
// been measured before the first that had to wait.
func TestSlowReadOfAHitIsCut(t *testing.T) {
	attended(t)
	for name, test := range map[string]struct {
		store func(*site.Site)
		size  int
	}{"memory": {caches, 1 << 20}, "file": {onDisk(t.TempDir(), 64<<20), 5 << 20}} {
		t.Run(name, func(t *testing.T) {
			o := newContents(t)
			p := serve(t, func(s *site.Site) {
				test.store(s)
				s.Limits.Timeout = 500 * time.Millisecond
				s.Limits.MinReadRate = 1 << 30
			}, o.url)
			res := halfServed(t, p, narrow(t, p.addr), test.size)
			buf := make([]byte, 512)
			for {
				if _, err := res.Body.Read(buf); err != nil {
					if !errors.Is(err, syscall.ECONNRESET) {
						t.Errorf("error %v, want a reset", err)
					}
					break
				}
				time.Sleep(5 * time.Millisecond)
			}
			eventually(t, "the connection is given up", func() bool {
				in, apart := inLoops(p)
				return in+apart == 0
			})
		})
	}
}
