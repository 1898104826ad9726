package proxy

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pattern is n bytes that repeat in no power of two.
func pattern(n int) []byte {
	return bytes.Repeat([]byte("abcdefg"), n/7+1)[:n]
}

// framings of a body, as the head says them and as they are written.
var framings = map[string]func(w io.Writer, head string, body []byte){
	"length": func(w io.Writer, head string, body []byte) {
		fmt.Fprintf(w, "%sContent-Length: %d\r\n\r\n", head, len(body))
		w.Write(body)
	},
	"chunked": func(w io.Writer, head string, body []byte) {
		fmt.Fprintf(w, "%sTransfer-Encoding: chunked\r\n\r\n", head)
		for n := 1; len(body) > 0; n = 3*n%70001 + 1 {
			n = min(n, len(body))
			fmt.Fprintf(w, "%x\r\n", n)
			w.Write(body[:n])
			io.WriteString(w, "\r\n")
			body = body[n:]
		}
		io.WriteString(w, "0\r\n\r\n")
	},
	"until close": func(w io.Writer, head string, body []byte) {
		io.WriteString(w, head+"\r\n")
		w.Write(body)
	},
}

func TestBodiesOfEverySizeArriveWhole(t *testing.T) {
	for framing, write := range framings {
		for _, size := range []int{0, 1, 1000, 16 << 10, 16<<10 + 1, 48 << 10, 100000, 3 << 20} {
			body := pattern(size)
			down := origin(t, func(c net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					write(c, "HTTP/1.1 200 OK\r\n", body)
				}
			})
			p := serve(t, nil, down)
			for _, version := range []string{"1.1", "1.0"} {
				_, got := ask(t, dial(t, p.addr), "GET / HTTP/"+version+"\r\nHost: h\r\n\r\n")
				if got != string(body) {
					t.Errorf("%s, HTTP/%s: %d of %d bytes came, or other ones", framing, version, len(got), size)
				}
			}
			p.stop(t)
			if framing == "until close" {
				continue
			}
			up := origin(t, func(c net.Conn) {
				r := bufio.NewReader(c)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					h := sha256.New()
					io.Copy(h, req.Body)
					io.WriteString(c, sized(string(h.Sum(nil))))
				}
			})
			p = serve(t, nil, up)
			c := dial(t, p.addr)
			want := sha256.Sum256(body)
			for range 2 { // on the same connections
				go write(c, "POST / HTTP/1.1\r\nHost: h\r\n", body)
				if status, got := ask(t, c, ""); status != 200 || got != string(want[:]) {
					t.Errorf("upload, %s, %d bytes: status %d or another hash", framing, size, status)
				}
			}
			p.stop(t)
		}
	}
}

// A gigabyte would not fit; what it passes through is measured.
func TestMemoryOfABigBodyIsBounded(t *testing.T) {
	for framing, write := range framings {
		body := pattern(32 << 20)
		p := serve(t, nil, origin(t, func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				write(c, "HTTP/1.1 200 OK\r\n", body)
			}
		}))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c := dial(t, p.addr)
		io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
		n, err := io.Copy(io.Discard, struct{ io.Reader }{c})
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; n < 32<<20 || err != nil || grown > 4<<20 {
			t.Errorf("%s: %d bytes came, error %v, %d bytes were allocated meanwhile", framing, n, err, grown)
		}
	}
}

// A body that is cut while its end would be that of the connection: the client
// must see a reset.
func TestCutBodyUntilCloseIsReset(t *testing.T) {
	for name, answer := range map[string]string{
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhel",
		"length":  "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
	} {
		p := serve(t, nil, origin(t, func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				io.WriteString(c, answer)
			}
		}))
		c := dial(t, p.addr)
		io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
		if b, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: %q came, error %v; want a reset", name, b, err)
		}
	}
}

// An origin that breaks off with a reset has not ended its body.
func TestResetOfAnOriginIsNoEnd(t *testing.T) {
	p := serve(t, nil, origin(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nhello")
			time.Sleep(20 * time.Millisecond) // so that the reset does not overtake it
			c.(*net.TCPConn).SetLinger(0)
		}
	}))
	c := dial(t, p.addr)
	io.WriteString(c, get)
	if b, err := io.ReadAll(c); strings.HasSuffix(string(b), "0\r\n\r\n") || err == nil {
		t.Errorf("%q came, error %v; want no last chunk and a reset", b, err)
	}
}

// endless answers with a body that does not end before the client leaves.
func endless(c net.Conn) {
	if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
		return
	}
	io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
	for b := pattern(64 << 10); ; {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// Whoever leaves or stalls in the middle of a body takes nothing with them.
func TestPeersThatLeaveMidBody(t *testing.T) {
	short := timeout(200 * time.Millisecond)
	var over chan struct{} // closed after each
	for _, tt := range []struct {
		name   string
		script func(net.Conn)
		client func(t *testing.T, c net.Conn)
	}{
		{"the client leaves a download", endless, func(t *testing.T, c net.Conn) {
			io.WriteString(c, get)
			io.CopyN(io.Discard, c, 1<<20)
			c.Close()
		}},
		{"the client stalls in a download", endless, func(t *testing.T, c net.Conn) {
			io.WriteString(c, get)
			io.CopyN(io.Discard, c, 1<<20)
		}},
		{"the client leaves an upload", func(c net.Conn) { io.Copy(io.Discard, c) }, func(t *testing.T, c net.Conn) {
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")
			c.Write(pattern(100000))
			c.Close()
		}},
		{"the origin stalls in an upload", func(c net.Conn) {
			io.CopyN(io.Discard, c, 1<<20)
			<-over
		}, func(t *testing.T, c net.Conn) {
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n")
			for b := pattern(64 << 10); ; {
				if _, err := c.Write(b); err != nil {
					return
				}
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			over = make(chan struct{})
			p := serve(t, short, origin(t, tt.script))
			t.Cleanup(func() { close(over) })
			c := dial(t, p.addr)
			tt.client(t, c)
			eventually(t, "no connection is left", func() bool {
				p.mu.Lock()
				defer p.mu.Unlock()
				return len(p.conns) == 0
			})
		})
	}
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not after five seconds: %s", what)
		}
	}
}
