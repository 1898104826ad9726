package proxy

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"proxylab/proxy/balancer"
	"proxylab/proxy/site"
	"proxylab/proxy/socket"
)

func TestMain(m *testing.M) {
	if os.Getenv(originVariable) != "" {
		originProcess() // faults_test.go
		return
	}
	goleak.VerifyTestMain(m)
}

// attended skips a test of what is not seen where loops attend no sockets: who
// reads slowly, who has left.
func attended(t *testing.T) {
	if !socket.Attended {
		t.Skip("sockets are those of package net here")
	}
}

// lines is a log that tests read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a proxy that serves.
type running struct {
	*Server
	addr   string
	access *lines
	notes  *lines // what the operator is told
	cancel context.CancelFunc
	done   chan error
}

// stop ends the proxy as SIGTERM does, and waits.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	select {
	case err := <-r.done:
		r.done <- nil
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the proxy does not stop")
	}
}

// serve runs a proxy before the members for the length of the test. change may
// change its Site.
func serve(t testing.TB, change func(*site.Site), members ...string) *running {
	t.Helper()
	r := unserved(t, change, members...)
	r.serve(t)
	return r
}

// unserved is serve before Serve.
func unserved(t testing.TB, change func(*site.Site), members ...string) *running {
	t.Helper()
	declared, err := site.FromFlags("127.0.0.1:0", members, "")
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(declared)
	}
	r := &running{access: new(lines), notes: new(lines), done: make(chan error, 1)}
	r.Server, err = New(declared, Options{Access: r.access, Logger: slog.New(slog.NewTextHandler(r.notes, nil)), Grace: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	r.addr = r.Addr().String()
	return r
}

// serve has it run for the length of the test.
func (r *running) serve(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { r.done <- r.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-r.done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		for _, b := range r.Balancers() {
			for _, m := range b.Status().Members {
				if m.Busy != 0 {
					t.Errorf("%s: member %s is busy with %d exchanges after the end", b.Name(), m.Name, m.Busy)
				}
			}
		}
	})
}

// member is what the first balancer says of a member.
func (r *running) member(i int) balancer.MemberStatus { return r.Balancers()[0].Status().Members[i] }

// inError says whether the first member of the first balancer is.
func inError(r *running) bool { return r.member(0).Flags&balancer.InError != 0 }

// timeout makes every timeout of the Site short.
func timeout(d time.Duration) func(*site.Site) {
	return func(s *site.Site) {
		s.Limits.Timeout, s.Limits.HeadTimeout, s.Limits.HeadTimeoutMax = d, d, d
		for i := range s.Balancers {
			for j := range s.Balancers[i].Members {
				m := &s.Balancers[i].Members[j]
				m.Timeout, m.UpgradeTimeout = d, d
			}
		}
	}
}

// origin answers each connection by script, in a goroutine, until the test ends.
func origin(t testing.TB, script func(c net.Conn)) (url string) {
	t.Helper()
	return originOn(t, listen(t), script)
}

// originOn is origin on a listener.
func originOn(t testing.TB, l net.Listener, script func(c net.Conn)) (url string) {
	t.Helper()
	var serving sync.WaitGroup
	t.Cleanup(func() { serving.Wait() }) // after the listener and the proxy have closed
	t.Cleanup(func() { l.Close() })
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				script(c)
			})
		}
	})
	return "http://" + l.Addr().String()
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// answering is an origin that gives the same answer to each request without a
// body.
func answering(answer string) func(net.Conn) {
	return func(c net.Conn) {
		var b []byte
		buf := make([]byte, 4096)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			b = append(b, buf[:n]...)
			for {
				end := bytes.Index(b, []byte("\r\n\r\n"))
				if end < 0 {
					break
				}
				b = b[end+4:]
				if _, err := c.Write([]byte(answer)); err != nil {
					return
				}
			}
		}
	}
}

// sized is a 200 with that body.
func sized(body string) string {
	return "HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// dial opens a client connection that gives up after five seconds.
func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(5 * time.Second))
	t.Cleanup(func() { c.Close() })
	return c
}

// ask sends a request and returns status and body of its response.
func ask(t testing.TB, c net.Conn, request string) (status int, body string) {
	t.Helper()
	if _, err := c.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

// refusing is the URL of a member that nobody listens for.
func refusing(t testing.TB) string {
	l := listen(t)
	defer l.Close()
	return "http://" + l.Addr().String()
}
