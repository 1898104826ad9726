package proxy

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"

	"proxylab/proxy/site"
)

// echoless is an origin that allocates nothing an exchange.
func echoless(answer []byte) func(net.Conn) {
	return func(c net.Conn) {
		buf := make([]byte, 4096)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			if bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
				c.Write(answer)
			}
		}
	}
}

// exchanger returns a function that does one exchange through a proxy, over
// connections that stay open.
func exchanger(tb testing.TB, body int) func() {
	answer := []byte(sized(strings.Repeat("x", body)))
	p := serve(tb, func(s *site.Site) { s.Log.Format += " %{Content-Length}o %O %{ms}T %q" }, origin(tb, echoless(answer)))
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	request := []byte("GET /some/path HTTP/1.1\r\nHost: example.test\r\nUser-Agent: cost\r\nAccept: */*\r\n\r\n")
	buf := make([]byte, 32<<10)
	length := 0
	exchange := func() {
		if _, err := c.Write(request); err != nil {
			tb.Fatal(err)
		}
		n := 0
		for length == 0 || n < length {
			m, err := c.Read(buf)
			if err != nil {
				tb.Fatal(err)
			}
			if n += m; length == 0 {
				end := bytes.Index(buf[:m], []byte("\r\n\r\n"))
				if end < 0 {
					tb.Fatal("half a head")
				}
				length = end + 4 + body // Date has always the same length
			}
		}
	}
	exchange()
	return exchange
}

func TestPassThroughExchangeDoesNotAllocate(t *testing.T) {
	for _, body := range []int{1024, 256 << 10} {
		exchange := exchanger(t, body)
		// The pools are emptied by the garbage collector, and the access log
		// grows its buffer now and then; both are far below one an exchange.
		if n := testing.AllocsPerRun(2000, exchange); n > allowedAllocations {
			t.Errorf("%d bytes: %v allocations an exchange, want %d", body, n, allowedAllocations)
		}
	}
}

func BenchmarkExchange(b *testing.B) {
	for _, body := range []int{1 << 10, 100 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("size=%d", body), func(b *testing.B) {
			exchange := exchanger(b, body)
			b.ReportAllocs()
			b.SetBytes(int64(body))
			for b.Loop() {
				exchange()
			}
		})
	}
}
