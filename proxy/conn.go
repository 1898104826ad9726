package proxy

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"proxylab/proxy/http1"
)

const (
	// lastCall is how long a stopping proxy waits for a request on an idle
	// connection: one that is on its way is answered, and not cut.
	lastCall = 50 * time.Millisecond

	lingerTime  = time.Second // how long the rest of what a client sends is read
	lingerBytes = 1 << 20     // and how much of it
)

// conn is a client's connection. Its goroutine runs one exchange after the
// other on it.
type conn struct {
	*http1.Conn
	server *Server
	client []byte // the address, without port
	addr   netip.Addr
	from   netip.Prefix // whom it counts for: an IPv4 address, or the /64 that an IPv6 host has
	served int          // requests so far
	idle   atomic.Bool  // nothing of a request is there, and none is being answered
}

func newConn(s *Server, tcp *net.TCPConn) (*conn, error) {
	hc, err := http1.NewConn(tcp)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: hc, server: s}
	if a, ok := tcp.RemoteAddr().(*net.TCPAddr); ok {
		addr := a.AddrPort().Addr().Unmap().WithZone("")
		c.addr = addr
		c.client, _ = addr.AppendText(nil)
		c.from, _ = addr.Prefix(min(64, addr.BitLen()))
	}
	return c, nil
}

// serve runs the exchanges.
func (c *conn) serve() {
	patience := c.server.parts.Load().site.Limits.HeadTimeout // of a new connection
	for c.await(patience) {
		x := takeExchange(c)
		x.run()
		done, linger, reset := x.close, x.linger, x.reset
		x.free()
		switch {
		case reset:
			c.Reset()
			return
		case done:
			if linger {
				c.lingeringClose()
			}
			c.Close()
			return
		}
		c.Free()
		patience = c.server.parts.Load().site.Limits.KeepAliveTimeout
	}
	c.Close()
}

// await waits for the first byte of a request, holding no buffer. It returns
// false when there will be none.
func (c *conn) await(patience time.Duration) bool {
	if len(c.Buffered()) > 0 {
		return true // pipelined
	}
	c.ReadWithin(patience)
	c.idle.Store(true)
	// Server.drain sets stopping first and then interrupts whoever is idle, so
	// that one of the two is seen here.
	var err error
	if !c.server.stopping.Load() {
		err = c.Fill()
	}
	c.idle.Store(false)
	if !c.server.stopping.Load() {
		return err == nil
	}
	return c.awaitLast()
}

// awaitLast is await while the proxy stops. There may be a first byte already,
// and an interrupt that was meant for an idle connection.
func (c *conn) awaitLast() bool {
	c.server.mu.Lock() // drain has interrupted already, or will find this one busy
	c.Forget()
	c.server.mu.Unlock()
	if len(c.Buffered()) > 0 {
		return true
	}
	c.ReadWithin(c.server.lastCall)
	return c.Fill() == nil
}

// lingeringClose ends our side and reads for a while what the client still
// sends. Closing at once would reset the connection, and the client could lose
// the answer that tells it what was wrong (RFC 9112 §9.6).
func (c *conn) lingeringClose() {
	if c.TCP().CloseWrite() != nil {
		return
	}
	c.TCP().SetReadDeadline(time.Now().Add(lingerTime))
	for n := 0; n < lingerBytes; {
		n += len(c.Buffered())
		c.Use(len(c.Buffered()))
		if c.Fill() != nil {
			return
		}
	}
}
