package upstream

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"proxylab/proxy/socket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// member accepts connections and hands them to the test.
func member(t *testing.T, change func(*Config)) (*pool, <-chan net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	config := Config{Addr: l.Addr().String(), ConnectTimeout: time.Second, Timeout: time.Second, IdleTimeout: time.Minute, MaxIdle: 2}
	if change != nil {
		change(&config)
	}
	loop, err := socket.NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	go loop.Run()
	p := &pool{New(config), loop}
	t.Cleanup(func() {
		p.Close()
		loop.Stop()
		l.Close()
		<-done
	})
	return p, accepted
}

// pool is a pool with the loop that the tests are served by.
type pool struct {
	*Pool
	loop *socket.Loop
}

// get gives an idle connection, or dials.
func (p *pool) get() (*Conn, error) {
	if c := p.Get(p.loop, false); c != nil {
		return c, nil
	}
	return p.Dial(p.loop)
}

func take(t *testing.T, p *pool) *Conn {
	t.Helper()
	c, err := p.get()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLastUsedIsUsedNext(t *testing.T) {
	p, _ := member(t, nil)
	a, b := take(t, p), take(t, p)
	if a.Reused || b.Reused {
		t.Error("a new connection says that it is reused")
	}
	p.Put(a)
	p.Put(b)
	if c := take(t, p); c != b || !c.Reused {
		t.Error("not the connection that was used last")
	}
	if take(t, p) != a {
		t.Error("not the other one")
	}
}

func TestIdleConnectionsAreBounded(t *testing.T) {
	p, accepted := member(t, nil)
	cs := []*Conn{take(t, p), take(t, p), take(t, p)}
	for _, c := range cs {
		p.Put(c)
	}
	if p.kept != 2 || len(p.all) != 2 {
		t.Errorf("%d idle of %d, want 2 of 2", p.kept, len(p.all))
	}
	<-accepted
	<-accepted
	third := <-accepted
	if n, err := third.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes on the one too many, want its end", n)
	}
}

func TestDeadIdleConnectionIsNotHandedOut(t *testing.T) {
	for name, kill := range map[string]func(net.Conn){
		"ended":       func(c net.Conn) { c.Close() },
		"reset":       func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() },
		"half-closed": func(c net.Conn) { c.(*net.TCPConn).CloseWrite() },
		"unsolicited": func(c net.Conn) { c.Write([]byte("HTTP/1.1 200 OK\r\n\r\n")) },
	} {
		p, accepted := member(t, nil)
		c := take(t, p)
		p.Put(c)
		kill(<-accepted)
		for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
			next := take(t, p)
			p.Put(next)
			if next != c {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: the dead connection is handed out", name)
			}
		}
	}
}

func TestIdleConnectionGrowsOld(t *testing.T) {
	p, accepted := member(t, func(c *Config) { c.IdleTimeout = 20 * time.Millisecond })
	p.Put(take(t, p))
	if n, err := (<-accepted).Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes, want the end of the connection", n)
	}
}

// A connection may be idle for longer than the origin server may be silent.
func TestIdleForLongerThanTheTimeout(t *testing.T) {
	p, _ := member(t, func(c *Config) { c.Timeout = 10 * time.Millisecond })
	c := take(t, p)
	c.ReadWithin(p.Timeout)
	if err := c.Fill(); err == nil {
		t.Fatal("bytes came from nowhere")
	}
	p.Put(c)
	if take(t, p) != c {
		t.Error("the idle connection was given up")
	}
}

func TestClosedPool(t *testing.T) {
	p, accepted := member(t, nil)
	idle, busy := take(t, p), take(t, p)
	p.Put(idle)
	p.Close()
	p.Put(busy)
	if _, err := p.get(); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v, want %v", err, ErrClosed)
	}
	for range 2 {
		if n, err := (<-accepted).Read(make([]byte, 1)); err == nil {
			t.Errorf("%d bytes, want the end of the connection", n)
		}
	}
}

func TestAbortEndsRunningExchanges(t *testing.T) {
	p, _ := member(t, nil)
	c := take(t, p)
	ended := make(chan error)
	go func() { ended <- c.Fill() }()
	p.Abort()
	if err := <-ended; err == nil {
		t.Error("the exchange goes on")
	}
	p.Drop(c)
}

// A pool that no Site has any more lets its exchanges end, and new ones of old
// attempts begin, but keeps nothing.
func TestAPoolThatKeepsNothing(t *testing.T) {
	p, accepted := member(t, nil)
	idle, busy := dial(t, p), dial(t, p)
	p.Put(idle)
	if !p.Keep(false) {
		t.Error("not in use, with a connection in an exchange")
	}
	if n, err := (<-accepted).Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the idle connection is open: %d bytes, %v", n, err)
	}
	if _, err := busy.Write([]byte("x")); err != nil {
		t.Errorf("the busy connection is closed: %v", err)
	}
	late, err := p.get()
	if err != nil || late.Reused {
		t.Errorf("a late exchange: reused connection, or %v", err)
	}
	p.Put(late)
	p.Put(busy)
	if p.Keep(false) {
		t.Error("in use, without a connection")
	}
	p.Keep(true)
	again := dial(t, p)
	p.Put(again)
	if got, err := p.get(); got != again || err != nil {
		t.Errorf("kept %v, %v; want the connection", got, err)
	}
	p.Drop(again)
}

func dial(t *testing.T, p *pool) *Conn {
	t.Helper()
	c, err := p.Dial(p.loop)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// smax: so many idle connections outlive their time, and no more; whatever comes
// beyond them ends in time.
func TestLastingConnectionsOutliveTheirTime(t *testing.T) {
	p, accepted := member(t, func(c *Config) { c.IdleTimeout, c.MaxIdle, c.Lasting = 30*time.Millisecond, 5, 2 })
	ended := make(chan struct{}, 5)
	round := func() {
		var all []*Conn
		for len(all) < 5 {
			c := take(t, p)
			if !c.Reused {
				peer := <-accepted
				t.Cleanup(func() { peer.Close() })
				go func() {
					io.Copy(io.Discard, peer)
					ended <- struct{}{}
				}()
			}
			all = append(all, c)
		}
		for _, c := range all {
			p.Put(c)
		}
	}
	for range 2 { // as many again end the second time
		round()
		for range 3 {
			<-ended
		}
		p.mu.Lock()
		kept, timer := p.kept, p.reaper
		p.mu.Unlock()
		if kept != 2 || timer != nil {
			t.Errorf("%d are kept, want 2; a timer: %v", kept, timer != nil)
		}
	}
	for range 2 {
		if c := take(t, p); !c.Reused {
			t.Error("one that lasts was not used")
		} else {
			p.Drop(c)
			<-ended
		}
	}
}

func TestNoConnectionIsKeptWhereNoneIsUsedAgain(t *testing.T) {
	p, accepted := member(t, func(c *Config) { c.MaxIdle = 0 })
	c := take(t, p)
	peer := <-accepted
	defer peer.Close()
	p.Put(c)
	if _, err := peer.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("%v, want the end", err)
	}
}
