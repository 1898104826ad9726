package proxy

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/http1"
	"proxylab/proxy/site"
)

// inPieces is an origin whose answer comes in two pieces: the first with its head,
// the second when the test says so. It is chunked, or ends with the connection.
func inPieces(chunked bool, first string, goOn <-chan struct{}) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := c.Read(make([]byte, 4096)); err != nil {
			return
		}
		piece := func(s string) string { return s }
		head := "HTTP/1.1 200 OK\r\nConnection: close\r\n"
		if chunked {
			head += "Transfer-Encoding: chunked\r\n"
			piece = func(s string) string { return string(http1.AppendChunk(nil, []byte(s))) }
		}
		io.WriteString(c, head+"\r\n"+piece(first))
		<-goOn
		io.WriteString(c, piece("second"))
		if chunked {
			io.WriteString(c, "0\r\n\r\n")
		}
	}
}

// flushpackets says when the first piece of an answer goes on to the client, before
// the second has come: at once, when the buffer is full, or after flushwait.
func TestFlushPackets(t *testing.T) {
	large := strings.Repeat("x", 40<<10)
	for _, row := range []struct {
		claim   string
		mode    string
		wait    time.Duration
		first   string
		arrives bool // before the second piece
	}{
		{"on hands on at once", "on", 10 * time.Millisecond, "first", true},
		{"off holds back", "off", 10 * time.Millisecond, "first", false},
		{"off hands on what does not fit", "off", 10 * time.Millisecond, large, true},
		{"auto waits for more", "auto", time.Minute, "first", false},
		{"auto does not wait for long", "auto", 20 * time.Millisecond, "first", true},
	} {
		for _, chunked := range []bool{true, false} {
			for _, minor := range []string{"1.1", "1.0"} { // chunked for the client, or until the end
				name := row.claim + map[bool]string{true: " chunked ", false: " until close "}[chunked] + minor
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					goOn := make(chan struct{})
					p := serve(t, func(s *site.Site) {
						m := &s.Balancers[0].Members[0]
						m.FlushPackets, m.FlushWait = row.mode, row.wait
					}, origin(t, inPieces(chunked, row.first, goOn)))
					c := dial(t, p.addr)
					io.WriteString(c, "GET / HTTP/"+minor+"\r\nHost: h\r\n\r\n")
					early := make([]byte, 1)
					if !row.arrives {
						c.SetReadDeadline(time.Now().Add(150 * time.Millisecond))
					}
					n, err := c.Read(early)
					if arrived := err == nil; arrived != row.arrives {
						t.Errorf("arrived before the second piece: %v, want %v", arrived, row.arrives)
					}
					close(goOn)
					c.SetReadDeadline(time.Now().Add(5 * time.Second))
					res, err := http.ReadResponse(bufio.NewReader(io.MultiReader(bytes.NewReader(early[:n]), c)), nil)
					if err != nil {
						t.Fatal(err)
					}
					if body, err := io.ReadAll(res.Body); err != nil || string(body) != row.first+"second" {
						t.Errorf("%d bytes, %v: not what the member sent", len(body), err)
					}
				})
			}
		}
	}
}

// What is held back when the member breaks off was never sent: the client gets a
// proper answer.
func TestWhatIsHeldBackIsNotACutAnswer(t *testing.T) {
	p := serve(t, func(s *site.Site) { s.Balancers[0].Members[0].FlushPackets = "off" }, origin(t, func(c net.Conn) {
		if _, err := c.Read(make([]byte, 4096)); err == nil {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
		}
	}))
	if status, _ := ask(t, dial(t, p.addr), get); status != 502 {
		t.Errorf("status %d, want 502", status)
	}
}
