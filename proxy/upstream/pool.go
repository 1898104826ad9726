package upstream

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"proxylab/proxy/http1"
)

// ErrClosed says that the pool takes no more exchanges.
var ErrClosed = errors.New("upstream: pool is closed")

// Config says how to reach a member. No duration or number may be zero.
type Config struct {
	Addr           string        // host:port
	ConnectTimeout time.Duration // for a dial
	Timeout        time.Duration // longest silence of the origin server
	Look           time.Duration // how long an exchange waits at first, before it looks around; up to Timeout
	IdleTimeout    time.Duration // after which an idle connection is closed
	KeepAlive      bool          // the kernel probes a silent connection
	MaxIdle        int           // idle connections kept
}

// Conn is a connection to the member.
type Conn struct {
	*http1.Conn
	Reused bool // it has served an exchange before

	idleSince time.Time
}

// Pool holds the connections to one member. It is safe for concurrent use.
type Pool struct {
	Config
	dialer net.Dialer

	mu     sync.Mutex
	idle   []*Conn            // the one used last at the end
	all    map[*Conn]struct{} // idle or in an exchange
	reaper *time.Timer        // runs while there are idle connections
	spent  bool               // keeps no idle connection
	closed bool
}

// New makes an empty pool; nothing is dialled.
func New(c Config) *Pool {
	p := &Pool{
		Config: c,
		dialer: net.Dialer{Timeout: c.ConnectTimeout},
		all:    make(map[*Conn]struct{}),
	}
	if !c.KeepAlive {
		// Silence is bounded by Timeout, so the kernel's keep-alive probes would
		// only cost calls.
		p.dialer.KeepAlive = -1
	}
	return p
}

// Get returns an idle connection that still lives, or dials.
func (p *Pool) Get() (*Conn, error) {
	for {
		c := p.pop()
		if c == nil {
			return p.Dial()
		}
		c.ReadWithin(p.Look) // as the exchange will, so that the deadline is set once
		if c.Idle() {
			return c, nil
		}
		p.Drop(c)
	}
}

func (p *Pool) pop() *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return c
}

// Dial makes a new connection.
func (p *Pool) Dial() (*Conn, error) {
	nc, err := p.dialer.DialContext(context.Background(), "tcp", p.Addr)
	if err != nil {
		return nil, err
	}
	hc, err := http1.NewConn(nc.(*net.TCPConn))
	if err != nil {
		nc.Close()
		return nil, err
	}
	c := &Conn{Conn: hc}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.Close()
		return nil, ErrClosed
	}
	p.all[c] = struct{}{}
	return c, nil
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
	if p.closed || p.spent || len(p.idle) >= p.MaxIdle {
		return false
	}
	c.idleSince = time.Now()
	p.idle = append(p.idle, c)
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
// bottom of the stack.
func (p *Pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaper = nil
	if p.closed || len(p.idle) == 0 {
		return
	}
	now := time.Now()
	old := 0
	for old < len(p.idle) && now.Sub(p.idle[old].idleSince) >= p.IdleTimeout {
		delete(p.all, p.idle[old])
		p.idle[old].Close()
		old++
	}
	p.idle = append(p.idle[:0], p.idle[old:]...)
	clear(p.idle[len(p.idle):cap(p.idle)])
	if len(p.idle) > 0 {
		p.reaper = time.AfterFunc(p.idle[0].idleSince.Add(p.IdleTimeout).Sub(now), p.reap)
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

// Close closes the idle connections, and those in an exchange when they are
// given back.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.dropIdle()
}

// dropIdle closes the idle connections. The caller holds mu.
func (p *Pool) dropIdle() {
	if p.reaper != nil {
		p.reaper.Stop()
		p.reaper = nil
	}
	for _, c := range p.idle {
		delete(p.all, c)
		c.Close()
	}
	p.idle = nil
}

// Abort makes the exchanges that still run fail.
func (p *Pool) Abort() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.all {
		c.TCP().Close() // who uses it closes it again, and frees its buffers
	}
}
