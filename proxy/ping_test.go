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

// polite is an origin that says 100 Continue, reads the body, and answers with its
// length.
func polite(c net.Conn) {
	for r := bufio.NewReader(c); ; {
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if q.Header.Get("Expect") != "" {
			io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		n, err := io.Copy(io.Discard, q.Body)
		if err != nil {
			return
		}
		io.WriteString(c, sized(strconv.FormatInt(n, 10)))
	}
}

func pingWithin(d time.Duration) func(*site.Site) {
	return func(s *site.Site) {
		for i := range s.Balancers[0].Members {
			s.Balancers[0].Members[i].Ping = d
		}
	}
}

// bodies are requests that no method allows to be sent twice, of each kind.
var bodies = map[string]string{
	"in the buffer": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
	"large":         "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat("x", 300000),
	"chunked":       "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
}

var lengths = map[string]string{"in the buffer": "5", "large": "300000", "chunked": "5"}

// A member that does not say 100 Continue gets no byte of the body, and goes into
// error state; another one serves the request, though its method is not idempotent.
func TestPingFindsAMemberThatIsNotThere(t *testing.T) {
	for _, gone := range []struct {
		name    string
		script  func(c net.Conn)
		inError bool
	}{
		{"silent", func(c net.Conn) { io.Copy(io.Discard, c) }, true},
		{"it closes", hangUp, false}, // as without ping
	} {
		for name, request := range bodies {
			t.Run(gone.name+" "+name, func(t *testing.T) {
				t.Parallel()
				var extra atomic.Int64
				first := origin(t, func(c net.Conn) {
					r := bufio.NewReader(c)
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					if gone.inError {
						n, _ := io.Copy(io.Discard, r)
						extra.Add(n)
					}
				})
				p := serve(t, func(s *site.Site) {
					pingWithin(5 * time.Second)(s)
					s.Balancers[0].Members[0].Ping = 50 * time.Millisecond
					s.Balancers[0].Failures.Probe = 0
				}, first, origin(t, polite))
				if status, body := ask(t, dial(t, p.addr), request); status != 200 || body != lengths[name] {
					t.Errorf("%d %q, want 200 and the length of the body", status, body)
				}
				if got := inError(p); got != gone.inError {
					t.Errorf("in error: %v, want %v", got, gone.inError)
				}
				p.stop(t)
				if n := extra.Load(); n > 0 {
					t.Errorf("the first member has %d bytes of the body", n)
				}
			})
		}
	}
}

func TestPingWithoutAnotherMember(t *testing.T) {
	p := serve(t, pingWithin(30*time.Millisecond), origin(t, func(c net.Conn) { io.Copy(io.Discard, c) }))
	if status, _ := ask(t, dial(t, p.addr), bodies["in the buffer"]); status != 504 {
		t.Errorf("status %d, want 504", status)
	}
	p.stop(t) // the note comes behind the answer
	if !strings.Contains(p.notes.String(), "no 100 Continue within ping") {
		t.Errorf("noted:\n%s", p.notes)
	}
}

// A connection that had been idle may be dead where its member is not: that gets
// the request on another.
func TestPingOnAConnectionThatDied(t *testing.T) {
	var conns atomic.Int64
	p := serve(t, pingWithin(100*time.Millisecond), origin(t, func(c net.Conn) {
		if conns.Add(1) > 1 {
			polite(c)
			return
		}
		r := bufio.NewReader(c)
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		io.WriteString(c, sized("first"))
		io.Copy(io.Discard, r) // and is silent from here on
	}))
	c := dial(t, p.addr)
	if status, body := ask(t, c, get); status != 200 || body != "first" {
		t.Fatal(status, body)
	}
	if status, body := ask(t, c, bodies["in the buffer"]); status != 200 || body != "5" {
		t.Errorf("%d %q, want 200 from a second connection", status, body)
	}
	if n := conns.Load(); n != 2 || inError(p) {
		t.Errorf("%d connections, want 2; in error: %v", n, inError(p))
	}
}

// Once the body is out, the member has its usual time.
func TestPingIsNotTheTimeOfTheAnswer(t *testing.T) {
	p := serve(t, pingWithin(200*time.Millisecond), origin(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
		io.Copy(io.Discard, q.Body)
		<-time.After(time.Second)
		io.WriteString(c, sized("late"))
	}))
	if status, body := ask(t, dial(t, p.addr), bodies["chunked"]); status != 200 || body != "late" {
		t.Errorf("%d %q", status, body)
	}
}
