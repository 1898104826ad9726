package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// hitter returns a function that does one exchange, which is a hit.
func hitter(tb testing.TB, body int) func() {
	head := "HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nContent-Type: text/plain\r\nETag: \"1\"\r\n"
	answer := []byte(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, body, strings.Repeat("x", body)))
	p := serve(tb, caches, origin(tb, echoless(answer)))
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	request := []byte("GET /some/path HTTP/1.1\r\nHost: example.test\r\nUser-Agent: cost\r\nAccept: */*\r\n\r\n")
	buf := make([]byte, 1<<20)
	length, hits := 0, 0
	exchange := func() {
		if _, err := c.Write(request); err != nil {
			tb.Fatal(err)
		}
		for n, want := 0, 1; n < want; {
			m, err := c.Read(buf[n:])
			if err != nil {
				tb.Fatal(err)
			}
			if n += m; want == 1 {
				end := bytes.Index(buf[:n], []byte("\r\n\r\n"))
				if end < 0 {
					tb.Fatal("half a head")
				}
				want = end + 4 + body
				length = want
			}
		}
		if bytes.Contains(buf[:length-body], []byte("Cache-Status: proxyd; hit")) {
			hits++
		}
	}
	for hits == 0 {
		exchange()
	}
	tb.Cleanup(func() {
		if hits < 10 {
			tb.Errorf("%d hits", hits)
		}
	})
	return exchange
}

func TestAHitDoesNotAllocate(t *testing.T) {
	for _, body := range []int{0, 1024, 100 << 10} {
		exchange := hitter(t, body)
		if n := testing.AllocsPerRun(2000, exchange); n > allowedAllocations {
			t.Errorf("%d bytes: %v allocations a hit, want %d", body, n, allowedAllocations)
		}
	}
}

func BenchmarkHit(b *testing.B) {
	for _, body := range []int{1 << 10, 100 << 10} {
		b.Run(fmt.Sprintf("size=%d", body), func(b *testing.B) {
			exchange := hitter(b, body)
			b.ReportAllocs()
			b.SetBytes(int64(body))
			for b.Loop() {
				exchange()
			}
		})
	}
}

// BenchmarkHerd has 1000 clients wait for one cold object. spread-ms is from the first
// byte that any of them gets to the first byte of the last one.
func BenchmarkHerd(b *testing.B) {
	o := newContents(b)
	p := serve(b, caches, o.url)
	const herd, size = 1000, 10 << 10
	conns := make([]net.Conn, herd)
	for i := range conns {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		conns[i] = c
	}
	rounds, spread := 0, time.Duration(0)
	for b.Loop() {
		rounds++
		spread += herdRound(b, p, o, conns, fmt.Sprintf("GET /%d?held&%d HTTP/1.1\r\nHost: h\r\n\r\n", size, rounds))
	}
	b.ReportMetric(float64(spread.Microseconds())/1000/float64(rounds), "spread-ms")
	b.ReportMetric(float64(o.fetched.Load())/float64(rounds), "fetches/op")
}

func herdRound(b *testing.B, p *running, o *contents, conns []net.Conn, request string) time.Duration {
	first := make([]time.Time, len(conns))
	var all sync.WaitGroup
	for i, c := range conns {
		all.Go(func() {
			io.WriteString(c, request)
			r := bufio.NewReader(c)
			r.Peek(1)
			first[i] = time.Now()
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				b.Error(err)
				return
			}
			if n, err := io.Copy(io.Discard, res.Body); n != res.ContentLength {
				b.Error(n, err)
			}
		})
	}
	eventually(b, "all have asked", func() bool {
		busy := 0
		p.eachConn(func(c *conn) {
			if !c.idle.Load() {
				busy++
			}
		})
		return busy == len(conns)
	})
	o.hold <- struct{}{}
	all.Wait()
	slices.SortFunc(first, time.Time.Compare)
	return first[len(first)-1].Sub(first[0])
}
