package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"proxylab/proxy/site"
	"proxylab/proxy/upstream"
)

// hangUp reads a request head and closes.
func hangUp(c net.Conn) {
	http.ReadRequest(bufio.NewReader(c))
}

// once answers one request and closes without a word when the second came.
func once(answer string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		http.ReadRequest(r)
		c.Write([]byte(answer))
		http.ReadRequest(r)
	}
}

func TestByrequestsSharesAreEqual(t *testing.T) {
	var members []string
	for i := range 3 {
		members = append(members, origin(t, answering(sized(fmt.Sprint("origin ", i)))))
	}
	p := serve(t, nil, members...)
	c := dial(t, p.addr)
	got := make(map[string]int)
	for range 30 {
		_, body := ask(t, c, get)
		got[body]++
	}
	for i := range 3 {
		if n := got[fmt.Sprint("origin ", i)]; n != 10 {
			t.Errorf("origin %d got %d of 30 requests, want 10", i, n)
		}
	}
}

func TestUnreachableMemberIsPassedOver(t *testing.T) {
	for _, method := range []string{"GET", "POST"} { // nothing was sent: any method may
		p := serve(t, nil, refusing(t), origin(t, answering(sized("ok"))))
		c := dial(t, p.addr)
		for range 3 {
			if status, body := ask(t, c, method+" / HTTP/1.1\r\nHost: h\r\n\r\n"); status != 200 || body != "ok" {
				t.Errorf("%s: %d %q, want 200 from the other member", method, status, body)
			}
		}
	}
}

func TestAllMembersDown(t *testing.T) {
	p := serve(t, nil, refusing(t), refusing(t))
	c := dial(t, p.addr)
	// The first request finds out, the second knows.
	for _, want := range []int{502, 503} {
		if status, _ := ask(t, c, get); status != want {
			t.Errorf("status %d, want %d", status, want)
		}
	}
}

func TestMemberComesBackAfterRetry(t *testing.T) {
	l := listen(t)
	addr := l.Addr().String()
	l.Close()
	p := serve(t, func(s *site.Site) { s.Balancers[0].Members[0].Retry = time.Millisecond }, "http://"+addr)
	c := dial(t, p.addr)
	if status, _ := ask(t, c, get); status != 502 {
		t.Fatalf("status %d with the member down, want 502", status)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan struct{})
	go func() {
		defer close(served)
		if c, err := l.Accept(); err == nil {
			answering(sized("back"))(c)
			c.Close()
		}
	}()
	defer func() { p.stop(t); <-served }()
	for deadline := time.Now().Add(5 * time.Second); ; {
		status, body := ask(t, c, get)
		if status == 200 && body == "back" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("status %d, want 200 once retry is over", status)
		}
	}
}

func TestBrokenExchangeFailsOver(t *testing.T) {
	for _, tt := range []struct {
		request string
		status  int
	}{
		{get, 200},
		{"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab", 200},
		// It may have been seen: never twice.
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab", 502},
		{"PATCH / HTTP/1.1\r\nHost: h\r\n\r\n", 502},
	} {
		p := serve(t, nil, origin(t, hangUp), origin(t, func(c net.Conn) {
			if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil && r.ContentLength > 0 {
				buf := make([]byte, 2)
				r.Body.Read(buf)
				c.Write([]byte(sized(string(buf))))
				return
			}
			c.Write([]byte(sized("ab")))
		}))
		status, body := ask(t, dial(t, p.addr), tt.request)
		if status != tt.status || status == 200 && body != "ab" {
			t.Errorf("%.4s: %d %q, want %d", tt.request, status, body, tt.status)
		}
	}
}

// An idle connection that breaks when it is used says nothing of the member: a
// GET gets another connection to the same one.
func TestReusedConnectionThatBreaksIsReplaced(t *testing.T) {
	p := serve(t, nil, origin(t, once(sized("ok"))))
	c := dial(t, p.addr)
	for i := range 4 {
		if status, _ := ask(t, c, get); status != 200 {
			t.Fatalf("request %d: status %d, want 200", i, status)
		}
	}
	if inError(p) {
		t.Error("the member is in error")
	}
}

func TestReusedConnectionThatBreaksIsNoSecondChanceForPOST(t *testing.T) {
	p := serve(t, nil, origin(t, once(sized("ok"))))
	c := dial(t, p.addr)
	ask(t, c, get)
	if status, _ := ask(t, c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"); status != 502 {
		t.Errorf("status %d, want 502", status)
	}
}

// A connection that the origin server closed while it was idle is noticed before
// it is used, so that even a POST does not meet it.
func TestClosedIdleConnectionIsNotUsed(t *testing.T) {
	closed := make(chan struct{}, 10)
	p := serve(t, nil, origin(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		r.Discard(int(req.ContentLength))
		c.Write([]byte(sized("ok")))
		c.Close()
		closed <- struct{}{}
	}))
	c := dial(t, p.addr)
	for i := range 5 {
		if status, _ := ask(t, c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"); status != 200 {
			t.Fatalf("request %d: status %d, want 200", i, status)
		}
		<-closed
	}
}

// Bytes on an idle connection that nobody asked for would be taken for the next
// answer.
func TestUnsolicitedAnswerIsNotUsed(t *testing.T) {
	p := serve(t, nil, origin(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			c.Write([]byte(sized("right") + sized("wrong")))
			c.Read(make([]byte, 1)) // until the proxy closes
		}
	}))
	c := dial(t, p.addr)
	for i := range 5 {
		if status, body := ask(t, c, get); status != 200 || body != "right" {
			t.Fatalf("request %d: %d %q", i, status, body)
		}
	}
}

func TestBadChunkRightBehindTheHeadIs502(t *testing.T) {
	p := serve(t, nil, origin(t, answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n")))
	if status, body := ask(t, dial(t, p.addr), get); status != 502 || !strings.HasPrefix(body, "502 ") {
		t.Errorf("%d %q, want our own 502", status, body)
	}
}

func TestRefusedBodyThatIsThereIsPassedOver(t *testing.T) {
	p := serve(t, func(s *site.Site) { s.Routes = []site.Route{{Path: "/", To: "!"}} }, refusing(t))
	c := dial(t, p.addr)
	for range 2 {
		if status, _ := ask(t, c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n"); status != 404 {
			t.Errorf("status %d, want 404", status)
		}
	}
}

// A member that was reached stays usable whatever it did with one request:
// otherwise any client that knows a slow or broken URL takes out every member.
func TestABadAnswerDoesNotTakeTheMemberOut(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		open         bool // the origin keeps the connection
		status       int
	}{
		{"silent", "", true, 504},
		{"breaks off", "", false, 502},
		{"garbage", "SSH-2.0-OpenSSH\r\n\r\n", false, 502},
		{"head that stops", "HTTP/1.1 200 OK\r\nContent-Le", true, 504},
		{"cut head", "HTTP/1.1 200 OK\r\nContent-Le", false, 502},
		{"interim responses for ever", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100), true, 502},
	} {
		t.Run(tt.name, func(t *testing.T) {
			within := time.Minute
			if tt.status == 504 {
				within = 200 * time.Millisecond
			}
			p := serve(t, timeout(within), origin(t, func(c net.Conn) {
				req, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil || req.URL.Path == "/good" {
					// Closed openly: a POST on a connection that ends at that moment is
					// not sent twice.
					c.Write([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
					return
				}
				c.Write([]byte(tt.answer))
				if tt.open {
					c.Read(make([]byte, 1)) // until the proxy closes
				}
			}))
			for path, want := range map[string]int{"/bad": tt.status, "/good": 200} {
				// HTTP/1.0, since that gets no interim responses.
				if status, _ := ask(t, dial(t, p.addr), "POST "+path+" HTTP/1.0\r\n\r\n"); status != want {
					t.Errorf("%s: status %d, want %d", path, status, want)
				}
				if inError(p) {
					t.Errorf("%s: the member is in error", path)
				}
			}
		})
	}
}

// mute is the URL of a member that does not answer a connect: its listener's queue
// is full.
func mute(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", sa.(*syscall.SockaddrInet4).Port)
	for range 4 {
		if c, err := net.DialTimeout("tcp", addr, 50*time.Millisecond); err == nil {
			t.Cleanup(func() { c.Close() })
		}
	}
	return "http://" + addr
}

func TestConnectTimeoutIsAFailedConnect(t *testing.T) {
	p := serve(t, func(s *site.Site) { s.Balancers[0].Members[0].ConnectionTimeout = 50 * time.Millisecond }, mute(t))
	c := dial(t, p.addr)
	// The first request finds out, the second knows.
	for _, want := range []int{504, 503} {
		if status, _ := ask(t, c, get); status != want {
			t.Errorf("status %d, want %d", status, want)
		}
	}
}

// Without file descriptors no member can be reached, and none is to blame.
func TestWithoutDescriptorsNoMemberIsBlamed(t *testing.T) {
	p := serve(t, nil, origin(t, answering(sized("ok"))))
	c := dial(t, p.addr)
	if status, _ := ask(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); status != 200 {
		t.Fatalf("status %d before", status)
	}
	p.eachPool(func(u *upstream.Pool) { u.Close() }) // no idle connection is left
	for _, fault := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, upstream.ErrClosed} {
		if err := error(&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", fault)}); !ownFault(err) {
			t.Errorf("%v is blamed on the member", err)
		}
	}
	if status, _ := ask(t, c, get); status != 503 {
		t.Errorf("status %d, want 503", status)
	}
	if inError(p) {
		t.Error("the member is in error")
	}
}

// Which methods go out twice is the Site's to say; POST and PATCH never do.
func TestResendIsObeyed(t *testing.T) {
	for resend, twice := range map[string]string{
		"idempotent": "GET HEAD OPTIONS PUT DELETE",
		"safe":       "GET HEAD OPTIONS",
		"never":      "",
	} {
		for _, method := range strings.Fields("GET HEAD OPTIONS PUT DELETE POST PATCH OWN") {
			p := serve(t, func(s *site.Site) {
				s.Balancers[0].Failures.Resend = resend
			}, origin(t, hangUp), origin(t, answering("HTTP/1.1 204 No Content\r\n\r\n")))
			want := 502
			if slices.Contains(strings.Fields(twice), method) {
				want = 204
			}
			if status, _ := ask(t, dial(t, p.addr), method+" / HTTP/1.1\r\nHost: h\r\n\r\n"); status != want {
				t.Errorf("%s: %s: status %d, want %d", resend, method, status, want)
			}
			p.stop(t)
		}
	}
}

// Where nothing was sent there is nothing to send again: another member is asked
// whatever the Site says.
func TestUnreachableMemberIsPassedOverWithoutResend(t *testing.T) {
	p := serve(t, func(s *site.Site) { s.Balancers[0].Failures.Resend = "never" }, refusing(t), origin(t, answering(sized("ok"))))
	if status, _ := ask(t, dial(t, p.addr), "POST / HTTP/1.1\r\nHost: h\r\n\r\n"); status != 200 {
		t.Errorf("status %d", status)
	}
}
