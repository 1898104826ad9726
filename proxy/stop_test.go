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

func TestStopClosesIdleConnectionsAtOnce(t *testing.T) {
	p := serve(t, nil, origin(t, answering(sized("ok"))))
	used, fresh := dial(t, p.addr), dial(t, p.addr)
	ask(t, used, get)
	began := time.Now()
	p.stop(t)
	if d := time.Since(began); d > time.Second {
		t.Errorf("stop took %v", d)
	}
	for _, c := range []net.Conn{used, fresh} {
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d bytes on an idle connection, want its end", n)
		}
	}
	if c, err := net.Dial("tcp", p.addr); err == nil {
		c.Close()
		t.Error("a client was accepted after the stop")
	}
}

// A client cannot know that the proxy stops while its next request is on its
// way. It gets its answer, and is told that it was the last.
func TestStopAnswersTheRequestThatIsOnItsWay(t *testing.T) {
	p := serve(t, nil, origin(t, answering(sized("ok"))))
	p.lastCall = 2 * time.Second
	c := dial(t, p.addr)
	ask(t, c, get)
	for !p.aConnIsIdle() {
		time.Sleep(time.Millisecond)
	}
	p.cancel()
	for {
		// Refused once the stop has begun; idle connections are told after that.
		probe, err := net.Dial("tcp", p.addr)
		if err != nil {
			break
		}
		probe.Close()
	}
	c.Write([]byte("POST / HTTP/1.1\r\nHost: h\r\n\r\n"))
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 || !res.Close {
		t.Errorf("status %d, close %v; want 200 and Connection: close", res.StatusCode, res.Close)
	}
}

// A client that pipelines has sent its next request when the proxy stops. To
// close with that unread would reset the connection, and what the kernel has not
// sent yet of the answer would be lost.
func TestStopDoesNotCutAPipelinedAnswer(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	body := string(pattern(300_000))
	p := serve(t, nil, origin(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		close(arrived)
		<-finish
		c.Write([]byte(sized(body)))
		c.Read(make([]byte, 1)) // until the proxy closes
	}))
	c := dial(t, p.addr)
	c.Write([]byte(get))
	<-arrived
	c.Write([]byte(get))
	p.cancel()
	for !p.stopping.Load() {
		time.Sleep(time.Millisecond)
	}
	close(finish)
	for !strings.Contains(p.access.String(), " 200 ") { // the proxy is done with it
		time.Sleep(time.Millisecond)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != body {
		t.Errorf("%d of %d bytes, error %v", len(b), len(body), err)
	}
	c.Close()
	p.stop(t)
}

func (r *running) aConnIsIdle() (idle bool) {
	r.eachConn(func(c *conn) { idle = idle || c.idle.Load() })
	return idle
}

// With all slots taken, a client waits in the kernel's queue until one is free.
func TestConnectionLimit(t *testing.T) {
	p := serve(t, func(s *site.Site) { s.Limits.Connections = 1 }, origin(t, answering(sized("ok"))))
	first, second := dial(t, p.addr), dial(t, p.addr)
	ask(t, first, get)
	second.Write([]byte(get))
	second.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := second.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes while the only slot was taken", n)
	}
	second.SetReadDeadline(time.Now().Add(5 * time.Second))
	first.Close()
	if res, err := http.ReadResponse(bufio.NewReader(second), nil); err != nil || res.StatusCode != 200 {
		t.Errorf("response %v, error %v after the slot was free", res, err)
	}
}

func TestIdleClientIsClosed(t *testing.T) {
	p := serve(t, func(s *site.Site) { s.Limits.KeepAliveTimeout = 50 * time.Millisecond }, origin(t, answering(sized("ok"))))
	c := dial(t, p.addr)
	ask(t, c, get)
	if n, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("%d bytes, error %v; want the end of the connection", n, err)
	}
}
