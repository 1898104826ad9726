package proxy

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const getAndClose = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

// segments is how many segments have come to a client.
func segments(t *testing.T, c net.Conn) int {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var info *unix.TCPInfo
	var asking error
	raw.Control(func(fd uintptr) { info, asking = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if asking != nil {
		t.Fatal(asking)
	}
	return int(info.Segs_in)
}

// A client that asked for it gets its answer and the end of the connection in one.
func TestLastAnswerAndEndAreOneSegment(t *testing.T) {
	attended(t)
	p := serve(t, nil, origin(t, answering(sized("ok"))))
	c := dial(t, p.addr)
	io.WriteString(c, getAndClose)
	got, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(got), "\r\n\r\nok") {
		t.Fatalf("%q, %v", got, err)
	}
	// The connection is accepted, the request acknowledged, and answered.
	if n := segments(t, c); n > 3 {
		t.Errorf("%d segments, want at most 3", n)
	}
}

// Bytes that nobody asked for, and nobody reads, do not cost a client its last
// answer: a close with bytes unread is a reset.
func TestStrayBytesDoNotTakeTheLastAnswer(t *testing.T) {
	arrived, finish := make(chan struct{}, 1), make(chan struct{})
	large := strings.Repeat("x", 4<<10)
	p := serve(t, nil, origin(t, func(c net.Conn) {
		io.ReadFull(c, make([]byte, len(get)))
		arrived <- struct{}{}
		<-finish
		io.WriteString(c, sized(large))
		io.Copy(io.Discard, c)
	}))
	c := dial(t, p.addr)
	io.WriteString(c, getAndClose)
	<-arrived
	io.WriteString(c, "\r\n")
	close(finish)
	got := make([]byte, 64<<10)
	n := 0
	for !strings.HasSuffix(string(got[:n]), large) {
		m, err := c.Read(got[n:])
		if n += m; err != nil {
			t.Fatalf("%d bytes of the answer, then %v", n, err)
		}
	}
	if !strings.HasPrefix(string(got[:n]), "HTTP/1.1 200 "+http.StatusText(200)) {
		t.Errorf("%q", got[:20])
	}
}
