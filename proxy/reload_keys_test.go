package proxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"proxylab/proxy/site"
)

// What of a Site is read an exchange holds from the next exchange on, on
// connections that were there before.
func TestReloadChangesWhatAnExchangeObeys(t *testing.T) {
	slow := origin(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if req.URL.Path == "/slow" {
				r.ReadByte() // until the proxy closes
				return
			}
			c.Write([]byte("HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Length: 0\r\n\r\n"))
		}
	})
	for _, tt := range []struct {
		name    string
		change  func(*site.Site)
		request string
		before  int
		after   int
	}{
		{"members' timeout", func(s *site.Site) { s.Balancers[0].Members[0].Timeout = 50 * time.Millisecond }, "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n", 0, 504},
		{"limits.headtimeout", timeout(50 * time.Millisecond), "GET /half HTTP/1.1\r\nHost: h\r\n", 0, 408},
		{"limits.timeout", timeout(50 * time.Millisecond), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na", 0, 408},
		{"limits.body", func(s *site.Site) { s.Limits.Body = 1 }, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab", 200, 413},
		{"limits.head", func(s *site.Site) { s.Limits.Head = 1024 }, "GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 1024) + "\r\n\r\n", 200, 431},
		{"limits.fields", func(s *site.Site) { s.Limits.Fields = 1 }, "GET / HTTP/1.1\r\nHost: h\r\nX: x\r\n\r\n", 200, 431},
		{"limits.requestline", func(s *site.Site) { s.Limits.RequestLine = 64 }, "GET /" + strings.Repeat("x", 64) + " HTTP/1.1\r\nHost: h\r\n\r\n", 200, 414},
		{"routes", func(s *site.Site) { s.Routes = []site.Route{{Path: "/", To: "!"}} }, get, 200, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := serve(t, nil, slow)
			c := dial(t, p.addr)
			ask(t, c, get)
			if tt.before != 0 {
				if status, _ := ask(t, c, tt.request); status != tt.before {
					t.Fatalf("status %d before, want %d", status, tt.before)
				}
			}
			if err := p.Reload(reloaded(t, tt.change, slow)); err != nil {
				t.Fatal(err)
			}
			// A wait that began before has the patience of before.
			ask(t, c, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
			if status, _ := ask(t, c, tt.request); status != tt.after {
				t.Errorf("status %d after, want %d", status, tt.after)
			}
		})
	}
}

// A connection that is idle keeps the patience it had, and gets the new one with
// its next wait.
func TestReloadChangesTheKeepAliveTimeout(t *testing.T) {
	member := origin(t, answering(sized("ok")))
	p := serve(t, nil, member)
	c := dial(t, p.addr)
	ask(t, c, get)
	eventually(t, "the connection is idle", p.aConnIsIdle) // a moment after the answer
	if err := p.Reload(reloaded(t, func(s *site.Site) { s.Limits.KeepAliveTimeout = 50 * time.Millisecond }, member)); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes, error %v while it was idle already", n, err)
	}
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	ask(t, c, get)
	if n, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("%d bytes, error %v; want its end", n, err)
	}
}

// Fewer connections than there are: nobody is cut, and nobody comes in.
func TestReloadLowersTheBoundOfConnections(t *testing.T) {
	member := origin(t, answering(sized("ok")))
	p := serve(t, nil, member)
	one, two := dial(t, p.addr), dial(t, p.addr)
	ask(t, one, get)
	ask(t, two, get)
	if err := p.Reload(reloaded(t, func(s *site.Site) { s.Limits.Connections = 1 }, member)); err != nil {
		t.Fatal(err)
	}
	// The slot that accept holds already is still used.
	dial(t, p.addr)
	waiting := dial(t, p.addr)
	waiting.Write([]byte(get))
	waiting.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if n, err := waiting.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes for one too many", n)
	}
	ask(t, one, get)
	ask(t, two, get)
}

// Whoever has more connections than a lower bound keeps them.
func TestReloadLowersTheBoundOfOneClient(t *testing.T) {
	member := origin(t, answering(sized("ok")))
	p := serve(t, nil, member)
	one, two := dial(t, p.addr), dial(t, p.addr)
	ask(t, one, get)
	ask(t, two, get)
	if err := p.Reload(reloaded(t, func(s *site.Site) { s.Limits.PerClient = 1 }, member)); err != nil {
		t.Fatal(err)
	}
	if third, err := net.Dial("tcp", p.addr); err == nil { // or it is reset that soon
		defer third.Close()
		third.SetReadDeadline(time.Now().Add(5 * time.Second))
		if n, err := third.Read(make([]byte, 1)); err == nil || n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the third: %d bytes, error %v; want its end", n, err)
		}
	}
	ask(t, one, get)
	ask(t, two, get)
}

// An open tunnel goes on as it began; the next one obeys the new Site.
func TestReloadLeavesTunnels(t *testing.T) {
	member := chat(t, func(ws *websocket.Conn) { io.Copy(ws, ws) })
	p := serve(t, upgrading, member)
	ws := openWebSocket(t, p)
	if err := p.Reload(reloaded(t, func(s *site.Site) {
		upgrading(s)
		s.Balancers[0].Members[0].UpgradeTimeout = 50 * time.Millisecond
	}, member)); err != nil {
		t.Fatal(err)
	}
	next := openWebSocket(t, p)
	if n, err := next.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes in the new tunnel, want its end", n)
	}
	websocket.Message.Send(ws, "on")
	var got string
	if err := websocket.Message.Receive(ws, &got); err != nil || got != "on" {
		t.Errorf("the old tunnel: %q, %v", got, err)
	}
}
