package proxy

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"proxylab/proxy/balancer"
	"proxylab/proxy/site"
)

// sessions is a proxy before three members with routes a, b and c, which answer
// with their route.
func sessions(t *testing.T, change func(*site.Balancer)) *running {
	var members []string
	for _, route := range []string{"a", "b", "c"} {
		members = append(members, origin(t, answering(sized(route))))
	}
	return serve(t, func(s *site.Site) {
		b := &s.Balancers[0]
		for i := range b.Members {
			b.Members[i].Route = string(rune('a' + i))
		}
		b.Sessions = site.Sessions{Cookie: "SID", Parameter: "sid", Separator: "."}
		if change != nil {
			change(b)
		}
	}, members...)
}

// A session's requests all go to its member; those of none take turns.
func TestSessions(t *testing.T) {
	delimited := func(b *site.Balancer) { b.Sessions.Delimiter = true }
	bare := func(b *site.Balancer) { b.Sessions.Separator = "" }
	other := func(b *site.Balancer) { b.Sessions.Separator = "!" }
	for _, tt := range []struct {
		claim  string
		change func(*site.Balancer)
		target string
		fields string
		want   string
	}{
		{"no session", nil, "/", "", "abca"},
		{"a cookie", nil, "/", "Cookie: SID=7f.b\r\n", "bbbb"},
		{"a cookie among others", nil, "/", "Cookie: XSID=1.a; SID=7f.c ;T=.a\r\n", "cccc"},
		{"a second Cookie line", nil, "/", "Cookie: T=1\r\ncookie: SID=7f.c\r\n", "cccc"},
		{"a cookie of another case", nil, "/", "Cookie: sid=7f.b\r\n", "abca"},
		{"the first separator counts", nil, "/", "Cookie: SID=7f.b.c\r\n", "abca"},
		{"a cookie without a route", nil, "/", "Cookie: SID=7f\r\n", "abca"},
		{"an empty route", nil, "/", "Cookie: SID=7f.\r\n", "abca"},
		{"an unknown route", nil, "/", "Cookie: SID=7f.x\r\n", "abca"},
		{"a parameter of the path", nil, "/cart;sid=7f.b", "", "bbbb"},
		{"a parameter of the query", nil, "/cart?x=1&sid=7f.b&y=2", "", "bbbb"},
		{"the path before the cookie", nil, "/;sid=7f.b", "Cookie: SID=7f.c\r\n", "bbbb"},
		{"a semicolon is of the value", nil, "/;sid=7f.b;x=1", "", "abca"},
		{"a semicolon ends the value", delimited, "/;sid=7f.b;x=1", "", "bbbb"},
		{"no separator", bare, "/", "Cookie: SID=b\r\n", "bbbb"},
		{"another separator", other, "/", "Cookie: SID=7.f!b\r\n", "bbbb"},
		{"a session of a member that is out goes on", func(b *site.Balancer) { b.Members[1].Status = "D" }, "/", "Cookie: SID=7f.b\r\n", "acac"},
		{"to its redirect", func(b *site.Balancer) { b.Members[1].Status, b.Members[1].Redirect = "D", "c" }, "/", "Cookie: SID=7f.b\r\n", "cccc"},
	} {
		t.Run(tt.claim, func(t *testing.T) {
			c := dial(t, sessions(t, tt.change).addr)
			got := ""
			for range 4 {
				_, body := ask(t, c, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: h\r\n%s\r\n", tt.target, tt.fields))
				got += body
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestNoFailoverOfASession(t *testing.T) {
	c := dial(t, sessions(t, func(b *site.Balancer) {
		b.Sessions.NoFailover, b.Members[1].Status = true, "D"
	}).addr)
	if status, _ := ask(t, c, "GET / HTTP/1.1\r\nHost: h\r\nCookie: SID=x.b\r\n\r\n"); status != 503 {
		t.Errorf("status %d, want 503", status)
	}
}

// What is alike in what is hashed goes to the same member; other values spread.
func TestHashOn(t *testing.T) {
	for _, tt := range []struct{ on, request string }{
		{"uri", "GET /%d?%d HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"header X-User", "GET / HTTP/1.1\r\nHost: h\r\nx-user: %d\r\nX-Other: %d\r\n\r\n"},
		{"cookie user", "GET / HTTP/1.1\r\nHost: h\r\nCookie: user=%d; other=%d\r\n\r\n"},
	} {
		c := dial(t, sessions(t, func(b *site.Balancer) { b.LBMethod, b.HashOn, b.HashBound = "hash", tt.on, 0 }).addr)
		of, used := make(map[int]string), make(map[string]bool)
		for i := range 80 {
			_, body := ask(t, c, fmt.Sprintf(tt.request, i%40, i))
			if of[i%40] == "" {
				of[i%40] = body
			}
			if of[i%40] != body {
				t.Errorf("%s: %d went to %s and to %s", tt.on, i%40, of[i%40], body)
			}
			used[body] = true
		}
		if len(used) != 3 {
			t.Errorf("%s: 40 values went to %d members of 3", tt.on, len(used))
		}
	}
}

func TestFailOnStatusAndMaxAttempts(t *testing.T) {
	bad := origin(t, answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"))
	good := origin(t, answering(sized("ok")))
	p := serve(t, func(s *site.Site) { s.Balancers[0].Failures.OnStatus = []int{503} }, bad, good)
	c := dial(t, p.addr)
	for i, want := range []int{503, 200, 200, 200} {
		if status, _ := ask(t, c, get); status != want {
			t.Errorf("request %d: status %d, want %d", i, status, want)
		}
	}
	p = serve(t, func(s *site.Site) { s.Balancers[0].Failures.Attempts = 1 }, refusing(t), refusing(t), good)
	if status, _ := ask(t, dial(t, p.addr), get); status != 502 {
		t.Errorf("status %d after one further attempt, want 502", status)
	}
}

// A client without a cookie of ours gets one, which says nothing of the member to
// others, and stays where it was: over a reload too, until its member is out.
func TestOwnSessionCookie(t *testing.T) {
	own := func(b *site.Balancer) { b.Sessions = site.Sessions{Own: "HOME"} }
	p := sessions(t, own)
	send := func(value string) (body, set string) {
		c := dial(t, p.addr)
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: h\r\nCookie: a=b; HOME=%s\r\n\r\n", value)
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b), res.Header.Get("Set-Cookie")
	}
	value := func(set string) string {
		m := regexp.MustCompile(`^HOME=([0-9a-f]{32}); Path=/; HttpOnly; SameSite=Lax$`).FindStringSubmatch(set)
		if m == nil {
			t.Fatalf("Set-Cookie: %q", set)
		}
		return m[1]
	}
	homes := make(map[string]string)
	for range 3 {
		body, set := send("forged")
		homes[body] = value(set)
	}
	if len(homes) != 3 || homes["a"] == homes["b"] {
		t.Fatalf("cookies %v", homes)
	}
	stay := func() {
		t.Helper()
		for _, member := range []string{"a", "b", "b", "a", "c"} {
			if body, set := send(homes[member]); body != member || set != "" {
				t.Errorf("session of %s: got %s, Set-Cookie %q", member, body, set)
			}
		}
	}
	stay()
	declared := *p.parts.Load().site
	b := declared.Balancers[0]
	b.Members = []site.Member{b.Members[2], b.Members[0], b.Members[1]}
	declared.Balancers = []site.Balancer{b}
	if err := p.Reload(&declared); err != nil {
		t.Fatal(err)
	}
	stay()
	if err := p.Balancers()[0].ChangeMember(b.Members[1].URL, balancer.MemberChange{Set: balancer.Disabled}); err != nil {
		t.Fatal(err)
	}
	body, set := send(homes["a"])
	if body == "a" || value(set) != homes[body] {
		t.Errorf("session of a member that is out: got %s, Set-Cookie %q", body, set)
	}
}

// Proxies with the same key agree on the values of a cookie of ours, and with
// another one they do not. What is no key is told when the proxy starts.
func TestProxiesWithOneKeyAgreeOnSessions(t *testing.T) {
	dir := t.TempDir()
	one, other, short := filepath.Join(dir, "one"), filepath.Join(dir, "other"), filepath.Join(dir, "short")
	writeFile(t, one, []byte(strings.Repeat("1", 32)+"\n"))
	writeFile(t, other, []byte(strings.Repeat("2", 44)))
	writeFile(t, short, []byte("secret\n"))
	origins := []string{origin(t, answering(sized("a"))), origin(t, answering(sized("b")))}
	value := func(keyFile string) string {
		p := serve(t, func(s *site.Site) { s.Balancers[0].Sessions = site.Sessions{Own: "HOME", KeyFile: keyFile} }, origins...)
		c := dial(t, p.addr)
		c.Write([]byte(get))
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		return res.Header.Get("Set-Cookie")
	}
	if a, b := value(one), value(one); a == "" || a != b {
		t.Errorf("with one key %q and %q", a, b)
	}
	if a, b := value(one), value(other); a == b {
		t.Errorf("with two keys %q", a)
	}
	for _, file := range []string{short, filepath.Join(dir, "none")} {
		declared, err := site.FromFlags("127.0.0.1:0", origins, "")
		if err != nil {
			t.Fatal(err)
		}
		declared.Balancers[0].Sessions = site.Sessions{Own: "HOME", KeyFile: file}
		if _, err := New(declared, Options{Logger: slog.Default()}); err == nil || !strings.Contains(err.Error(), file) || HintOf(err) == "" {
			t.Errorf("%s: %v", file, err)
		}
	}
}
