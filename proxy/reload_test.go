package proxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxylab/proxy/balancer"
	"proxylab/proxy/site"
)

// reloaded is a Site with those members, as change has it.
func reloaded(t *testing.T, change func(*site.Site), members ...string) *site.Site {
	t.Helper()
	s, err := site.FromFlags("127.0.0.1:0", members, "")
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	return s
}

func TestReloadKeepsTheClientAndTheExchangeThatRuns(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	before := origin(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		close(arrived)
		<-finish
		c.Write([]byte(sized("before")))
	})
	after := origin(t, answering(sized("after")))
	p := serve(t, nil, before)
	c, idle := dial(t, p.addr), dial(t, p.addr)
	ask(t, idle, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
	c.Write([]byte(get))
	<-arrived
	if err := p.Reload(reloaded(t, nil, after)); err != nil {
		t.Fatal(err)
	}
	if _, body := ask(t, idle, get); body != "after" {
		t.Errorf("a connection that was idle got %q", body)
	}
	close(finish)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); string(body) != "before" || err != nil || res.Close {
		t.Errorf("the exchange that ran got %q, %v, close %v", body, err, res.Close)
	}
	if _, body := ask(t, c, get); body != "after" {
		t.Errorf("the next one got %q", body)
	}
}

// A member that stays keeps its connections, in whatever balancer it is.
func TestReloadKeepsTheConnectionsOfAMember(t *testing.T) {
	var accepted atomic.Int32
	stays := origin(t, func(c net.Conn) {
		accepted.Add(1)
		answering(sized("ok"))(c)
	})
	p := serve(t, nil, stays)
	c := dial(t, p.addr)
	ask(t, c, get)
	for range 3 {
		if err := p.Reload(reloaded(t, func(s *site.Site) { s.Balancers[0].Name = "other"; s.Routes[0].To = "balancer://other" }, stays)); err != nil {
			t.Fatal(err)
		}
		ask(t, c, get)
	}
	if n := accepted.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// The connections of a member that goes are closed, and its pool is forgotten.
func TestReloadClosesTheConnectionsOfAMemberThatGoes(t *testing.T) {
	closed := make(chan struct{})
	goes := origin(t, func(c net.Conn) { answering(sized("ok"))(c); close(closed) })
	stays := origin(t, answering(sized("ok")))
	p := serve(t, nil, goes)
	ask(t, dial(t, p.addr), get)
	for !p.aConnIsIdle() { // the exchange is over for the proxy, too
		time.Sleep(time.Millisecond)
	}
	for range 2 {
		if err := p.Reload(reloaded(t, nil, stays)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Error("the connection is open")
	}
	if n := len(p.pools); n != 1 {
		t.Errorf("%d pools, want 1", n)
	}
}

func TestReloadKeepsAMemberInErrorState(t *testing.T) {
	bad, good := refusing(t), origin(t, answering(sized("ok")))
	p := serve(t, nil, bad)
	ask(t, dial(t, p.addr), get)
	for _, members := range [][]string{{bad}, {bad, good}} {
		if err := p.Reload(reloaded(t, nil, members...)); err != nil {
			t.Fatal(err)
		}
		if !inError(p) {
			t.Errorf("%d members: the first is usable again", len(members))
		}
	}
}

func TestReloadOfAnotherAddressIsRefused(t *testing.T) {
	p := serve(t, nil, origin(t, answering(sized("before"))))
	err := p.Reload(reloaded(t, func(s *site.Site) { s.Listen = "127.0.0.1:1" }, refusing(t)))
	if err == nil || !strings.Contains(HintOf(err), "restart") {
		t.Errorf("error %v, hint %q", err, HintOf(err))
	}
	if _, body := ask(t, dial(t, p.addr), get); body != "before" {
		t.Errorf("got %q", body)
	}
}

// Nothing changes where the new Site cannot be had as a whole.
func TestReloadWithALogThatCannotBeOpenedChangesNothing(t *testing.T) {
	p := serve(t, nil, origin(t, answering(sized("before"))))
	err := p.Reload(reloaded(t, func(s *site.Site) { s.Log.File = filepath.Join(t.TempDir(), "missing", "log") }, refusing(t)))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if _, body := ask(t, dial(t, p.addr), get); body != "before" {
		t.Errorf("got %q", body)
	}
	p.stop(t)
	if !strings.Contains(p.access.String(), "GET / HTTP/1.1") {
		t.Error("the log has ended")
	}
}

func TestReloadChangesTheLog(t *testing.T) {
	member := origin(t, answering(sized("ok")))
	p := serve(t, func(s *site.Site) { s.Log.Format = "before %U" }, member)
	c := dial(t, p.addr)
	ask(t, c, get)
	if err := p.Reload(reloaded(t, func(s *site.Site) { s.Log.Format = "after %U %{Via}o" }, member)); err != nil {
		t.Fatal(err)
	}
	ask(t, c, get)
	p.stop(t)
	if got, want := p.access.String(), "before /\nafter / 1.1 proxyd\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReloadRaisesTheBoundOfConnections(t *testing.T) {
	member := origin(t, answering(sized("ok")))
	p := serve(t, func(s *site.Site) { s.Limits.Connections = 1 }, member)
	ask(t, dial(t, p.addr), get)
	waiting := dial(t, p.addr)
	waiting.Write([]byte(get))
	waiting.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := waiting.Read(make([]byte, 1)); err == nil {
		t.Fatalf("%d bytes while the only slot was taken", n)
	}
	if err := p.Reload(reloaded(t, nil, member)); err != nil {
		t.Fatal(err)
	}
	waiting.SetReadDeadline(time.Now().Add(5 * time.Second))
	if res, err := http.ReadResponse(bufio.NewReader(waiting), nil); err != nil || res.StatusCode != 200 {
		t.Errorf("response %v, error %v", res, err)
	}
}

// A reload may come before Serve. Until that begins nobody is asked, and from then on
// members are checked as the last Site says.
func TestReloadBeforeServe(t *testing.T) {
	var asked atomic.Int64
	one := origin(t, func(net.Conn) { asked.Add(1) }) // hangs up: no check passes
	checks := func(s *site.Site) {
		s.Balancers[0].Checks = site.Checks{Method: "GET", URI: "/", Interval: time.Millisecond, Passes: 1, Fails: 1}
	}
	p := unserved(t, checks, one)
	for range 2 {
		if err := p.Reload(reloaded(t, checks, one)); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(100 * time.Millisecond)
	if n := asked.Load(); n > 0 {
		t.Errorf("%d checks before Serve", n)
	}
	p.serve(t)
	eventually(t, "a check fails", func() bool { return p.member(0).Flags&balancer.HealthFailed != 0 })
	eventually(t, "the operator is told", func() bool { return strings.Contains(p.notes.String(), "out of service") })
}

// A stop cuts what hangs in a pool of an earlier Site, too.
func TestStopAfterReloadCutsWhatDoesNotEnd(t *testing.T) {
	arrived := make(chan struct{})
	p := serve(t, nil, origin(t, func(c net.Conn) {
		http.ReadRequest(bufio.NewReader(c))
		close(arrived)
		c.Read(make([]byte, 1)) // until the proxy closes
	}))
	c := dial(t, p.addr)
	c.Write([]byte(get))
	<-arrived
	for range 3 {
		if err := p.Reload(reloaded(t, nil, refusing(t))); err != nil {
			t.Fatal(err)
		}
	}
	p.grace = 50 * time.Millisecond
	p.stop(t)
	if err := p.Reload(reloaded(t, nil, refusing(t))); !errors.Is(err, errStopping) {
		t.Errorf("reload after the stop: %v", err)
	}
}

// Clients that ask without a pause notice nothing of reloads between two Sites.
func TestReloadUnderLoad(t *testing.T) {
	one, two := origin(t, answering(sized("ok"))), origin(t, answering(sized("ok")))
	p := serve(t, nil, one)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		c := dial(t, p.addr)
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := c.Write([]byte(get)); err != nil {
					t.Error(err)
					return
				}
				res, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil || res.StatusCode != 200 || res.Close {
					t.Errorf("%v %v", res, err)
					return
				}
				io.Copy(io.Discard, res.Body)
			}
		})
	}
	for i := range 100 {
		members := [][]string{{one}, {two}, {one, two}}[i%3]
		if err := p.Reload(reloaded(t, nil, members...)); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	clients.Wait()
}
