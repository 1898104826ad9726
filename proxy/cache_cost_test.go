package proxy

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
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
