package proxy

import (
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxylab/proxy/site"
)

// A script is what an end does with its connection before it lets go of it. over
// ends when the proxy is at rest: until then a script can stall.
type script func(c *net.TCPConn, over <-chan struct{})

// A broken exchange is one that an end kills, or in which it goes silent.
type broken struct {
	name           string
	client, origin script
	originTold     bool // the origin's scripts end when the proxy has given up; else the client's
}

// A body that is never whole: head, a part, and what can follow for ever.
type endlessBody struct{ name, part, more string }

var (
	kilobyte      = strings.Repeat("x", 1000)
	endlessBodies = []endlessBody{
		{"small", "Content-Length: 1000\r\n\r\n" + kilobyte[:500], ""},
		{"spliced", "Content-Length: 1000000000\r\n\r\n" + strings.Repeat(kilobyte, 200), strings.Repeat(kilobyte, 64)},
		{"chunked", "Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + kilobyte + "\r\n", strings.Repeat("3e8\r\n"+kilobyte+"\r\n", 64)},
		{"until close", "\r\n" + kilobyte, strings.Repeat(kilobyte, 64)},
	}
	tunnelled = endlessBody{more: strings.Repeat(kilobyte, 64)}
)

// brokenExchanges are all combinations of who, what and where.
func brokenExchanges() (all []broken) {
	add := func(name string, client, origin script) {
		all = append(all, broken{name, client, origin, strings.HasSuffix(name, "the client stalls")})
	}
	for _, body := range endlessBodies {
		asks := sends("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n") // a 502 ends it, too
		answers := then(awaitsHead, sends("HTTP/1.1 200 OK\r\n"+body.part))
		add(body.name+" download, the origin is killed", then(asks, reads), then(answers, killed))
		add(body.name+" download, the origin stalls", then(asks, reads), then(answers, stalls))
		add(body.name+" download, the client is killed", then(asks, readsSome, killed), then(answers, floods(body), reads))
		if body.more != "" {
			add(body.name+" download, the client stalls", then(asks, stalls), then(answers, floods(body)))
		}
		if body.name == "until close" {
			continue
		}
		posts := sends("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + body.part)
		add(body.name+" upload, the client is killed", then(posts, killed), reads)
		if body.more == "" { // no member hears of it, but the client is told
			add(body.name+" upload, the client sends no more", then(posts, reads), reads)
		} else {
			add(body.name+" upload, the client stalls", then(posts, stalls), reads)
		}
		add(body.name+" upload, the origin is killed", then(posts, floods(body), reads), then(awaitsHead, killed))
		add(body.name+" upload, the origin stalls", then(posts, floods(body), reads), then(awaitsHead, stalls))
	}
	opens := then(sends("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"), awaitsHead)
	accepts := then(awaitsHead, sends("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"))
	add("tunnel, the origin is killed", then(opens, floods(tunnelled)), then(accepts, killed))
	add("tunnel, the origin stalls", then(opens, floods(tunnelled)), then(accepts, stalls))
	add("tunnel, the client is killed", then(opens, killed), then(accepts, floods(tunnelled)))
	add("tunnel, the client stalls", then(opens, stalls), then(accepts, floods(tunnelled)))
	add("tunnel, both are silent", then(opens, reads), then(accepts, reads))
	add("tunnel, the origin stalls behind a half-close", then(opens, halfCloses, reads), then(accepts, stalls))
	return all
}

func then(steps ...script) script {
	return func(c *net.TCPConn, over <-chan struct{}) {
		for _, s := range steps {
			s(c, over)
		}
	}
}

func sends(s string) script {
	return func(c *net.TCPConn, _ <-chan struct{}) { io.WriteString(c, s) }
}

// floods sends more of the body until the peer takes no more.
func floods(b endlessBody) script {
	return func(c *net.TCPConn, _ <-chan struct{}) {
		for b.more != "" {
			if _, err := io.WriteString(c, b.more); err != nil {
				return
			}
		}
	}
}

func readsSome(c *net.TCPConn, _ <-chan struct{}) { c.Read(make([]byte, 100)) }

func reads(c *net.TCPConn, _ <-chan struct{}) { io.Copy(io.Discard, struct{ io.Reader }{c}) }

func stalls(_ *net.TCPConn, over <-chan struct{}) { <-over }

func halfCloses(c *net.TCPConn, _ <-chan struct{}) { c.CloseWrite() }

// killed is what the peer sees of a process that ends with bytes unread.
func killed(c *net.TCPConn, _ <-chan struct{}) { c.SetLinger(0); c.Close() }

// Whoever is killed or goes silent in the middle of an exchange, nothing of it is
// left: no connection, slot, member that counts as busy, goroutine (TestMain),
// descriptor, or memory.
func TestBrokenExchangesLeaveNothing(t *testing.T) {
	all := brokenExchanges()
	breakExchanges(t, all[0], nil) // what the first leaves is there once
	files, heap := openFiles(t), liveHeap()
	for _, b := range all {
		t.Run(b.name, func(t *testing.T) { breakExchanges(t, b, nil) })
		t.Run("cached "+b.name, func(t *testing.T) {
			breakExchanges(t, b, func(s *site.Site) {
				caches(s)
				s.Cache.TTL = []site.CacheTTL{{For: time.Minute}}
			})
		})
	}
	eventually(t, "no more descriptors are open than before", func() bool { return openFiles(t) <= files })
	if now := liveHeap(); now > heap+1<<20 {
		t.Errorf("%d bytes are live that were not before", now-heap)
	}
}

// breakExchanges has some clients break at once, and waits until nothing of them
// is in use.
func breakExchanges(t *testing.T, b broken, change func(*site.Site)) {
	const clients = 8
	most := int64(clients) // that are told
	if change != nil && b.originTold {
		most = 1 // one may fetch for all
	}
	over := make(chan struct{})
	var told atomic.Int64
	var playing sync.WaitGroup
	play := func(s script, c net.Conn, isTold bool) {
		c.SetDeadline(time.Now().Add(30 * time.Second))
		s(c.(*net.TCPConn), over)
		c.Close()
		if isTold {
			told.Add(1)
		}
	}
	p := serve(t, func(s *site.Site) {
		timeout(150 * time.Millisecond)(s)
		s.Limits.KeepAliveTimeout = 150 * time.Millisecond // for who gets a 504, on a busy machine
		upgrading(s)
		if change != nil {
			change(s)
		}
	},
		origin(t, func(c net.Conn) { play(b.origin, c, b.originTold) }))
	for range clients {
		playing.Go(func() {
			c, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Error(err)
				return
			}
			play(b.client, c, !b.originTold)
		})
	}
	defer playing.Wait()
	defer close(over)
	defer func() {
		if t.Failed() {
			t.Logf("%d of %d were told, %d clients are left; access log:\n%snotes:\n%s", told.Load(), clients, p.door.inside.Load(), p.access, p.notes)
		}
	}()
	eventually(t, "every exchange is given up, and nothing is in use", func() bool { return told.Load() >= most && p.atRest() })
}

// atRest says whether no exchange and no client is left.
func (r *running) atRest() bool {
	r.mu.Lock()
	conns := len(r.conns) + len(r.clients)
	r.mu.Unlock()
	for i := range r.door.each {
		conns += int(r.door.each[i].Load())
	}
	status := r.Balancers()[0].Status()
	return conns == 0 && status.Waiting == 0 && status.Members[0].Busy == 0
}

func openFiles(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("descriptors cannot be counted here")
	}
	return len(entries)
}

// liveHeap is what is reachable. Pools are emptied by the second collection.
func liveHeap() uint64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
