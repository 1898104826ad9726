package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"proxylab/proxy/site"
)

// offering is an origin with a body of that size, in the framing, to each GET.
func offering(size int, framing string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		if framing == "length" {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		} else {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		}
		piece := pattern(64 << 10)
		for size > 0 {
			b := piece[:min(size, len(piece))]
			size -= len(b)
			var err error
			if framing == "length" {
				_, err = c.Write(b)
			} else {
				_, err = fmt.Fprintf(c, "%x\r\n%s\r\n", len(b), b)
			}
			if err != nil {
				return
			}
		}
		if framing != "length" {
			io.WriteString(c, "0\r\n\r\n")
		}
	}
}

// narrow opens a client connection with a small receive buffer, so that what the
// client does not read the proxy soon cannot write.
func narrow(t *testing.T, addr string) net.Conn {
	t.Helper()
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
	}}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { c.Close() })
	return c
}

// smallSendBuffers makes the kernel hold little of what c has not taken.
func smallSendBuffers(t *testing.T, p *running, c net.Conn) {
	t.Helper()
	ask(t, c, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n") // so that it is accepted
	p.eachConn(func(c *conn) {
		c.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 32<<10) })
	})
}

// A client that takes a byte now and then is never silent, and would hold a member
// and the buffers of both for as long as it likes (slow read).
func TestSlowReadIsCut(t *testing.T) {
	attended(t)
	for _, framing := range []string{"length", "chunked"} {
		t.Run(framing, func(t *testing.T) {
			t.Parallel()
			p := serve(t, func(s *site.Site) {
				s.Limits.Timeout = 200 * time.Millisecond // of the client; the member has a minute
				s.Limits.MinReadRate = 1 << 30
			}, origin(t, offering(64<<20, framing)))
			c := narrow(t, p.addr)
			smallSendBuffers(t, p, c)
			io.WriteString(c, get)
			buf := make([]byte, 512)
			for {
				if _, err := c.Read(buf); err != nil {
					if !errors.Is(err, syscall.ECONNRESET) {
						t.Errorf("error %v, want a reset", err)
					}
					break
				}
				time.Sleep(5 * time.Millisecond) // 100 KB/s
			}
			eventually(t, "the connection is given up", func() bool {
				p.mu.Lock()
				defer p.mu.Unlock()
				return len(p.conns) == 0
			})
		})
	}
}

// One that reads steadily gets all, however long it takes, also where no write of
// the proxy ends within its timeout.
func TestSteadyReaderIsNotCut(t *testing.T) {
	const size = 600_000
	for _, framing := range []string{"length", "chunked"} {
		t.Run(framing, func(t *testing.T) {
			t.Parallel()
			p := serve(t, func(s *site.Site) {
				s.Limits.Timeout = 100 * time.Millisecond
				s.Limits.MinReadRate = 1000
			}, origin(t, offering(size, framing)))
			c := narrow(t, p.addr)
			smallSendBuffers(t, p, c)
			io.WriteString(c, get)
			began := time.Now()
			n, buf := 0, make([]byte, 8<<10)
			for n < size {
				m, err := c.Read(buf)
				if err != nil {
					t.Fatalf("after %d bytes and %v: %v", n, time.Since(began), err)
				}
				n += m
				time.Sleep(time.Duration(m) * 5 * time.Microsecond) // 200 KB/s: 256 KiB take a second
			}
		})
	}
}

// Who has taken all there was is not to blame for what the member does not send.
func TestMemberThatTricklesIsNotTheClientsFault(t *testing.T) {
	p := serve(t, func(s *site.Site) {
		s.Limits.Timeout = 50 * time.Millisecond
		s.Limits.MinReadRate = 1 << 30
	}, origin(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n")
		for range 40 {
			time.Sleep(10 * time.Millisecond)
			c.Write([]byte("x"))
		}
	}))
	if _, body := ask(t, dial(t, p.addr), get); body != strings.Repeat("x", 40) {
		t.Errorf("got %q", body)
	}
}

// A client that pipelines and does not read is held by the kernel's buffers: of
// its requests the proxy has one buffer full, and then they cost nobody anything.
func TestPipelineThatIsNotRead(t *testing.T) {
	p := serve(t, func(s *site.Site) { s.Limits.Timeout = 200 * time.Millisecond }, origin(t, answering(sized(string(pattern(30_000))))))
	c := narrow(t, p.addr)
	written := 0
	requests := []byte(strings.Repeat(get, 1000))
	var err error
	for err == nil && written < 1<<30 {
		var n int
		n, err = c.Write(requests)
		written += n
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() || written >= 1<<30 {
		t.Errorf("%d bytes of requests were taken, error %v; want a reset", written, err)
	}
}

// All that is pipelined is answered, in order, where the client reads.
func TestPipelineOfManyRequests(t *testing.T) {
	const requests = 2000
	p := serve(t, func(s *site.Site) { s.Limits.Pipelined = 0 }, origin(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			io.WriteString(c, sized(req.URL.Path))
		}
	}))
	c := dial(t, p.addr)
	go func() {
		w := bufio.NewWriter(c)
		for i := range requests {
			fmt.Fprintf(w, "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i)
		}
		w.Flush()
	}()
	r := bufio.NewReader(c)
	for i := range requests {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if body, err := io.ReadAll(res.Body); err != nil || string(body) != fmt.Sprintf("/%d", i) {
			t.Fatalf("request %d: %q, %v", i, body, err)
		}
	}
}
