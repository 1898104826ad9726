package proxy

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxylab/proxy/cache"
	"proxylab/proxy/site"
)

// contents is an origin whose /N has N bytes that follow from N. With ?chunked it
// does not say how many; with ?slow the second half comes when release is closed, and
// with ?held all of it when something is put into hold.
type contents struct {
	url     string
	fetched atomic.Int64
	release chan struct{}
	hold    chan struct{}
}

func bytesOf(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(b)
	return b
}

func newContents(t testing.TB) *contents {
	c := &contents{release: make(chan struct{}), hold: make(chan struct{})}
	l := listen(t)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		c.fetched.Add(1)
		body := bytesOf(n)
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(body)))
		if !r.URL.Query().Has("chunked") {
			w.Header().Set("Content-Length", strconv.Itoa(n))
		}
		if r.URL.Query().Has("held") {
			<-c.hold
		}
		w.Write(body[:n/2])
		w.(http.Flusher).Flush()
		if r.URL.Query().Has("slow") {
			<-c.release
		}
		w.Write(body[n/2:])
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-served })
	c.url = "http://" + l.Addr().String()
	return c
}

// getWhole fetches and compares, and gives what the cache says it did.
func getWhole(t testing.TB, client *http.Client, addr, target string) string {
	t.Helper()
	req, err := http.NewRequest("GET", "http://"+addr+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "h"
	res, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer res.Body.Close()
	n, _ := strconv.Atoi(strings.TrimPrefix(strings.TrimSuffix(res.Request.URL.Path, "/"), "/"))
	got, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Equal(got, bytesOf(n)) {
		t.Errorf("%s: %d bytes, or others, of %d: %v", target, len(got), n, err)
	}
	return res.Header.Get("Cache-Status")
}

func onDisk(dir string, disk int) func(*site.Site) {
	return func(s *site.Site) {
		caches(s)
		s.Cache.Dir, s.Cache.Disk, s.Cache.MaxFileSize = dir, disk, disk/2
	}
}

// Bodies of all sizes, with and without a length: whatever becomes of them in the
// store, clients get all of their bytes, and what was stored is a hit.
func TestBodiesOfAllSizes(t *testing.T) {
	for name, store := range map[string]func(*site.Site){"memory": caches, "disk": onDisk(t.TempDir(), 64<<20)} {
		t.Run(name, func(t *testing.T) {
			o := newContents(t)
			p := serve(t, store, o.url)
			client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
			defer client.CloseIdleConnections()
			for _, n := range []int{0, 1, 100, 15 << 10, 16 << 10, 17 << 10, 200 << 10, 1 << 20, 1<<20 + 1, 5 << 20} {
				for _, query := range []string{"", "?chunked"} {
					target := fmt.Sprint("/", n, query)
					stored := name == "disk" || n <= 1<<20
					first := getWhole(t, client, p.addr, target)
					if !strings.Contains(first, "fwd=uri-miss") {
						t.Errorf("%s at first: %s", target, first)
					}
					for range 2 {
						again := getWhole(t, client, p.addr, target)
						if hit := strings.Contains(again, "; hit") || strings.Contains(again, "collapsed"); hit != stored {
							t.Errorf("%s again: %s", target, again)
						}
					}
				}
			}
		})
	}
}

// A thousand who want one cold, slow object at once make one request to the origin,
// and all of them have their first bytes before the origin has sent the last.
func TestAHerdMakesOneFetch(t *testing.T) {
	o := newContents(t)
	p := serve(t, caches, o.url)
	const herd, size = 1000, 100 << 10
	begun := make(chan struct{}, herd)
	var all sync.WaitGroup
	for range herd {
		all.Go(func() {
			c, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Error(err)
				begun <- struct{}{}
				return
			}
			defer c.Close()
			fmt.Fprintf(c, "GET /%d?slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", size)
			first := make([]byte, 1)
			if _, err := io.ReadFull(c, first); err != nil {
				t.Error(err)
			}
			begun <- struct{}{}
			got, err := io.ReadAll(c)
			if err != nil || !bytes.HasSuffix(got, bytesOf(size)) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	patience := time.After(time.Minute)
	for i := range herd {
		select {
		case <-begun:
		case <-patience:
			t.Fatalf("%d of %d have a first byte", i, herd)
		}
	}
	close(o.release)
	all.Wait()
	if n := o.fetched.Load(); n != 1 {
		t.Errorf("%d fetches", n)
	}
	p.stop(t)
	if got, want := p.Tally().Counts(), (cache.Counts{cache.FateMiss: 1, cache.FateCollapsed: herd - 1}); got != want {
		t.Errorf("counted %v, not %v", got, want)
	}
}

// One who does not read keeps nobody from the rest, though it was first.
func TestASlowLeaderKeepsNobodyWaiting(t *testing.T) {
	for name, store := range map[string]func(*site.Site){"memory": caches, "disk": onDisk(t.TempDir(), 256<<20)} {
		t.Run(name, func(t *testing.T) {
			o := newContents(t)
			p := serve(t, store, o.url)
			size := 1 << 20
			if name == "disk" {
				size = 20 << 20
			}
			c, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.(*net.TCPConn).SetReadBuffer(4 << 10)
			fmt.Fprintf(c, "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", size)
			if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			getWhole(t, client, p.addr, fmt.Sprint("/", size))
			if n := o.fetched.Load(); n != 1 {
				t.Errorf("%d fetches", n)
			}
		})
	}
}

// What was stored is there after a restart.
func TestTheDiskOutlivesTheProxy(t *testing.T) {
	o := newContents(t)
	dir := t.TempDir()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for restart := range 2 {
		p := serve(t, onDisk(dir, 64<<20), o.url)
		for _, n := range []int{1000, 5 << 20} {
			target := fmt.Sprint("/", n)
			if status := getWhole(t, client, p.addr, target); strings.Contains(status, "; hit") != (restart == 1) {
				t.Errorf("%s after %d restarts: %s", target, restart, status)
			}
		}
		client.CloseIdleConnections()
		p.stop(t)
	}
	if n := o.fetched.Load(); n != 2 {
		t.Errorf("%d fetches", n)
	}
}

func TestTheLogSaysWhatTheCacheDid(t *testing.T) {
	o := newContents(t)
	p := serve(t, func(s *site.Site) {
		caches(s)
		s.Cache.Bypass = []site.CacheBypass{{Header: "x-bypass"}}
		s.Log.Format = "%m %>s %b %{BALANCER_WORKER_NAME}e %{cache-status}e"
	}, o.url)
	c := dial(t, p.addr)
	for _, request := range []string{
		"GET /4 HTTP/1.1\r\nHost: h\r\n", "GET /4 HTTP/1.1\r\nHost: h\r\n", "GET /4 HTTP/1.1\r\nHost: h\r\nX-Bypass: 1\r\n",
		"GET /4 HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\n", "GET /5 HTTP/1.1\r\nHost: h\r\nCache-Control: only-if-cached\r\n",
		"DELETE /4 HTTP/1.1\r\nHost: h\r\n",
	} {
		ask(t, c, request+"\r\n")
	}
	p.stop(t)
	want := strings.ReplaceAll(`GET 200 4 ORIGIN miss
GET 200 4 - hit
GET 200 4 ORIGIN bypass
GET 206 2 - hit
GET 504 - - error
DELETE 200 4 ORIGIN pass
`, "ORIGIN", o.url)
	if got := p.access.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got, want := p.Tally().Counts(), (cache.Counts{cache.FateHit: 2, cache.FateMiss: 1, cache.FateBypass: 1, cache.FateError: 1, cache.FatePass: 1}); got != want {
		t.Errorf("counted %v, not %v", got, want)
	}
}

func TestFailuresAreCountedAsErrors(t *testing.T) {
	p := serve(t, caches, "http://127.0.0.1:1")
	c := dial(t, p.addr)
	ask(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	p.stop(t)
	if got, want := p.Tally().Counts(), (cache.Counts{cache.FateError: 1}); got != want {
		t.Errorf("counted %v, not %v", got, want)
	}
}
