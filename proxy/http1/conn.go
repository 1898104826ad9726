package http1

import (
	"time"

	"proxylab/proxy/socket"
)

// Conn is a TCP connection that messages are read from and written to. Where its
// loop attends the socket, what has to wait returns socket.ErrAgain, and can be
// called again.
//
// One goroutine may read while another writes; the read buffer belongs to the
// first, Out to the second.
type Conn struct {
	*socket.Socket

	in      Buffer // bytes read; those before off are used up
	off     int
	scanned int       // how far the head at off was searched for its end
	began   time.Time // when that head did

	// Out collects what Flush writes. Whoever appends keeps it within Room, or
	// lets it grow for a head that is larger.
	Out      Buffer
	out      int   // bytes of Out that were written
	Sent     int64 // bytes written so far
	Received int64 // bytes read so far

	// First bounds what is read into an empty buffer; 0 where it is filled. What
	// comes after a head is not copied through the buffer if it is large.
	First int
}

// NewConn wraps a socket.
func NewConn(s *socket.Socket) *Conn { return &Conn{Socket: s} }

// Close closes the connection and frees its buffers. No other goroutine may use
// it any more.
func (c *Conn) Close() error {
	c.drop()
	return c.Socket.Close()
}

// Reset closes the connection so that the peer sees a reset: what it has got is
// not a whole message, even one that the end of the connection would delimit.
func (c *Conn) Reset() {
	c.drop()
	c.Socket.Reset()
}

func (c *Conn) drop() {
	c.in.Free()
	c.Out.Free()
	c.off, c.scanned, c.out = 0, 0, 0
}

// Free gives the buffers back that hold nothing.
func (c *Conn) Free() {
	if len(c.Buffered()) == 0 {
		c.in.Free()
		c.off, c.scanned = 0, 0
	}
	c.Out.Free()
	c.out = 0
}

// Buffered is what was read and not used.
func (c *Conn) Buffered() []byte { return c.in.B[c.off:] }

// Use takes n bytes off the front of Buffered. They stay valid until the next
// Fill.
func (c *Conn) Use(n int) { c.off += n }

// Detach hands over the buffer with what was used of it, so that a head outlives
// the reading of its body. What was not used moves to a new buffer.
func (c *Conn) Detach() Buffer {
	old := c.in
	rest := c.Buffered()
	c.in, c.off, c.scanned = Buffer{}, 0, 0
	if len(rest) > 0 {
		c.in.hold()
		c.in.B = append(c.in.B, rest...)
	}
	return old
}

// Fill waits for more bytes and appends them to Buffered. What was used before
// is overwritten. The error is io.EOF when the peer ended its side.
func (c *Conn) Fill() error {
	if c.off > 0 {
		if c.off == len(c.in.B) {
			c.in.B = c.in.B[:0]
		} else if len(c.in.B) == cap(c.in.B) {
			c.in.B = c.in.B[:copy(c.in.B, c.in.B[c.off:])]
		} else {
			return c.fill()
		}
		c.off = 0
	} else if n := len(c.in.B); n > 0 && n == cap(c.in.B) {
		c.grow()
	}
	return c.fill()
}

// grow moves a head that does not fit into a block of the pool. Heads are
// limited, so the copy is rare and small.
func (c *Conn) grow() {
	bigger := make([]byte, len(c.in.B), 2*cap(c.in.B))
	copy(bigger, c.in.B)
	if c.in.block != nil {
		blocks.Put(c.in.block)
	}
	c.in = Buffer{B: bigger}
}

// fill waits without a buffer, where there is nothing in it.
func (c *Conn) fill() error {
	if len(c.in.B) == 0 {
		if err := c.WaitRead(); err != nil {
			c.in.Free()
			return err
		}
		c.in.hold()
	}
	room := c.in.B[len(c.in.B):cap(c.in.B)]
	if c.First > 0 && len(c.in.B) == 0 {
		room = room[:c.First]
	}
	n, err := c.Socket.Read(room)
	c.in.B = c.in.B[:len(c.in.B)+n]
	c.Received += int64(n)
	if err != nil && len(c.in.B) == 0 {
		c.in.Free()
	}
	return err
}

// Fits says whether n bytes that were read and not used, and those still to come
// of them, have room behind what was used.
func (c *Conn) Fits(n int64) bool { return n <= int64(cap(c.in.B)-c.off) }

// FillBehind is Fill for bytes that fit: nothing in the buffer is moved, so that a
// head before them stays valid.
func (c *Conn) FillBehind() error { return c.fill() }

// ReadRequest waits for a request head, of which some bytes are there, as long as
// patience has it. r points into the buffer until the next Fill. io.EOF says that
// the peer ended its side in the middle of it.
func (c *Conn) ReadRequest(r *Request, lim Limits, patience Patience) error {
	for {
		n, next, err := parseRequest(r, c.Buffered(), c.scanned, lim)
		if err != nil {
			return err
		}
		if n > 0 {
			c.Use(n)
			c.scanned, c.began = 0, time.Time{}
			return nil
		}
		c.scanned = next
		now := c.Loop().Now(!c.Left())
		if c.began.IsZero() {
			c.began = now
			c.ReadWithin(patience.after(0))
		} else if patience.Most > patience.Least { // else a head that trickles in gets no more
			c.ReadWithin(max(0, patience.after(len(c.Buffered()))-now.Sub(c.began)))
		}
		if err := c.Fill(); err != nil {
			return err
		}
	}
}

// ReadResponse is ReadRequest for a response head, within the deadline that is
// set. After a timeout it can be called again to go on.
func (c *Conn) ReadResponse(r *Response, toHEAD bool, lim Limits) error {
	for {
		n, next, err := parseResponse(r, c.Buffered(), c.scanned, toHEAD, lim)
		if err != nil {
			return err
		}
		if n > 0 {
			c.Use(n)
			c.scanned = 0
			return nil
		}
		c.scanned = next
		if err := c.Fill(); err != nil {
			return err
		}
	}
}

// Begin makes Out ready to be appended to.
func (c *Conn) Begin() { c.Out.hold() }

// Room is how many bytes Out takes without growing.
func (c *Conn) Room() int {
	c.Out.hold()
	return cap(c.Out.B) - len(c.Out.B)
}

// Flush writes Out and empties it. n is how many bytes went out; on an error the
// others stay in Out.
func (c *Conn) Flush() (n int, err error) { return c.flush((*socket.Socket).Write) }

// FlushMore is Flush for what more follows at once, or the end of the connection.
func (c *Conn) FlushMore() (n int, err error) { return c.flush((*socket.Socket).WriteMore) }

func (c *Conn) flush(write func(*socket.Socket, []byte) (int, error)) (n int, err error) {
	if len(c.Out.B) == 0 {
		return 0, nil
	}
	n, err = write(c.Socket, c.Out.B[c.out:])
	c.Sent += int64(n)
	if err != nil {
		c.out += n
		return n, err
	}
	c.Out.B, c.out = c.Out.B[:0], 0
	return n, nil
}

// Write writes b at once, behind what Out held and in one call with it. n is how
// much of b went out.
func (c *Conn) Write(b []byte) (n int, err error) {
	head := len(c.Out.B) - c.out
	if head <= 0 {
		n, err = c.Socket.Write(b)
		c.Sent += int64(n)
		return n, err
	}
	n, err = c.Socket.WriteBoth(c.Out.B[c.out:], b)
	c.Sent += int64(n)
	if n < head {
		c.out += n
		return 0, err
	}
	c.Out.B, c.out = c.Out.B[:0], 0
	return n - head, err
}
