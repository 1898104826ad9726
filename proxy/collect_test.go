package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"proxylab/proxy/site"
)

// echoing answers with the request's body.
func echoing(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		io.WriteString(c, sized(string(body)))
	}
}

// A small body that comes behind its head is waited for, so that a PUT can be sent
// again when its member breaks off. One that does not fit cannot.
func TestLateBodyIsSentAgain(t *testing.T) {
	for size, want := range map[int]int{1: 200, 15 << 10: 200, 20 << 10: 502} {
		p := serve(t, nil, origin(t, hangUpAfterBody), origin(t, echoing))
		c := dial(t, p.addr)
		io.WriteString(c, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: "+strconv.Itoa(size)+"\r\n\r\n")
		time.Sleep(20 * time.Millisecond)
		if status, body := ask(t, c, string(pattern(size))); status != want || status == 200 && body != string(pattern(size)) {
			t.Errorf("%d bytes: status %d, want %d, or another body", size, status, want)
		}
	}
}

// hangUpAfterBody reads a whole request and closes.
func hangUpAfterBody(c net.Conn) {
	if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		io.Copy(io.Discard, req.Body)
	}
}

// While a small body dawdles no member has a connection for it.
func TestNoMemberWaitsForASmallBody(t *testing.T) {
	var accepted atomic.Int32
	p := serve(t, timeout(200*time.Millisecond), origin(t, func(c net.Conn) { accepted.Add(1); echoing(c) }))
	status, _ := ask(t, dial(t, p.addr), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab")
	if n := accepted.Load(); status != 408 || n != 0 {
		t.Errorf("status %d, %d connections to the member", status, n)
	}
}

// Nobody is told to go on who has gone on already.
func TestNo100WhereTheBodyIsThere(t *testing.T) {
	p := serve(t, func(s *site.Site) { s.Fields.Continue = false }, origin(t, echoing))
	c := dial(t, p.addr)
	io.WriteString(c, "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab")
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 200 ") {
		t.Errorf("%q, %v", line, err)
	}
}

// A body of any size and framing is asked for.
func TestLocal100ForEveryBody(t *testing.T) {
	p := serve(t, func(s *site.Site) { s.Fields.Continue = false }, origin(t, echoing))
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	defer transport.CloseIdleConnections()
	for _, size := range []int{1, 100 << 10} {
		for _, chunked := range []bool{false, true} {
			var body io.Reader = strings.NewReader(string(pattern(size)))
			if chunked {
				body = struct{ io.Reader }{body}
			}
			req, err := http.NewRequest("PUT", "http://"+p.addr+"/", body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Expect", "100-continue")
			res, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(req)
			if err != nil {
				t.Fatalf("%d bytes, chunked %v: %v", size, chunked, err)
			}
			if got, err := io.ReadAll(res.Body); err != nil || string(got) != string(pattern(size)) {
				t.Errorf("%d bytes, chunked %v: %d bytes came back, %v", size, chunked, len(got), err)
			}
			res.Body.Close()
		}
	}
}
