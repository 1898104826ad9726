package upstream

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"proxylab/proxy/http1"
	"proxylab/proxy/socket"
)

// ErrClosed says that the pool takes no more exchanges.
var ErrClosed = errors.New("upstream: pool is closed")

// Config says how to reach a member. No duration but Ping and Hold may be zero.
type Config struct {
	Addr           string        // host:port
	AddressTTL     time.Duration // after which a name is looked up again
	ConnectTimeout time.Duration // for a dial
	Timeout        time.Duration // longest silence of the origin server
	Ping           time.Duration // longest wait for 100 Continue before a request body is sent; 0 for none
	IdleTimeout    time.Duration // after which an idle connection is closed
	Hold           time.Duration // how long what came of an answer without length may wait for more; 0 for not at all, negative for any time
	KeepAlive      bool          // the kernel probes a silent connection
	MaxIdle        int           // idle connections kept; 0 for none, where each exchange has a connection of its own
	Lasting        int           // of those, how many are kept for longer than IdleTimeout
}

// Conn is a connection to the member.
type Conn struct {
	*http1.Conn
	Reused bool // it has served an exchange before

	pool      *Pool
	peer      netip.AddrPort
	left      bool // its address is none of the member's any more; pool.mu guards this
	idle      bool // in pool.idle; the same
	idleSince time.Time
}

// Ready is called by the loop of an idle connection that something happened to
// (socket.Owner): the member closes it, or says what nobody asked for. Neither
// may meet the next request.
func (c *Conn) Ready(*socket.Socket) {
	p := c.pool
	p.mu.Lock()
	drop := c.idle && !c.Quiet(false)
	if drop {
		idle := p.idle[c.Loop()]
		i := slices.Index(idle, c)
		p.idle[c.Loop()] = slices.Delete(idle, i, i+1)
		p.kept--
		c.idle = false
	}
	p.mu.Unlock()
	if drop {
		p.Drop(c)
	}
}

// Pool holds the connections to one member. It is safe for concurrent use.
type Pool struct {
	Config
	addresses *addresses

	// Large says that the last answer was one whose body the kernel moves, so that
	// the next one probably is, too.
	Large atomic.Bool

	mu     sync.Mutex
	idle   map[*socket.Loop][]*Conn // by whose they are; the one used last at the end
	kept   int                      // in idle
	all    map[*Conn]struct{}       // idle or in an exchange
	reaper *time.Timer              // runs while there are idle connections
	spent  bool                     // keeps no idle connection
	closed bool
}

// New makes an empty pool; nothing is dialled.
func New(c Config) *Pool {
	p := &Pool{Config: c, idle: make(map[*socket.Loop][]*Conn), all: make(map[*Conn]struct{})}
	p.addresses = newAddresses(c.Addr, c.AddressTTL, p.moved)
	return p
}

// Get returns an idle connection of the loop that still lives, or nil. surely is
// for a request that cannot be sent again (socket.Quiet).
func (p *Pool) Get(l *socket.Loop, surely bool) *Conn {
	for {
		c := p.pop(l)
		if c == nil || c.Quiet(surely) {
			return c
		}
		p.Drop(c)
	}
}

func (p *Pool) pop(l *socket.Loop) *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.idle[l]
	n := len(idle)
	if n == 0 {
		return nil
	}
	c := idle[n-1]
	idle[n-1] = nil
	p.idle[l] = idle[:n-1]
	p.kept--
	c.idle = false
	c.Rest(false)
	return c
}

// Dial makes a new connection, and waits for it, no longer than ConnectTimeout for
// the name and all its addresses together. It is not called in a loop's goroutine.
func (p *Pool) Dial(l *socket.Loop) (*Conn, error) {
	var s *socket.Socket
	var to netip.AddrPort
	err := p.Try(func(peer netip.AddrPort, within time.Duration) (err error) {
		to = peer
		s, err = l.Dial(peer, within)
		return err
	})
	if err != nil {
		return nil, err
	}
	if p.KeepAlive {
		s.KeepAlive()
	}
	c := &Conn{Conn: http1.NewConn(s), pool: p, peer: to}
	s.KeptBy(c)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.Close()
		return nil, ErrClosed
	}
	p.all[c] = struct{}{}
	c.left = !p.addresses.has(to)
	return c, nil
}

// Try calls connect with one address of the member after the other, until there is
// no error, and returns the last one. Each gets its share of what is left of
// ConnectTimeout, so that one that drops packets is not the only one tried.
func (p *Pool) Try(connect func(peer netip.AddrPort, within time.Duration) error) error {
	deadline := time.Now().Add(p.ConnectTimeout)
	peers, err := p.addresses.next(p.ConnectTimeout)
	for i, peer := range peers {
		if err = connect(peer, time.Until(deadline)/time.Duration(len(peers)-i)); err == nil {
			return nil
		}
	}
	return err
}

// moved is for a name that has other addresses now. Connections to those it has not
// serve no further exchange.
func (p *Pool) moved(to []netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.all {
		if c.left = !slices.Contains(to, c.peer); !c.left || !c.idle {
			continue
		}
		idle := p.idle[c.Loop()]
		i := slices.Index(idle, c)
		p.idle[c.Loop()] = slices.Delete(idle, i, i+1)
		p.kept--
		c.idle = false
		delete(p.all, c)
		c.Close()
	}
}

// Put gives a connection back whose exchange is wholly over. One that has bytes
// left is dropped: they would be taken for the next response.
func (p *Pool) Put(c *Conn) {
	if len(c.Buffered()) > 0 || !p.push(c) {
		p.Drop(c)
	}
}

func (p *Pool) push(c *Conn) bool {
	c.Free()
	c.Reused = true
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.spent || c.left || p.kept >= p.MaxIdle {
		return false
	}
	c.idleSince = time.Now()
	c.idle = true
	c.Rest(true)
	l := c.Loop()
	p.idle[l] = append(p.idle[l], c)
	p.kept++
	if p.reaper == nil {
		p.reaper = time.AfterFunc(p.IdleTimeout, p.reap)
	}
	return true
}

// Drop closes a connection.
func (p *Pool) Drop(c *Conn) {
	p.mu.Lock()
	delete(p.all, c)
	p.mu.Unlock()
	c.Close()
}

// reap closes the connections that have been idle for too long. They are at the
// bottom of their stacks.
func (p *Pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaper = nil
	if p.closed || p.kept <= p.Lasting {
		return
	}
	now := time.Now()
	next := p.IdleTimeout
	for l, idle := range p.idle {
		old := 0
		for old < len(idle) && p.kept-old > p.Lasting && now.Sub(idle[old].idleSince) >= p.IdleTimeout {
			delete(p.all, idle[old])
			idle[old].idle = false
			idle[old].Close()
			old++
		}
		left := append(idle[:0], idle[old:]...)
		clear(left[len(left):cap(left)])
		p.idle[l] = left
		p.kept -= old
		if len(left) > 0 && p.kept > p.Lasting {
			next = min(next, left[0].idleSince.Add(p.IdleTimeout).Sub(now))
		}
	}
	if p.kept > p.Lasting { // none of them is old, else it would not be there
		p.reaper = time.AfterFunc(max(0, next), p.reap)
	}
}

// Keep says whether connections are kept for further exchanges, as they are at
// first. Exchanges may go on in a pool that keeps none. It tells whether the pool
// was in use: it kept connections before, or has one in an exchange.
func (p *Pool) Keep(keep bool) (inUse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	inUse = !p.spent || len(p.all) > 0
	p.spent = !keep
	if p.spent {
		p.dropIdle()
	}
	return inUse
}

// DropIdle closes the idle connections, and says whether there were any.
func (p *Pool) DropIdle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	any := p.kept > 0
	p.dropIdle()
	return any
}

// Close closes the idle connections, and those in an exchange when they are
// given back.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.addresses.cancel()
	p.dropIdle()
}

// dropIdle closes the idle connections. The caller holds mu.
func (p *Pool) dropIdle() {
	if p.reaper != nil {
		p.reaper.Stop()
		p.reaper = nil
	}
	for _, idle := range p.idle {
		for _, c := range idle {
			delete(p.all, c)
			c.idle = false
			c.Close()
		}
	}
	clear(p.idle)
	p.kept = 0
}

// Abort makes the exchanges that still run fail. None gets another connection.
func (p *Pool) Abort() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for c := range p.all {
		c.Abort()
	}
}
