package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxylab/proxy/balancer"
	"proxylab/proxy/site"
	"proxylab/proxy/upstream"
)

// hedging makes the first balancer of a Site hedge, with budget percent of requests.
func hedging(budget int) func(*site.Site) {
	return func(s *site.Site) {
		s.Balancers[0].Failures.Hedge, s.Balancers[0].Failures.HedgeBudget = 95, budget
	}
}

// hedgeable is a member that answers with its name: at once, or where the path asks
// a member of that name to dawdle, once the test lets it.
type hedgeable struct {
	url      string
	asked    atomic.Int64
	left     atomic.Int64  // connections that ended while it dawdled
	dawdling chan struct{} // gets one for each request that is kept waiting
	let      chan struct{} // is taken from by each of them
}

func newHedgeable(t testing.TB, name string) *hedgeable {
	h := &hedgeable{dawdling: make(chan struct{}, 100), let: make(chan struct{})}
	h.url = origin(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		gone := make(chan struct{}) // who waits for the end reads r
		close(gone)
		for {
			<-gone
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			h.asked.Add(1)
			io.Copy(io.Discard, q.Body)
			if strings.Contains(q.URL.Path, "slow-"+name) {
				h.dawdling <- struct{}{}
				ended := make(chan struct{})
				gone = ended
				go func() { r.Peek(1); close(ended) }()
				select {
				case <-h.let:
				case <-ended:
					h.left.Add(1)
					return
				}
			}
			switch {
			case strings.Contains(q.URL.Path, "garbage-"+name):
				fmt.Fprint(c, "SMTP\r\n\r\n")
				return
			case strings.Contains(q.URL.Path, "drop-"+name):
				return
			case strings.Contains(q.URL.Path, "early-"+name):
				fmt.Fprint(c, "HTTP/1.1 103 Early Hints\r\nLink: </"+name+">\r\n\r\n")
			}
			body := name
			if q.Method == "HEAD" {
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX-Name: %s\r\nContent-Length: 1\r\n\r\n", name)
				continue
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX-Name: %s\r\nContent-Length: %d\r\n\r\n%s", name, len(body), body)
		}
	})
	return h
}

// hedged is a proxy before members a and b that knows what answers take. Its next
// request goes to a.
func hedged(t *testing.T, change func(*site.Site)) (p *running, a, b *hedgeable) {
	t.Helper()
	a, b = newHedgeable(t, "a"), newHedgeable(t, "b")
	p = serve(t, func(s *site.Site) {
		hedging(100)(s)
		if change != nil {
			change(s)
		}
	}, a.url, b.url)
	c := dial(t, p.addr)
	r := bufio.NewReader(c)
	for n := 0; p.Balancers()[0].HedgeDelay() == 0 || n%2 != 0; n++ {
		if n > 100_000 {
			t.Fatal("it never knows enough")
		}
		fmt.Fprint(c, get)
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Read(make([]byte, 1))
	}
	return p, a, b
}

// try sends a request and returns who answered.
func try(t *testing.T, p *running, method, path string, fields ...string) (status int, who string) {
	t.Helper()
	c := dial(t, p.addr)
	defer c.Close()
	request := method + " " + path + " HTTP/1.1\r\nHost: h\r\n"
	for _, f := range fields {
		request += f + "\r\n"
	}
	if _, err := c.Write([]byte(request + "\r\n")); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return res.StatusCode, res.Header.Get("X-Name")
}

func status(p *running) balancer.Status { return p.Balancers()[0].Status() }

// quiet waits until no exchange runs: what was canceled ends by itself.
func quiet(t *testing.T, p *running) {
	t.Helper()
	eventually(t, "no member is busy", func() bool {
		return !slices.ContainsFunc(status(p).Members, func(m balancer.MemberStatus) bool { return m.Busy != 0 })
	})
}

func TestASlowAnswerIsHedged(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "DELETE", "PUT"} {
		t.Run(method, func(t *testing.T) {
			p, a, _ := hedged(t, nil)
			before := status(p)
			if code, who := try(t, p, method, "/slow-a"); code != 200 || who != "b" {
				t.Errorf("%d by %q, want 200 by b", code, who)
			}
			eventually(t, "the first member's connection is closed", func() bool { return a.left.Load() == 1 })
			quiet(t, p)
			s := status(p)
			if s.Hedges-before.Hedges != 1 || s.HedgesWon-before.HedgesWon != 1 || s.Members[0].Errors != 0 || s.Members[0].Flags != 0 || s.Again != 0 {
				t.Errorf("%+v", s)
			}
			eventually(t, "the log names who answered", func() bool { return strings.Contains(p.access.String(), "/slow-a") })
			if line := logLine(p, "/slow-a"); !strings.Contains(line, status(p).Members[1].Name) {
				t.Errorf("the log: %s", line)
			}
		})
	}
}

// logLine is that of a request.
func logLine(p *running, of string) string {
	for line := range strings.Lines(p.access.String()) {
		if strings.Contains(line, of) {
			return line
		}
	}
	return ""
}

func TestTheFirstMemberCanWinAsWell(t *testing.T) {
	p, a, b := hedged(t, nil)
	before := status(p)
	done := make(chan string)
	go func() {
		c := dial(t, p.addr)
		_, body := ask(t, c, "GET /slow-a/slow-b HTTP/1.1\r\nHost: h\r\n\r\n")
		done <- body
	}()
	<-b.dawdling // so the hedge is out
	a.let <- struct{}{}
	if who := <-done; who != "a" {
		t.Errorf("%q answered, want a", who)
	}
	eventually(t, "the second member's connection is closed", func() bool { return b.left.Load() == 1 })
	quiet(t, p)
	if s := status(p); s.Hedges-before.Hedges != 1 || s.HedgesWon != before.HedgesWon || s.Members[1].Errors != 0 {
		t.Errorf("%+v", s)
	}
}

func TestWhatMayNotGoToTwoMembersIsNotHedged(t *testing.T) {
	rows := []struct {
		claim, method string
		fields        []string
		change        func(*site.Site)
	}{
		{"a POST", "POST", []string{"Content-Length: 0"}, nil},
		{"an unknown method", "BREW", nil, nil},
		{"a PUT where only safe methods are resent", "PUT", nil, func(s *site.Site) { s.Balancers[0].Failures.Resend = "safe" }},
		{"what has a body", "PUT", []string{"Content-Length: 1", "", "x"}, nil},
		{"a request of a session", "GET", []string{"Cookie: SID=1.one"}, func(s *site.Site) {
			s.Balancers[0].Sessions = site.Sessions{Cookie: "SID", Parameter: "sid", Separator: "."}
			s.Balancers[0].Members[0].Route = "one"
		}},
		{"one that changes the protocol", "GET", []string{"Connection: upgrade", "Upgrade: websocket"}, func(s *site.Site) { s.Balancers[0].Members[0].Upgrade = "websocket" }},
	}
	for _, row := range rows {
		t.Run(row.claim, func(t *testing.T) {
			p, a, b := hedged(t, row.change)
			sent := status(p).Hedges
			done := make(chan string)
			go func() {
				_, who := try(t, p, row.method, "/slow-a", row.fields...)
				done <- who
			}()
			<-a.dawdling
			// One that came later and is hedged tells that it was time for this one, too.
			if _, who := try(t, p, "GET", "/slow-b"); who != "a" || status(p).Hedges != sent+1 {
				t.Errorf("%q answered the other, %d hedges", who, status(p).Hedges-sent)
			}
			<-b.dawdling
			a.let <- struct{}{}
			if who := <-done; who != "a" || status(p).Hedges != sent+1 {
				t.Errorf("%q answered, %d hedges", who, status(p).Hedges-sent)
			}
		})
	}
}

// What becomes of the hedge does not harm the request.
func TestTheRequestOutlivesEitherMember(t *testing.T) {
	rows := []struct {
		path string
		want string // who answers once a is let go
	}{
		{"/slow-a/garbage-b", "a"},
		{"/slow-a/drop-b", "a"},
		{"/slow-a/early-b", ""}, // a 103 is a head like another
		{"/slow-a/slow-b/drop-a", "b"},
		{"/slow-a/slow-b/garbage-a", "b"},
	}
	for _, row := range rows {
		t.Run(row.path, func(t *testing.T) {
			p, a, b := hedged(t, nil)
			before := status(p).Hedges
			c := dial(t, p.addr)
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", row.path)
			<-a.dawdling
			eventually(t, "a hedge is sent", func() bool { return status(p).Hedges > before })
			switch {
			case row.want == "b":
				<-b.dawdling
				a.let <- struct{}{}
				eventually(t, "the first has failed", func() bool { return a.asked.Load() > 0 })
				b.let <- struct{}{}
			case row.want == "a":
				eventually(t, "the hedge has ended", func() bool { return status(p).Members[1].Busy == 0 })
				a.let <- struct{}{}
			}
			r := bufio.NewReader(c)
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if row.want == "" {
				if res.StatusCode != 103 || res.Header.Get("Link") != "</b>" {
					t.Errorf("%d %v", res.StatusCode, res.Header)
				}
				if res, err = http.ReadResponse(r, nil); err != nil {
					t.Fatal(err)
				}
				row.want = "b"
			}
			if who := res.Header.Get("X-Name"); res.StatusCode != 200 || who != row.want {
				t.Errorf("%d by %q, want %q", res.StatusCode, who, row.want)
			}
			c.Close()
			quiet(t, p)
		})
	}
}

func TestAClientThatLeavesEndsBoth(t *testing.T) {
	attended(t)
	p, a, b := hedged(t, nil)
	c := dial(t, p.addr)
	fmt.Fprint(c, "GET /slow-a/slow-b HTTP/1.1\r\nHost: h\r\n\r\n")
	<-a.dawdling
	<-b.dawdling
	c.Close()
	eventually(t, "both members' connections are closed", func() bool { return a.left.Load() == 1 && b.left.Load() == 1 })
	quiet(t, p)
	if s := status(p); s.Members[0].Errors+s.Members[1].Errors != 0 {
		t.Errorf("%+v", s)
	}
}

func TestAHedgeConnectsWhereNothingIsIdle(t *testing.T) {
	p, a, b := hedged(t, nil)
	p.eachPool(func(u *upstream.Pool) { u.Keep(false); u.Keep(true) }) // closes what is idle
	if code, who := try(t, p, "GET", "/slow-a"); code != 200 || who != "b" {
		t.Errorf("%d by %q", code, who)
	}
	eventually(t, "a is left", func() bool { return a.left.Load() == 1 })
	_ = b
}

func TestAStopEndsHedges(t *testing.T) {
	p, a, b := hedged(t, nil)
	c := dial(t, p.addr)
	fmt.Fprint(c, "GET /slow-a/slow-b HTTP/1.1\r\nHost: h\r\n\r\n")
	<-a.dawdling
	<-b.dawdling
	p.stop(t) // the grace period is 2 s
	eventually(t, "both are left", func() bool { return a.left.Load() == 1 && b.left.Load() == 1 })
}

// Two members answer at once but for one request in fifty. With hedges the slow ones
// are gone, for a twentieth more requests at most.
func TestTailLatencyFalls(t *testing.T) {
	const requests, clients, slow = 3000, 4, 300 * time.Millisecond
	play := func(budget int) (tail int, took []time.Duration, s balancer.Status) {
		var asked atomic.Int64
		member := func(c net.Conn) {
			r := bufio.NewReader(c)
			for {
				q, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				if n := asked.Add(1); n > 400 && n%50 == 0 && q.Header.Get("X-N") != "" {
					time.Sleep(slow)
				}
				if _, err := c.Write([]byte(sized("ok"))); err != nil {
					return
				}
			}
		}
		change := hedging(budget)
		if budget == 0 {
			change = nil
		}
		p := serve(t, change, origin(t, member), origin(t, member))
		var mu sync.Mutex
		var running sync.WaitGroup
		for range clients {
			running.Go(func() {
				c := dial(t, p.addr)
				c.SetDeadline(time.Now().Add(time.Minute))
				r := bufio.NewReader(c)
				for n := range requests / clients {
					began := time.Now()
					fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: h\r\nX-N: %d\r\n\r\n", n)
					res, err := http.ReadResponse(r, nil)
					if err != nil || res.StatusCode != 200 {
						t.Error(res, err)
						return
					}
					res.Body.Read(make([]byte, 2))
					d := time.Since(began)
					mu.Lock()
					took = append(took, d)
					if d >= slow {
						tail++
					}
					mu.Unlock()
				}
			})
		}
		running.Wait()
		quiet(t, p)
		return tail, took, status(p)
	}
	without, _, _ := play(0)
	with, _, s := play(5)
	extra := s.Members[0].Elected + s.Members[1].Elected - requests
	t.Logf("of %d requests %d took %v or more, with hedges %d; %d hedges, %d won, %d refused", requests, without, slow, with, s.Hedges, s.HedgesWon, s.HedgesRefused)
	if without < 40 || with > without/4 {
		t.Errorf("%d answers were slow, with hedges %d", without, with)
	}
	if extra != s.Hedges || extra > requests*5/100+1 || s.HedgesWon < 10 {
		t.Errorf("%d further requests; %+v", extra, s)
	}
}

// Members that become slow all alike get no more hedges than the budget has.
func TestMembersThatAreAllSlowAreNotAskedTwiceAsOften(t *testing.T) {
	const requests = 400
	var slow atomic.Bool
	member := func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			if slow.Load() {
				time.Sleep(100 * time.Millisecond)
			}
			if _, err := c.Write([]byte(sized("ok"))); err != nil {
				return
			}
		}
	}
	p := serve(t, hedging(5), origin(t, member), origin(t, member), origin(t, member))
	c := dial(t, p.addr)
	for p.Balancers()[0].HedgeDelay() == 0 {
		ask(t, c, get)
	}
	before := status(p)
	total := func(s balancer.Status) (n uint64) {
		for _, m := range s.Members {
			n += m.Elected
		}
		return n
	}
	slow.Store(true)
	var running sync.WaitGroup
	for range 20 {
		running.Go(func() {
			c := dial(t, p.addr)
			for range requests / 20 {
				if status, _ := ask(t, c, get); status != 200 {
					t.Error(status)
				}
			}
		})
	}
	running.Wait()
	quiet(t, p)
	after := status(p)
	hedges := after.Hedges - before.Hedges
	// Those before count for the share as well.
	if most := total(after)*5/100 + 2; hedges > most || hedges != total(after)-total(before)-requests {
		t.Errorf("%d hedges of %d requests, of which 400 were slow", hedges, total(after))
	}
	if after.HedgeDelay < 100*time.Millisecond {
		t.Errorf("the delay is still %v", after.HedgeDelay)
	}
}
