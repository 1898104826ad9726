package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/site"
)

// writeBig writes a big body in the framing that the head says.
func writeBig(w io.Writer, head, framing string) error {
	piece := bytes.Repeat([]byte("x"), 1<<20)
	if framing == "chunked" {
		head += "Transfer-Encoding: chunked\r\n\r\n"
		piece = bytes.Repeat([]byte("8000\r\n"+strings.Repeat("x", 32<<10)+"\r\n"), 32)
	} else {
		head += fmt.Sprintf("Content-Length: %d\r\n\r\n", bigBody)
	}
	_, err := io.WriteString(w, head)
	for n := int64(0); n < bigBody && err == nil; n += 1 << 20 {
		_, err = w.Write(piece)
	}
	if framing == "chunked" && err == nil {
		_, err = io.WriteString(w, "0\r\n\r\n")
	}
	return err
}

// stallingReader stops now and then, so that every buffer before it is full.
type stallingReader struct {
	io.Reader
	n, next int64
}

func (r *stallingReader) Read(b []byte) (int, error) {
	if r.n >= r.next {
		time.Sleep(100 * time.Millisecond)
		r.next += bigBody / 4
	}
	n, err := r.Reader.Read(b)
	r.n += int64(n)
	return n, err
}

// A gigabyte each way, to a reader that stalls: the proxy holds a few buffers of
// it, and allocates no more than those.
func TestAGigabytePastAStalledReader(t *testing.T) {
	if testing.Short() {
		t.Skip("moves gigabytes")
	}
	for _, framing := range []string{"length", "chunked"} {
		t.Run(framing+" download", func(t *testing.T) {
			p := serve(t, nil, origin(t, func(c net.Conn) {
				awaitsHead(c.(*net.TCPConn), nil)
				writeBig(c, "HTTP/1.1 200 OK\r\n", framing)
			}))
			bounded(t, func() int64 {
				c := patient(t, p.addr)
				io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
				res, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Error(err)
					return 0
				}
				n, err := io.Copy(io.Discard, &stallingReader{Reader: res.Body})
				if err != nil {
					t.Error(err)
				}
				return n
			})
		})
		t.Run(framing+" upload", func(t *testing.T) {
			came := make(chan int64, 1)
			p := serve(t, func(s *site.Site) { s.Limits.Body = int(bigBody) }, origin(t, func(c net.Conn) {
				req, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil {
					return
				}
				n, _ := io.Copy(io.Discard, &stallingReader{Reader: req.Body})
				came <- n
				io.WriteString(c, sized("ok"))
			}))
			bounded(t, func() int64 {
				c := patient(t, p.addr)
				if err := writeBig(c, "POST / HTTP/1.1\r\nHost: h\r\n", framing); err != nil {
					t.Error(err)
					return 0
				}
				awaitsHead(c, nil)
				return <-came
			})
		})
	}
}

// patient is dial for what takes longer.
func patient(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c := dial(t, addr)
	c.SetDeadline(time.Now().Add(4 * time.Minute))
	return c.(*net.TCPConn)
}

// bounded wants a gigabyte to pass, and few bytes to be allocated meanwhile: by
// the proxy, or by the ends, which are in this process too.
func bounded(t *testing.T, pass func() int64) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := pass()
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; n != bigBody || grown > 8<<20 {
		t.Errorf("%d bytes came, %d were allocated", n, grown)
	}
}

// awaitsHead reads up to the end of a head.
func awaitsHead(c *net.TCPConn, _ <-chan struct{}) {
	for r := bufio.NewReaderSize(c, 16); ; {
		if line, err := r.ReadString('\n'); err != nil || line == "\r\n" {
			return
		}
	}
}
