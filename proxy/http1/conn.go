package http1

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// Conn is a TCP connection that messages are read from and written to.
//
// One goroutine may read while another writes; the read buffer belongs to the
// first, Out to the second.
type Conn struct {
	tcp *net.TCPConn
	raw syscall.RawConn

	in      Buffer // bytes read; those before off are used up
	off     int
	scanned int // how far the head at off was searched for its end

	// Out collects what Flush writes. Whoever appends keeps it within Room, or
	// lets it grow for a head that is larger.
	Out      Buffer
	Sent     int64 // bytes written so far
	Received int64 // bytes read so far

	readBy  deadline
	writeBy deadline

	read, probe func(fd uintptr) bool // readNow and probeNow, bound once
	readErr     error                 // what readNow found
	silent      bool                  // probeNow found nothing to read
	one         [1]byte
}

// NewConn wraps a connection.
func NewConn(tcp *net.TCPConn) (*Conn, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &Conn{tcp: tcp, raw: raw}
	c.read, c.probe = c.readNow, c.probeNow
	return c, nil
}

// TCP is the connection itself.
func (c *Conn) TCP() *net.TCPConn { return c.tcp }

// Close closes the connection and frees its buffers. No other goroutine may use
// it any more.
func (c *Conn) Close() error {
	c.Free()
	return c.tcp.Close()
}

// Reset closes the connection so that the peer sees a reset: what it has got is
// not a whole message, even one that the end of the connection would delimit.
func (c *Conn) Reset() {
	c.tcp.SetLinger(0)
	c.Close()
}

// Free gives the buffers back that hold nothing.
func (c *Conn) Free() {
	if len(c.Buffered()) == 0 {
		c.in.Free()
		c.off, c.scanned = 0, 0
	}
	c.Out.Free()
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

func (c *Conn) fill() error {
	if err := c.raw.Read(c.read); err != nil {
		return err
	}
	return c.readErr
}

// readNow is called by the runtime, first at once and then each time the socket
// has become readable. It says whether the read is over.
func (c *Conn) readNow(fd uintptr) bool {
	if c.in.B == nil {
		c.in.hold()
	}
	for {
		n, err := syscall.Read(int(fd), c.in.B[len(c.in.B):cap(c.in.B)])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			if len(c.in.B) == 0 {
				c.in.Free() // wait without a buffer
			}
			return false
		case err != nil:
			c.readErr = os.NewSyscallError("read", err)
		case n == 0:
			c.readErr = io.EOF
		default:
			c.in.B = c.in.B[:len(c.in.B)+n]
			c.Received += int64(n)
			c.readErr = nil
		}
		return true
	}
}

// Idle says whether the peer of a connection that nothing is expected from is
// still there and silent. It does not wait. The deadline of reads must not have
// passed.
func (c *Conn) Idle() bool {
	if len(c.Buffered()) > 0 {
		return false
	}
	return c.raw.Read(c.probe) == nil && c.silent
}

// probeNow looks for an end of the connection, or for bytes that nobody asked
// for.
func (c *Conn) probeNow(fd uintptr) bool {
	_, err := syscall.Read(int(fd), c.one[:])
	c.silent = err == syscall.EAGAIN
	return true
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
	var began time.Time
	for {
		n, next, err := parseRequest(r, c.Buffered(), c.scanned, lim)
		if err != nil {
			return err
		}
		if n > 0 {
			c.Use(n)
			c.scanned = 0
			return nil
		}
		c.scanned = next
		if began.IsZero() {
			began = time.Now()
			c.ReadWithin(patience.after(0))
		} else if patience.Most > patience.Least { // else a head that trickles in gets no more
			c.ReadWithin(max(0, patience.after(len(c.Buffered()))-time.Since(began)))
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
func (c *Conn) Flush() (n int, err error) {
	if len(c.Out.B) == 0 {
		return 0, nil
	}
	n, err = c.tcp.Write(c.Out.B)
	c.Sent += int64(n)
	c.Out.B = c.Out.B[:copy(c.Out.B, c.Out.B[n:])]
	return n, err
}

// Write writes b at once, behind what Out held.
func (c *Conn) Write(b []byte) (n int, err error) {
	if _, err := c.Flush(); err != nil {
		return 0, err
	}
	n, err = c.tcp.Write(b)
	c.Sent += int64(n)
	return n, err
}
