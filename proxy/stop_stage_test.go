package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/site"
)

// A stage is where an exchange is when the proxy stops.
type stage struct {
	name   string
	origin func(s *staged, c net.Conn) // what the origin server does with a connection; nil for nothing
	enter  func(s *staged)             // has the client bring the exchange there
	end    func(s *staged)             // and this to its end; nil where nothing can
	closed bool                        // it ends without a response
	site   func(*site.Site)            // changes the Site; nil for one with upgrades
	files  bool                        // the cache has a directory
	begun  bool                        // the head of the response may be out, so it says nothing of the stop
}

// staged is an exchange at a stage.
type staged struct {
	*running
	t       *testing.T
	c       net.Conn
	r       *bufio.Reader
	arrived chan struct{} // the origin server has a request
	finish  chan struct{} // it may go on
}

func (s *staged) sends(text string) {
	if _, err := io.WriteString(s.c, text); err != nil {
		s.t.Error(err)
	}
}

// answer is what the origin server gives in the end.
const answer = "HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n"

var (
	half  = string(pattern(200_000))
	posts = "POST / HTTP/1.1\r\nHost: h\r\n"
)

// afterTheBody answers once the request is there with its body.
func afterTheBody(s *staged, c net.Conn) {
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	s.arrived <- struct{}{}
	if _, err := io.Copy(io.Discard, req.Body); err == nil {
		io.WriteString(c, answer+half+half)
		c.Read(make([]byte, 1)) // until the proxy closes
	}
}

// pausing sends start, and the rest when it may go on.
func pausing(start, rest string) func(*staged, net.Conn) {
	return func(s *staged, c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		io.WriteString(c, start)
		s.arrived <- struct{}{}
		gone := make(chan struct{})
		go func() {
			c.Read(make([]byte, 1)) // until the proxy closes
			close(gone)
		}()
		select {
		case <-s.finish:
			io.WriteString(c, rest)
		case <-gone:
		}
		<-gone
	}
}

// flooding answers with more than the kernel holds.
func flooding(s *staged, c net.Conn) {
	if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
		return
	}
	s.arrived <- struct{}{}
	fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 200*len(half))
	for range 200 {
		if _, err := io.WriteString(c, half); err != nil {
			return
		}
	}
	c.Read(make([]byte, 1))
}

// asks sends a request and waits until the origin server has it.
func asks(s *staged) {
	s.sends(get)
	<-s.arrived
}

func goesOn(s *staged) { close(s.finish) }

func (s *staged) untilIdle() {
	eventually(s.t, "the connection is idle", s.aConnIsIdle)
}

func (s *staged) untilBusy() {
	eventually(s.t, "an exchange has begun", func() bool { return !s.aConnIsIdle() })
}

var stages = []stage{
	{name: "nothing asked yet", enter: (*staged).untilIdle, closed: true},
	{name: "idle", origin: pausing(sized("ok"), ""), enter: func(s *staged) {
		asks(s)
		if _, err := http.ReadResponse(s.r, nil); err != nil {
			s.t.Error(err)
		}
		s.r.Discard(len("ok"))
		s.untilIdle()
	}, closed: true},
	{name: "in the middle of a head", origin: afterTheBody, enter: func(s *staged) {
		s.untilIdle()
		s.sends("GET / HTTP/1.1\r\nHo")
		s.untilBusy()
	}, end: func(s *staged) { s.sends("st: h\r\n\r\n"); <-s.arrived }},
	{name: "in the middle of a small body", origin: afterTheBody, enter: func(s *staged) {
		s.untilIdle()
		s.sends(posts + "Content-Length: 4\r\n\r\nab")
		s.untilBusy()
	}, end: func(s *staged) { s.sends("cd"); <-s.arrived }},
	{name: "in the middle of an upload", origin: afterTheBody, enter: func(s *staged) {
		s.sends(posts + "Content-Length: 400000\r\n\r\n" + half)
		<-s.arrived
	}, end: func(s *staged) { s.sends(half) }},
	{name: "in the middle of a chunked upload", origin: afterTheBody, enter: func(s *staged) {
		s.sends(posts + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
		<-s.arrived
	}, end: func(s *staged) { s.sends("0\r\n\r\n") }},
	{name: "waits for 100 Continue", origin: afterTheBody, enter: func(s *staged) {
		s.sends(posts + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
		<-s.arrived
	}, end: func(s *staged) { s.sends("abc") }},
	{name: "the member computes", origin: pausing("", answer+half+half), enter: asks, end: goesOn},
	{name: "behind an interim response", origin: pausing("HTTP/1.1 103 Early Hints\r\n\r\n", answer+half+half), enter: func(s *staged) {
		asks(s)
		if line, err := s.r.ReadString('\n'); !strings.Contains(line, "103") {
			s.t.Errorf("%q, %v", line, err)
		}
		for line := ""; line != "\r\n"; {
			line, _ = s.r.ReadString('\n')
		}
	}, end: goesOn},
	{name: "in the middle of an answer", origin: pausing(answer+half, half), enter: func(s *staged) {
		asks(s)
		s.r.Peek(1)
	}, end: goesOn, begun: true},
	{name: "the client does not read", origin: flooding, enter: asks, end: func(*staged) {}, begun: true},
	{name: "refused, and read on for a while", enter: func(s *staged) {
		s.sends("GET / HTTP/1.2\r\nHost: h\r\n\r\n")
		io.ReadAll(s.r) // the proxy's own side has ended; ours has not
	}, closed: true},
	{name: "a tunnel", origin: pausing("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "bye"), enter: func(s *staged) {
		s.sends("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
		<-s.arrived
		if res, err := http.ReadResponse(s.r, nil); err != nil || res.StatusCode != 101 {
			s.t.Errorf("%v, %v", res, err)
		}
	}},
}

// Wherever an exchange is when the proxy stops: nobody else is let in, it may come
// to its end, and then its client has the whole answer and is told that it is the
// last.
func TestStopLetsEveryStageEnd(t *testing.T) {
	for _, g := range slices.Concat(stages, cacheStages) {
		if g.end == nil && !g.closed {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			s := reach(t, &g)
			s.cancel()
			eventually(t, "nobody is let in", func() bool { return refused(s.addr) })
			if g.end != nil {
				g.end(s)
			}
			res, err := http.ReadResponse(s.r, nil)
			if g.closed {
				if err == nil {
					t.Errorf("status %d, want the end", res.StatusCode)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, res.Body)
			if err != nil || n != res.ContentLength || res.StatusCode != 200 || !res.Close && !g.begun {
				t.Errorf("status %d, %d of %d bytes, error %v, close %v; want the whole answer and Connection: close", res.StatusCode, n, res.ContentLength, err, res.Close)
			}
			if _, err := s.r.ReadByte(); err != io.EOF {
				t.Errorf("behind the answer: %v, want the end", err)
			}
		})
	}
}

// And what does not come to its end is cut when the grace period is over, so that
// no client takes what it has for whole, and nothing is left.
func TestStopCutsEveryStage(t *testing.T) {
	for _, g := range slices.Concat(stages, cacheStages) {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			s := reach(t, &g)
			s.grace = 50 * time.Millisecond
			s.stop(t)
			if !s.atRest() {
				t.Error("something is left")
			}
			res, err := http.ReadResponse(s.r, nil)
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
			}
			if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("response %v, error %v; want a cut", res, err)
			}
		})
	}
}

// reach brings an exchange to a stage.
func reach(t *testing.T, g *stage) *staged {
	t.Helper()
	s := &staged{t: t, arrived: make(chan struct{}, 1), finish: make(chan struct{})}
	ready := make(chan struct{})
	url := origin(t, func(c net.Conn) {
		<-ready
		if g.origin != nil {
			g.origin(s, c)
		}
	})
	change := g.site
	if change == nil {
		change = upgrading
	}
	dir := ""
	if g.files {
		dir = t.TempDir()
	}
	s.running = serve(t, func(declared *site.Site) {
		change(declared)
		declared.Cache.Dir = dir
	}, url)
	s.grace = 10 * time.Second // which Serve looks at when it stops
	close(ready)
	s.c = dial(t, s.addr)
	s.r = bufio.NewReader(s.c)
	g.enter(s)
	return s
}

func refused(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err == nil {
		c.Close()
	}
	return err != nil
}

// A member that does not answer a connect, one that is stopped (the kernel accepts
// for it), and the queue for one that has its max: nothing waits beyond the grace
// period.
func TestStopCutsWhoWaitsForAMember(t *testing.T) {
	t.Run("connect", func(t *testing.T) {
		p := serve(t, nil, mute(t))
		c := dial(t, p.addr)
		io.WriteString(c, get)
		eventually(t, "a member is elected", func() bool { return p.member(0).Busy == 1 })
		cutAt(t, p, c)
	})
	t.Run("stopped member", func(t *testing.T) {
		l := listen(t)
		defer l.Close()
		p := serve(t, nil, "http://"+l.Addr().String())
		c := dial(t, p.addr)
		io.WriteString(c, get)
		eventually(t, "a member is elected", func() bool { return p.member(0).Busy == 1 })
		cutAt(t, p, c)
	})
	t.Run("queue", func(t *testing.T) {
		l := listen(t)
		defer l.Close()
		p := serve(t, func(s *site.Site) {
			b := &s.Balancers[0]
			b.Members[0].Max, b.Timeout, b.Queue = 1, time.Minute, 1
		}, "http://"+l.Addr().String())
		running, waiting := dial(t, p.addr), dial(t, p.addr)
		io.WriteString(running, get)
		eventually(t, "the member is busy", func() bool { return p.member(0).Busy == 1 })
		io.WriteString(waiting, get)
		eventually(t, "one waits", func() bool { return p.Balancers()[0].Status().Waiting == 1 })
		cutAt(t, p, running, waiting)
	})
}

// cutAt stops p, and wants each client to be told nothing, or of a failure.
func cutAt(t *testing.T, p *running, clients ...net.Conn) {
	t.Helper()
	p.grace = 50 * time.Millisecond
	p.stop(t)
	if !p.atRest() {
		t.Error("something is left")
	}
	for _, c := range clients {
		if res, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil && res.StatusCode < 500 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("response %v, error %v; want an end", res, err)
		}
	}
}
