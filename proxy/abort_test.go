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

// computing is an origin that works at an answer until finish is closed. arrived
// gets its requests, and gone is closed when the proxy gives one up.
func computing(arrived, gone chan<- struct{}, finish <-chan struct{}) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		arrived <- struct{}{}
		ended := make(chan struct{})
		go func() {
			r.ReadByte()
			close(ended)
		}()
		select {
		case <-ended:
			close(gone)
		case <-finish:
			io.WriteString(c, sized("late"))
			<-ended
		}
	}
}

// A client that has left does not keep a member at work.
func TestClientThatLeavesWhileTheMemberComputes(t *testing.T) {
	attended(t)
	for _, tt := range []struct {
		name  string
		abort bool
		leave func(*net.TCPConn)
	}{
		{"closed", true, func(c *net.TCPConn) { c.Close() }},
		{"half-closed", true, func(c *net.TCPConn) { c.CloseWrite() }},
		{"closed behind a pipelined request", true, func(c *net.TCPConn) { io.WriteString(c, get); c.Close() }},
		{"reset", false, func(c *net.TCPConn) { c.SetLinger(0); c.Close() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			arrived, gone := make(chan struct{}, 1), make(chan struct{})
			p := serve(t, func(s *site.Site) { s.Limits.AbortOnClose = tt.abort }, origin(t, computing(arrived, gone, nil)))
			c := dial(t, p.addr)
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\n\r\n")
			<-arrived
			tt.leave(c.(*net.TCPConn))
			select {
			case <-gone:
			case <-time.After(10 * time.Second):
				t.Fatal("the member is still at work")
			}
			p.stop(t)
			if !strings.Contains(p.access.String(), " 499 ") {
				t.Errorf("log: %s", p.access.String())
			}
			if !p.member(0).ErrorEnd.IsZero() {
				t.Error("the member is in error")
			}
		})
	}
}

// With abortonclose off a client may end its side and still wait.
func TestHalfClosedClientIsAnsweredWhereTheSiteSaysSo(t *testing.T) {
	arrived, gone, finish := make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	p := serve(t, func(s *site.Site) { s.Limits.AbortOnClose = false }, origin(t, computing(arrived, gone, finish)))
	c := dial(t, p.addr)
	io.WriteString(c, get)
	<-arrived
	c.(*net.TCPConn).CloseWrite()
	time.Sleep(firstLook + firstLook/2) // past the moment at which it would be noticed
	close(finish)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "late" {
		t.Errorf("%q, %v", body, err)
	}
}

// It is noticed in the middle of an answer, too, while the member is silent.
func TestClientThatLeavesWhileTheMemberPausesInItsAnswer(t *testing.T) {
	attended(t)
	gone := make(chan struct{})
	p := serve(t, nil, origin(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		http.ReadRequest(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
		r.ReadByte() // until the proxy closes
		close(gone)
	}))
	c := dial(t, p.addr)
	io.WriteString(c, get)
	if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
		t.Fatal(err)
	}
	c.Close()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Fatal("the member's connection is held")
	}
}
