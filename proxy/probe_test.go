package proxy

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"proxylab/proxy/balancer"
	"proxylab/proxy/site"
)

func TestWhatPassesACheck(t *testing.T) {
	const ok, no = "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 503 Service Unavailable\r\nX: ready\r\n\r\nbusy"
	for _, tt := range []struct {
		claim, method, expr, answer string
		passes                      bool
	}{
		{"a status of success", "GET", "", ok, true},
		{"a redirection", "HEAD", "", "HTTP/1.0 302 Found\r\n\r\n", true},
		{"a status of failure", "GET", "", no, false},
		{"a status that matches", "OPTIONS", "%{REQUEST_STATUS} =~ /^[25]/", no, true},
		{"a status that does not", "OPTIONS", "%{REQUEST_STATUS} =~ /^3/", no, false},
		{"a status that must not", "OPTIONS", "%{REQUEST_STATUS} !~ /^3/", no, true},
		{"a body that matches", "GET", "hc('body') =~ /bu.y/", no, true},
		{"a word of the head is not in the body", "GET", "hc('body') =~ /ready/", no, false},
		{"a body that must not match", "GET", "hc('body') !~ /busy/", no, false},
		{"no body at all", "GET", "hc('body') =~ /a/", ok, false},
		{"nothing", "GET", "", "", false},
		{"half a status line", "GET", "", "HTTP/1.1 20", false},
		{"another protocol", "GET", "", "SSH-2.0-OpenSSH_10.0\r\n", false},
		{"a connection alone", "TCP", "", "", true},
	} {
		asked := make(chan string, 1)
		p := serve(t, nil, origin(t, func(c net.Conn) {
			line, _ := bufio.NewReader(c).ReadString('\n')
			asked <- line
			c.Write([]byte(tt.answer))
		}))
		g := p.parts.Load().groups[0]
		g.site.Checks = site.Checks{Method: tt.method, URI: "/health", Expr: site.Expr(tt.expr)}
		if err := g.probe(t.Context(), 0, true); (err == nil) != tt.passes {
			t.Errorf("%s: %v", tt.claim, err)
		}
		if line, want := <-asked, tt.method+" /health HTTP/1.0\r\n"; tt.method != "TCP" && line != want {
			t.Errorf("%s: asked %q, want %q", tt.claim, line, want)
		}
	}
}

// A reload that changes nothing but what is asked for is obeyed by the checks.
func TestReloadChangesTheChecks(t *testing.T) {
	asked := make(chan string, 1000)
	one := origin(t, func(c net.Conn) {
		if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			select {
			case asked <- req.URL.Path:
			default:
			}
			c.Write([]byte(sized("ok")))
		}
	})
	checks := func(uri string) func(*site.Site) {
		return func(s *site.Site) {
			s.Balancers[0].Checks = site.Checks{Method: "GET", URI: uri, Interval: 10 * time.Millisecond, Passes: 1, Fails: 1}
		}
	}
	p := serve(t, checks("/before"), one)
	if got := <-asked; got != "/before" {
		t.Errorf("asked for %s", got)
	}
	if err := p.Reload(reloaded(t, checks("/after"), one)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new path is asked for", func() bool { return <-asked == "/after" })
}

// A member that fails its checks gets no request, though it would answer, and gets
// them again when it passes.
func TestChecksTakeAMemberOut(t *testing.T) {
	var sick atomic.Bool
	sick.Store(true)
	one := origin(t, func(c net.Conn) {
		for r := bufio.NewReader(c); ; {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			answer := sized("one")
			if strings.HasPrefix(req.URL.Path, "/health") && sick.Load() {
				answer = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
			}
			c.Write([]byte(answer))
		}
	})
	p := serve(t, func(s *site.Site) {
		s.Balancers[0].Checks = site.Checks{Method: "GET", URI: "/health", Interval: 20 * time.Millisecond, Passes: 2, Fails: 2}
	}, one, origin(t, answering(sized("two"))))
	failed := func() bool { return p.member(0).Flags&balancer.HealthFailed != 0 }
	eventually(t, "the checks fail", failed)
	c := dial(t, p.addr)
	for range 4 {
		if _, body := ask(t, c, get); body != "two" {
			t.Errorf("got %s", body)
		}
	}
	if check := p.member(0).Check; check.Err == nil || !strings.Contains(check.Err.Error(), "status 500") {
		t.Errorf("the last check: %v", check.Err)
	}
	sick.Store(false)
	eventually(t, "the checks pass", func() bool { return !failed() })
	if _, body := ask(t, c, get); body != "one" {
		t.Errorf("got %s", body)
	}
}

// A member may be checked in its own way.
func TestAMemberHasChecksOfItsOwn(t *testing.T) {
	asked := make(chan string, 1000)
	tells := func(name string) string {
		return origin(t, func(c net.Conn) {
			if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				select {
				case asked <- name + " " + req.Method + " " + req.URL.Path:
				default:
				}
				c.Write([]byte(sized("ok")))
			}
		})
	}
	serve(t, func(s *site.Site) {
		b := &s.Balancers[0]
		b.Checks = site.Checks{Method: "GET", URI: "/all", Interval: 10 * time.Millisecond, Passes: 1, Fails: 1}
		b.Members[1].Checks = site.Checks{Method: "HEAD", URI: "/own", Interval: 10 * time.Millisecond, Passes: 1, Fails: 1}
	}, tells("a"), tells("b"))
	got := make(map[string]bool)
	for range 20 {
		got[<-asked] = true
	}
	if len(got) != 2 || !got["a GET /all"] || !got["b HEAD /own"] {
		t.Errorf("asked %v", got)
	}
}
