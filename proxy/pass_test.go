package proxy

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
	"proxylab/proxy/site"
)

// filesBelow is what all files below a directory take up, now.
func filesBelow(dir string) (n int64) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// slowly reads with pauses.
type slowly struct{ io.Reader }

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return s.Reader.Read(p)
}

// A response without a length goes far beyond what may be stored, while several follow
// it, one of them slowly. All get all of it, as it comes; the file does not outgrow
// maxfilesize, and there is nothing to find afterwards.
func TestFollowersOfWhatOutgrowsTheStore(t *testing.T) {
	const size, clients = 12 << 20, 4
	for _, name := range []string{"memory", "disk"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			o := newContents(t)
			p := serve(t, func(s *site.Site) {
				caches(s)
				if name == "disk" {
					s.Cache.Dir, s.Cache.Disk, s.Cache.MaxFileSize = dir, 256<<20, 2<<20
				}
			}, o.url)
			want := sha256.Sum256(bytesOf(size))
			var all, halves sync.WaitGroup
			halves.Add(clients)
			for i := range clients {
				all.Go(func() {
					half := sync.OnceFunc(halves.Done)
					defer half()
					c, err := net.Dial("tcp", p.addr)
					if err != nil {
						t.Error(err)
						return
					}
					defer c.Close()
					c.SetDeadline(time.Now().Add(time.Minute))
					fmt.Fprintf(c, "GET /%d?chunked&held&slow HTTP/1.1\r\nHost: h\r\n\r\n", size)
					res, err := http.ReadResponse(bufio.NewReader(c), nil)
					if err != nil {
						t.Error(err)
						return
					}
					sum, body := sha256.New(), io.Reader(res.Body)
					if i == 0 {
						body = slowly{body}
					}
					if _, err := io.CopyN(sum, body, size/2); err != nil { // the origin holds the rest back
						t.Errorf("the first half: %v", err)
						return
					}
					half()
					if _, err := io.Copy(sum, body); err != nil || !bytes.Equal(sum.Sum(nil), want[:]) {
						t.Errorf("client %d has other bytes, or %v", i, err)
					}
				})
			}
			eventually(t, "all have asked", func() bool {
				busy := 0
				p.eachConn(func(c *conn) {
					if !c.idle.Load() {
						busy++
					}
				})
				return busy == clients && o.fetched.Load() == 1
			})
			time.Sleep(50 * time.Millisecond) // those who asked wait for it by now
			o.hold <- struct{}{}
			halves.Wait()
			if n := filesBelow(dir); n > 2<<20+64<<10 {
				t.Errorf("files of %d bytes", n)
			}
			close(o.release)
			all.Wait()
			if n := o.fetched.Load(); n != 1 {
				t.Errorf("%d fetches", n)
			}
			p.stop(t)
			if n := filesBelow(dir); n > 64<<10 {
				t.Errorf("files of %d bytes are left", n)
			}
			if got, want := p.Tally().Counts(), (cache.Counts{cache.FateMiss: 1, cache.FateCollapsed: clients - 1}); got != want {
				t.Errorf("counted %v, not %v", got, want)
			}
		})
	}
}

// A stored body ends before its entry says so, each time it is looked at. Such an
// answer is a miss, and where it stands in for an error it does so once.
func TestAStoredBodyThatBreaks(t *testing.T) {
	var failing atomic.Bool
	o := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if failing.Load() {
			w.WriteHeader(503)
			return
		}
		w.Header().Set("Cache-Control", "max-age=3600, stale-if-error=3600")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(bytesOf(1000)))
	}))
	defer o.Close()
	p := serve(t, caches, o.URL)
	c := dial(t, p.addr)
	request := "GET /a HTTP/1.1\r\nHost: h\r\n"
	ask(t, c, request+"\r\n")
	key := []byte("http://h/a")
	var v store.Variants
	if p.Cache().Get(key, &v) != store.Ready {
		t.Fatal("not stored")
	}
	longer := *v.Entries[0]
	longer.Total *= 2
	p.Cache().Update(key, &v, []cache.Update{{Old: v.Entries[0], New: &longer}})
	ranged := request + "Range: bytes=1000-1010\r\n"
	if status, _ := ask(t, c, ranged+"Cache-Control: only-if-cached\r\n\r\n"); status != 504 {
		t.Errorf("only-if-cached: %d", status)
	}
	if status, _ := ask(t, c, ranged+"\r\n"); status != 416 {
		t.Errorf("from the origin: %d", status)
	}
	failing.Store(true)
	if status, _ := ask(t, c, ranged+"\r\n"); status != 503 && status != 502 {
		t.Errorf("while the origin fails: %d", status)
	}
	if status, _ := ask(t, c, request+"Cache-Control: max-age=0\r\nRange: bytes=1000-1010\r\n\r\n"); status != 502 {
		t.Errorf("in the place of an error: %d", status)
	}
}

// The missing part of a stored response comes when all the memory for what is coming is
// taken. Who asked gets the whole all the same.
func TestNoRoomForWhatCompletes(t *testing.T) {
	const first, total = 10_000, 24_000
	slow := newContents(t)
	defer close(slow.release)
	body := bytesOf(total)
	o := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}))
	defer o.Close()
	p := serve(t, func(s *site.Site) {
		caches(s)
		s.Cache.Memory = 1 << 20
		s.Balancers = append(s.Balancers, s.Balancers[0])
		s.Balancers[1].Name = "slow"
		s.Balancers[1].Members = append([]site.Member{}, s.Balancers[0].Members...)
		s.Balancers[1].Members[0].URL = slow.url
		s.Routes = append([]site.Route{{Path: "/62500", To: "balancer://slow/62500"}}, s.Routes...)
	}, o.URL)
	c := dial(t, p.addr)
	if status, _ := ask(t, c, fmt.Sprintf("GET /a HTTP/1.1\r\nHost: h\r\nRange: bytes=0-%d\r\n\r\n", first-1)); status != 206 {
		t.Fatal(status)
	}
	for i := range 4 {
		taker := dial(t, p.addr)
		fmt.Fprintf(taker, "GET /62500?slow&%d HTTP/1.1\r\nHost: h\r\n\r\n", i)
		if _, err := io.ReadFull(taker, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprint(c, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	if res.StatusCode != 200 || err != nil || !bytes.Equal(got, body) {
		t.Errorf("%s, %d bytes, %v", res.Status, len(got), err)
	}
	if s := res.Header.Get("Cache-Status"); !strings.Contains(s, "fwd=partial") || strings.Contains(s, "stored") {
		t.Errorf("Cache-Status: %s", s)
	}
}
