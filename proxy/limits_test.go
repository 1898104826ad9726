package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/site"
)

// swallowing is an origin that reads each request whole, waiting before each
// 3 MiB of its body, and answers. whole gets how much there was of a body that ended properly.
func swallowing(pause time.Duration, whole chan<- int64) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			n := int64(0)
			for err == nil {
				time.Sleep(pause)
				var some int64
				some, err = io.CopyN(io.Discard, req.Body, 3<<20)
				n += some
			}
			if err != io.EOF {
				return
			}
			whole <- n
			c.Write([]byte(sized("ok")))
		}
	}
}

// A client that sends a byte now and then is never silent, and would hold a
// member for as long as it likes (slow body, R.U.D.Y.).
func TestSlowBodyByTrickle(t *testing.T) {
	for _, tt := range []struct{ name, head, piece string }{
		{"chunks", "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"},
		{"small", "Content-Length: 1000\r\n\r\n", "x"},
		{"spliced", "Content-Length: 10000000\r\n\r\n", "x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			whole := make(chan int64, 1)
			p := serve(t, timeout(100*time.Millisecond), origin(t, swallowing(0, whole)))
			c := dial(t, p.addr)
			c.Write([]byte("POST / HTTP/1.1\r\nHost: h\r\n" + tt.head))
			stop := make(chan struct{})
			go func() {
				tick := time.NewTicker(20 * time.Millisecond)
				defer tick.Stop()
				for {
					select {
					case <-stop:
						return
					case <-tick.C:
						c.Write([]byte(tt.piece))
					}
				}
			}()
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			close(stop)
			if err != nil || res.StatusCode != 408 || !res.Close {
				t.Errorf("response %v, error %v; want 408 and a close", res, err)
			}
			p.stop(t)
			if len(whole) > 0 {
				t.Error("the member has a whole request")
			}
		})
	}
}

// As slow, but at the rate that is asked for.
func TestSlowBodyAtTheRate(t *testing.T) {
	whole := make(chan int64, 1)
	p := serve(t, func(s *site.Site) {
		timeout(100 * time.Millisecond)(s)
		s.Limits.MinRate = 20
	}, origin(t, swallowing(0, whole)))
	c := dial(t, p.addr)
	c.Write([]byte("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\n"))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 20 {
		<-tick.C
		c.Write([]byte("x"))
	}
	if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != 200 {
		t.Errorf("response %v, error %v", res, err)
	}
	if n := <-whole; n != 20 {
		t.Errorf("%d bytes", n)
	}
}

// A member that reads slowly is not the client's fault.
func TestBodyThatTheMemberTakesSlowly(t *testing.T) {
	const size = 12 << 20 // more than the kernel's buffers take
	whole := make(chan int64, 1)
	p := serve(t, func(s *site.Site) {
		s.Limits.Timeout = 500 * time.Millisecond // of the client; the member has a minute
		s.Limits.MinRate = 1 << 30                // it may wait for the client 0.5s, and no longer
	}, origin(t, swallowing(250*time.Millisecond, whole)))
	c := dial(t, p.addr)
	go c.Write([]byte("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
		strings.Repeat("400\r\n"+strings.Repeat("x", 1024)+"\r\n", size/1024) + "0\r\n\r\n"))
	if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != 200 {
		t.Fatalf("response %v, error %v", res, err)
	}
	if n := <-whole; n != size {
		t.Errorf("%d bytes", n)
	}
}

// One client has its bound; another is not kept out by it.
func TestConnectionsOfOneClient(t *testing.T) {
	p := serve(t, func(s *site.Site) { s.Limits.PerClient = 2 }, origin(t, answering(sized("ok"))))
	first, second := dial(t, p.addr), dial(t, p.addr)
	ask(t, first, get)
	ask(t, second, get)
	if third, err := net.Dial("tcp", p.addr); err == nil { // it may be reset at once
		defer third.Close()
		if n, err := third.Read(make([]byte, 1)); err == nil || n > 0 {
			t.Errorf("the third: %d bytes, error %v; want its end", n, err)
		}
	}
	other, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ask(t, other, get)
	first.Close()
	// The proxy sees the close a moment later.
	for deadline := time.Now().Add(5 * time.Second); ; {
		again := dial(t, p.addr)
		again.Write([]byte(get))
		if _, err := http.ReadResponse(bufio.NewReader(again), nil); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no connection after the first was closed")
		}
	}
}

// A client that sends without waiting for answers has so many of them in a row,
// and is told which is the last; one that waits now and then has any number.
func TestPipelinedRequestsAreBounded(t *testing.T) {
	p := serve(t, func(s *site.Site) { s.Limits.Pipelined = 2 }, origin(t, answering(sized("ok"))))
	c := dial(t, p.addr)
	r := bufio.NewReader(c)
	closed := func() bool {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		return res.Close
	}
	for range 3 {
		io.WriteString(c, get+get)
		if closed() || closed() {
			t.Fatal("closed though the client waits for each second answer")
		}
		eventually(t, "the proxy waits", p.aConnIsIdle)
	}
	io.WriteString(c, get+get+get+get)
	if closed() || closed() || !closed() {
		t.Error("want the third answer, and no other, to say that it is the last")
	}
	if n, err := r.ReadByte(); err == nil {
		t.Errorf("byte %q behind the last answer", n)
	}
}

// A proxy that is its own member does not go round for ever, also where the client
// has the traces of earlier rounds dropped.
func TestALoopEnds(t *testing.T) {
	addr := freeAddr(t)
	p := serve(t, func(s *site.Site) { s.Listen, s.Limits.Fields = addr, 20 }, "http://"+addr)
	for _, nominated := range []string{"", "Connection: Via, X-Forwarded-For\r\n"} {
		if status, _ := ask(t, dial(t, p.addr), "GET / HTTP/1.1\r\nHost: h\r\n"+nominated+"\r\n"); status != 431 {
			t.Errorf("status %d, want 431", status)
		}
	}
	if n := strings.Count(p.access.String(), "\n"); n > 2*20 {
		t.Errorf("%d exchanges for two requests", n)
	}
}
