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

// The requests beyond max wait for their turn, and are shed where too many do.
func TestRequestsWaitForAMember(t *testing.T) {
	arrived, finish := make(chan struct{}, 10), make(chan struct{}, 10)
	p := serve(t, func(s *site.Site) {
		b := &s.Balancers[0]
		b.Members[0].Max, b.Timeout, b.Queue = 1, time.Minute, 1
	}, origin(t, func(c net.Conn) {
		for r := bufio.NewReader(c); ; {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			arrived <- struct{}{}
			<-finish
			c.Write([]byte(sized("ok")))
		}
	}))
	running, waiting := dial(t, p.addr), dial(t, p.addr)
	running.Write([]byte(get))
	<-arrived
	waiting.Write([]byte(get))
	eventually(t, "one waits", func() bool { return p.Balancers()[0].Status().Waiting == 1 })
	if status, _ := ask(t, dial(t, p.addr), get); status != 503 {
		t.Errorf("status %d with a full queue, want 503", status)
	}
	finish <- struct{}{}
	<-arrived // the one that waited, and not before
	finish <- struct{}{}
	for _, c := range []net.Conn{running, waiting} {
		if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != 200 {
			t.Errorf("%v, %v", res, err)
		}
	}
}

// A member that is restarted is back long before its retry.
func TestARestartedMemberIsProbed(t *testing.T) {
	l := listen(t)
	addr := l.Addr().String()
	l.Close()
	p := serve(t, func(s *site.Site) {
		s.Balancers[0].Members[0].Retry, s.Balancers[0].Failures.Probe = time.Hour, 50*time.Millisecond
	}, "http://"+addr)
	c := dial(t, p.addr)
	for _, want := range []int{502, 503} {
		if status, _ := ask(t, c, get); status != want {
			t.Fatalf("status %d with the member down, want %d", status, want)
		}
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			answering(sized("back"))(c)
			c.Close()
		}
	}()
	defer func() { l.Close(); p.stop(t); <-served }()
	eventually(t, "the member is back", func() bool { return !inError(p) })
	if status, _ := ask(t, c, get); status != 200 {
		t.Errorf("status %d", status)
	}
}

// The further attempts of a pool that is down as a whole stay within the budget.
func TestRetriesAreBounded(t *testing.T) {
	hang := origin(t, hangUp)
	p := serve(t, func(s *site.Site) { s.Balancers[0].Failures.Budget = 20 }, hang, origin(t, hangUp), origin(t, hangUp))
	const requests = 200
	for range requests {
		if status, _ := ask(t, dial(t, p.addr), get); status != 502 {
			t.Fatalf("status %d", status)
		}
	}
	s := p.Balancers()[0].Status()
	if s.Again == 0 || s.Again > 20+requests/5+1 || s.Refused == 0 {
		t.Errorf("%d further attempts of %d requests, %d refused", s.Again, requests, s.Refused)
	}
}

// A 503 says when it may be worth to ask again: not later than the next probe finds
// out. Going and coming back are logged once each.
func TestRefusalsSayWhenToAskAgain(t *testing.T) {
	l := listen(t)
	addr := l.Addr().String()
	l.Close()
	p := serve(t, func(s *site.Site) {
		s.Balancers[0].Members[0].Retry, s.Balancers[0].Failures.Probe = time.Hour, 7*time.Second
	}, "http://"+addr)
	c := dial(t, p.addr)
	ask(t, c, get) // finds out
	for range 3 {
		c.Write([]byte(get))
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		if s, err := strconv.Atoi(res.Header.Get("Retry-After")); res.StatusCode != 503 || err != nil || s < 1 || s > 7 {
			t.Errorf("status %d, Retry-After %q, want 1 to 7", res.StatusCode, res.Header.Get("Retry-After"))
		}
	}
	eventually(t, "it is logged", func() bool { return strings.Contains(p.notes.String(), "out of service") })
	if n := strings.Count(p.notes.String(), "out of service"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, p.notes)
	}
}

// acquire is a wait for a member's max where the balancer has no timeout.
func TestAcquireWaitsForTheMembersMax(t *testing.T) {
	arrived, finish := make(chan struct{}, 10), make(chan struct{}, 10)
	busy := origin(t, func(c net.Conn) {
		for r := bufio.NewReader(c); ; {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			arrived <- struct{}{}
			<-finish
			c.Write([]byte(sized("ok")))
		}
	})
	for _, acquire := range []time.Duration{time.Minute, 50 * time.Millisecond} {
		p := serve(t, func(s *site.Site) { m := &s.Balancers[0].Members[0]; m.Max, m.Acquire = 1, acquire }, busy)
		running, waiting := dial(t, p.addr), dial(t, p.addr)
		running.Write([]byte(get))
		<-arrived
		waiting.Write([]byte(get))
		want := 503
		if acquire == time.Minute {
			want = 200
			eventually(t, "one waits", func() bool { return p.Balancers()[0].Status().Waiting == 1 })
			finish <- struct{}{}
			<-arrived
			finish <- struct{}{}
		}
		if res, err := http.ReadResponse(bufio.NewReader(waiting), nil); err != nil || res.StatusCode != want {
			t.Errorf("acquire %v: %v, %v, want %d", acquire, res, err, want)
		}
		if want == 503 {
			finish <- struct{}{}
		}
		if res, err := http.ReadResponse(bufio.NewReader(running), nil); err != nil || res.StatusCode != 200 {
			t.Errorf("acquire %v: %v, %v", acquire, res, err)
		}
	}
}

func TestDisableReuseHasAConnectionForEachExchange(t *testing.T) {
	var conns atomic.Int64
	p := serve(t, func(s *site.Site) { s.Balancers[0].Members[0].DisableReuse = true }, origin(t, func(c net.Conn) {
		conns.Add(1)
		r := bufio.NewReader(c)
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if !q.Close {
			t.Error("the member is not told")
		}
		c.Write([]byte(sized("ok"))) // without a word of closing
		r.Peek(1)
	}))
	c := dial(t, p.addr)
	for n := range 3 {
		if status, _ := ask(t, c, get); status != 200 || conns.Load() != int64(n+1) {
			t.Errorf("status %d, %d connections", status, conns.Load())
		}
	}
}
