package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxylab/proxy/site"
)

// mortal is an origin that can be killed, connections and all, and started again
// on its address.
type mortal struct {
	t      *testing.T
	addr   string
	answer string

	mu      sync.Mutex
	l       net.Listener
	conns   map[net.Conn]bool
	serving sync.WaitGroup
	answers atomic.Int64
}

func (m *mortal) start() {
	address := m.addr
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		m.t.Fatal(err)
	}
	m.mu.Lock()
	m.l, m.addr, m.conns = l, l.Addr().String(), make(map[net.Conn]bool)
	m.mu.Unlock()
	m.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			m.mu.Lock()
			if m.l != l {
				c.Close()
			}
			m.conns[c] = true
			m.mu.Unlock()
			m.serving.Go(func() {
				defer c.Close()
				for r := bufio.NewReader(c); ; {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					time.Sleep(time.Millisecond)
					if _, err := io.WriteString(c, m.answer); err != nil {
						return
					}
					m.answers.Add(1)
				}
			})
		}
	})
}

// kill is what a process leaves behind that is gone: resets.
func (m *mortal) kill() {
	m.mu.Lock()
	l := m.l
	m.l = nil
	for c := range m.conns {
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	m.mu.Unlock()
	l.Close()
	m.serving.Wait()
}

// One of three members is killed and started again, while clients ask without a
// pause. None of their requests fails; the member is back soon, and its share is
// even again.
func TestNoRequestFailsWhenAMemberIsKilled(t *testing.T) {
	var members []string
	var origins []*mortal
	for range 3 {
		m := &mortal{t: t, answer: sized("ok")}
		m.start()
		origins = append(origins, m)
		members = append(members, "http://"+m.addr)
	}
	p := serve(t, func(s *site.Site) { s.Balancers[0].Failures.Probe = 100 * time.Millisecond }, members...)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var asked atomic.Int64
	for range 8 {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		clients.Go(func() {
			defer c.Close()
			for r := bufio.NewReader(c); ; {
				select {
				case <-stop:
					return
				default:
				}
				c.SetDeadline(time.Now().Add(10 * time.Second))
				io.WriteString(c, get)
				res, err := http.ReadResponse(r, nil)
				if err != nil || res.StatusCode != 200 {
					t.Errorf("after %d requests: %v %v", asked.Load(), res, err)
					return
				}
				io.Copy(io.Discard, res.Body)
				asked.Add(1)
			}
		})
	}
	more := func(n int64) {
		t.Helper()
		from := asked.Load()
		eventually(t, "the clients go on", func() bool { return asked.Load() >= from+n })
	}
	for range 3 {
		more(300)
		origins[0].kill()
		eventually(t, "the member is in error", func() bool { return inError(p) })
		more(300)
		origins[0].start()
		eventually(t, "the member is back", func() bool { return !inError(p) })
		var before, after [3]int64
		for i, o := range origins {
			before[i] = o.answers.Load()
		}
		more(600)
		for i, o := range origins {
			after[i] = o.answers.Load() - before[i]
		}
		if least, most := min(after[0], after[1], after[2]), max(after[0], after[1], after[2]); most-least > 30 {
			t.Errorf("shares after it: %v", after)
		}
	}
	close(stop)
	clients.Wait()
	p.stop(t)
	for _, o := range origins {
		o.kill()
	}
}
