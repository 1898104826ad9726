package proxy

import (
	"bytes"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"proxylab/proxy/site"
)

func upgrading(s *site.Site) { s.Balancers[0].Members[0].Upgrade = "websocket" }

// chat is an origin server whose websockets are served by handle.
func chat(t *testing.T, handle func(*websocket.Conn)) string {
	server := httptest.NewServer(websocket.Handler(handle))
	t.Cleanup(server.Close)
	return server.URL
}

func openWebSocket(t *testing.T, p *running) *websocket.Conn {
	t.Helper()
	config, err := websocket.NewConfig("ws://"+p.addr+"/chat", "http://"+p.addr)
	if err != nil {
		t.Fatal(err)
	}
	ws, err := websocket.NewClient(config, dial(t, p.addr))
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

// Messages of all sizes go both ways at once, and come as they were sent.
func TestWebSocketEcho(t *testing.T) {
	p := serve(t, upgrading, chat(t, func(ws *websocket.Conn) { io.Copy(ws, ws) }))
	ws := openWebSocket(t, p)
	var sending sync.WaitGroup
	sizes := []int{1, 125, 126, 65535, 65536, 300_000}
	sending.Go(func() {
		for _, n := range sizes {
			if err := websocket.Message.Send(ws, bytes.Repeat([]byte{byte(n)}, n)); err != nil {
				t.Error(err)
			}
		}
	})
	var got []byte
	buf := make([]byte, 64<<10)
	want := 0
	for _, n := range sizes {
		want += n
	}
	for len(got) < want {
		n, err := ws.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buf[:n]...)
	}
	sending.Wait()
	for _, n := range sizes {
		if !bytes.Equal(got[:n], bytes.Repeat([]byte{byte(n)}, n)) {
			t.Errorf("the message of %d bytes is another", n)
		}
		got = got[n:]
	}
	ws.Close()
	p.stop(t)
	if !strings.Contains(p.access.String(), `"GET /chat HTTP/1.1" 101 `) {
		t.Errorf("log: %s", p.access.String())
	}
}

// A client that only listens is not idle as long as it is told something.
func TestWebSocketThatOnlyListens(t *testing.T) {
	p := serve(t, func(s *site.Site) { upgrading(s); s.Balancers[0].Members[0].UpgradeTimeout = time.Second }, chat(t, func(ws *websocket.Conn) {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for range 14 {
			<-tick.C
			websocket.Message.Send(ws, "news")
		}
	}))
	ws := openWebSocket(t, p)
	for i := range 14 {
		var s string
		if err := websocket.Message.Receive(ws, &s); err != nil || s != "news" {
			t.Fatalf("message %d: %q, %v", i, s, err)
		}
	}
}

// Without a word in the Site a websocket gets an answer that says no.
func TestWebSocketThatTheSiteDoesNotAllow(t *testing.T) {
	p := serve(t, nil, chat(t, func(ws *websocket.Conn) { io.Copy(ws, ws) }))
	config, err := websocket.NewConfig("ws://"+p.addr+"/", "http://"+p.addr)
	if err != nil {
		t.Fatal(err)
	}
	if ws, err := websocket.NewClient(config, dial(t, p.addr)); err == nil {
		ws.Close()
		t.Error("a tunnel was opened")
	}
}

// A stop gives tunnels the grace period and then ends them, on both sides.
func TestStopCutsATunnel(t *testing.T) {
	ended := make(chan struct{})
	p := serve(t, upgrading, chat(t, func(ws *websocket.Conn) { io.Copy(io.Discard, ws); close(ended) }))
	ws := openWebSocket(t, p)
	p.grace = 50 * time.Millisecond
	p.stop(t)
	<-ended
	if n, err := ws.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes, want an error", n)
	}
}

// A member that is reset in a tunnel leaves no doubt to the client.
func TestTunnelWhoseMemberIsReset(t *testing.T) {
	p := serve(t, upgrading, origin(t, func(c net.Conn) {
		buf := make([]byte, 4096)
		c.Read(buf)
		c.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"))
		c.Read(buf)
		c.(*net.TCPConn).SetLinger(0)
	}))
	c := dial(t, p.addr)
	c.Write([]byte("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"))
	head := make([]byte, 4096)
	if n, err := c.Read(head); err != nil || !strings.HasPrefix(string(head[:n]), "HTTP/1.1 101 ") {
		t.Fatalf("%q, %v", head[:n], err)
	}
	c.Write([]byte("x"))
	if _, err := c.Read(head); err == nil || err == io.EOF {
		t.Errorf("error %v, want a reset", err)
	}
}

// A tunnel has a limit of its own: longer than an exchange's, or shorter.
func TestTunnelHasItsOwnIdleLimit(t *testing.T) {
	for _, tt := range []struct {
		exchange, tunnel time.Duration
		lives            bool
	}{
		{50 * time.Millisecond, 10 * time.Second, true},
		{10 * time.Second, 50 * time.Millisecond, false},
	} {
		p := serve(t, func(s *site.Site) {
			upgrading(s)
			timeout(tt.exchange)(s)
			s.Balancers[0].Members[0].UpgradeTimeout = tt.tunnel
		}, chat(t, func(ws *websocket.Conn) { io.Copy(ws, ws) }))
		ws := openWebSocket(t, p)
		time.Sleep(300 * time.Millisecond)
		websocket.Message.Send(ws, "still there?")
		var got string
		if err := websocket.Message.Receive(ws, &got); (err == nil) != tt.lives {
			t.Errorf("exchange %v, tunnel %v: %q, %v", tt.exchange, tt.tunnel, got, err)
		}
		ws.Close()
	}
}
