package proxy

import (
	"net/netip"
	"sync/atomic"
	"time"

	"proxylab/proxy/http1"
	"proxylab/proxy/site"
	"proxylab/proxy/socket"
)

const (
	// lastCall is how long a stopping proxy waits for a request on an idle
	// connection: one that is on its way is answered, and not cut.
	lastCall = 50 * time.Millisecond

	lingerTime  = time.Second // how long the rest of what a client sends is read
	lingerBytes = 1 << 20     // and how much of it
)

// conn is a client's connection, on which one exchange follows the other. Its
// loop attends it. What has to wait in the middle of something takes a goroutine
// (apart), and gives the connection back when its exchange is over.
type conn struct {
	*http1.Conn
	server *Server
	at     int    // whose loop's it is
	client []byte // the address, without port
	addr   netip.Addr
	from   netip.Prefix // whom it counts for: an IPv4 address, or the /64 that an IPv6 host has

	x        *exchange // nil between two
	served   int       // requests so far
	ahead    int       // those that came before the answer to the one before, in a row
	used     bool      // it has had an exchange
	waiting  bool      // for the first byte of a request, with a deadline
	queued   bool      // Due will be called
	lingers  bool      // it is being closed
	lingered int       // bytes read since
	gone     bool      // it is closed, and was counted so

	idle atomic.Bool // nothing of a request is there, and none is being answered
}

// newConn makes a connection of a new client, in the goroutine of a loop.
func newConn(s *Server, at int, a socket.Accepted) (*conn, error) {
	c := &conn{server: s, at: at, addr: a.Peer.Addr().WithZone("")}
	tcp, err := s.loops[at].Add(a, c)
	if err != nil {
		return nil, err
	}
	c.Conn = http1.NewConn(tcp)
	c.client, _ = c.addr.AppendText(nil)
	c.from, _ = c.addr.Prefix(min(64, c.addr.BitLen()))
	return c, nil
}

// Ready is called by the loop (socket.Owner).
func (c *conn) Ready(*socket.Socket) {
	if !c.queued {
		c.proceed()
	}
}

// later has Due called at the end of the loop's round.
func (c *conn) later() {
	c.queued = true
	c.Loop().Later(c)
}

// Due is called by the loop (socket.Task): a write is due, or a goroutine gives
// the connection back.
func (c *conn) Due() {
	c.queued = false
	if c.Left() {
		c.Attend(c)
	}
	c.proceed()
}

// proceed does what can be done without waiting; in a goroutine of its own,
// everything up to the end of the exchange.
func (c *conn) proceed() {
	for !c.lingers {
		if c.x == nil && !c.await() {
			return
		}
		switch c.x.run() {
		case phaseAgain:
			return
		case phaseApart:
			c.apart()
			return
		}
		if !c.over() {
			return
		}
	}
	c.lingerOn()
}

// apart goes on in a goroutine.
func (c *conn) apart() {
	c.Leave()
	if c.x.up != nil {
		c.x.up.Leave()
	}
	c.Loop().Started()
	go c.proceed()
}

// await begins an exchange when the first byte of a request is there. Until then
// the connection holds no buffer. It returns false when there is nothing to do.
func (c *conn) await() bool {
	if len(c.Buffered()) == 0 {
		if !c.waiting {
			c.waiting = true
			c.ReadWithin(c.patience())
			c.idle.Store(true)
			if !socket.Attended && c.server.stopping.Load() { // hurry may have come in between
				c.ReadWithin(c.server.lastCall)
			}
		}
		err := c.Fill()
		if err == socket.ErrAgain {
			c.ahead = 0
			return false
		}
		if !socket.Attended { // it may have been waited for
			c.ahead = 0
		}
		c.waiting = false
		c.idle.Store(false)
		if err != nil {
			c.end(false)
			return false
		}
	} else {
		c.ahead++
	}
	c.x = takeExchange(c)
	return true
}

// hadMost says that the request which was read is the last that is answered here.
func (c *conn) hadMost(l *site.Limits) bool {
	return l.KeepAliveRequests > 0 && c.served >= l.KeepAliveRequests || l.Pipelined > 0 && c.ahead >= l.Pipelined
}

// patience is how long a client may take until its next request.
func (c *conn) patience() time.Duration {
	limits := &c.server.parts.Load().site.Limits
	switch {
	case c.server.stopping.Load():
		return c.server.lastCall
	case c.used:
		return limits.KeepAliveTimeout
	}
	return limits.HeadTimeout
}

// hurry is called in the loop when the proxy stops: whoever is idle is waited for
// once more, but not for long.
func (c *conn) hurry() {
	if c.idle.Load() {
		c.ReadWithin(c.server.lastCall)
	}
}

// cut is called in the loop once the connection was aborted. It may be closed by
// then.
func (c *conn) cut() {
	if !c.Left() && !c.gone {
		c.Ready(nil)
	}
}

// over ends the exchange. It returns false where the connection is gone, or given
// back to its loop.
func (c *conn) over() bool {
	x := c.x
	done, linger, reset := x.close, x.linger, x.reset
	x.free()
	c.x, c.used = nil, true
	switch {
	case reset:
		c.end(true)
	case done && linger && c.CloseWrite() == nil:
		c.lingers = true
		c.ReadWithin(lingerTime)
		return true
	case done:
		if c.Unread() { // closing is a reset then, which would take the answer with it (sides.go)
			c.CloseWrite()
		}
		c.end(false)
	default:
		c.Free()
		return !c.Left() || !socket.Attended || !c.Loop().Do(c)
	}
	return false
}

// lingerOn reads for a while what the client still sends, of a connection whose
// own side has ended. Closing at once would reset it, and the client could lose
// the answer that tells it what was wrong (RFC 9112 §9.6).
func (c *conn) lingerOn() {
	for c.lingered < lingerBytes {
		c.lingered += len(c.Buffered())
		c.Use(len(c.Buffered()))
		err := c.Fill()
		if err == socket.ErrAgain {
			return
		}
		if err != nil {
			break
		}
	}
	c.end(false)
}

// end closes the connection, or resets it.
func (c *conn) end(reset bool) {
	c.gone = true
	if reset {
		c.Reset()
	} else {
		c.Close()
	}
	c.server.ended(c)
}
