package wiretest

import (
	"context"
	"errors"
	"net"
	"os"
	"time"
)

// inline is how much send writes before it returns. Socket buffers on a
// loopback hold more, so the write needs no reader.
const inline = 32 << 10

// singly is how many bytes of one send a split connection writes one by one.
// Heads and chunk sizes are shorter; of long bodies the rest would only take time.
const singly = 4 << 10

// conn is a connection of the dialogue. Only the player reads from it; what a
// read brought beyond an expectation waits in buffer.
type conn struct {
	net.Conn
	ctx      context.Context
	patience time.Duration
	buffer   []byte
	ended    error         // why reading ended: io.EOF, a reset
	split    bool          // bytes are sent one by one
	writing  chan struct{} // closed when the write that runs beside is done; nil for none
}

// send writes b. A peer may stop reading at any time, so an error of writing is
// for the following expectations to notice.
func (c *conn) send(b []byte) {
	c.settle()
	if len(b) <= inline {
		c.write(b)
		return
	}
	done := make(chan struct{})
	c.writing = done
	go func() {
		defer close(done)
		c.write(b)
	}()
}

func (c *conn) write(b []byte) {
	c.SetWriteDeadline(c.limit())
	if c.split {
		n := min(len(b), singly)
		for i := range n {
			if _, err := c.Write(b[i : i+1]); err != nil {
				return
			}
		}
		b = b[n:]
	}
	if len(b) > 0 {
		c.Write(b)
	}
}

// settle waits for the write that runs beside, which has a deadline.
func (c *conn) settle() {
	if c.writing != nil {
		<-c.writing
		c.writing = nil
	}
}

// limit is when the patience for one step ends.
func (c *conn) limit() time.Time {
	limit := time.Now().Add(c.patience)
	if d, ok := c.ctx.Deadline(); ok && d.Before(limit) {
		return d
	}
	return limit
}

// fill reads once into the buffer. It says whether anything came; if not, c.ended
// tells whether the stream ended or only the time was over.
func (c *conn) fill(limit time.Time) bool {
	if c.ended != nil {
		return false
	}
	c.SetReadDeadline(limit)
	stop := context.AfterFunc(c.ctx, func() { c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var b [16 << 10]byte
	n, err := c.Read(b[:])
	c.buffer = append(c.buffer, b[:n]...)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.ended = err
	}
	return n > 0
}

func (c *conn) closeWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.New("this connection cannot be closed by half")
	}
	return half.CloseWrite()
}

// reset closes with RST, as a crashed host does: no lingering for what is unsent.
func (c *conn) reset() error {
	c.settle()
	tcp, ok := c.Conn.(*net.TCPConn)
	if !ok {
		return errors.New("this connection cannot be reset")
	}
	if err := tcp.SetLinger(0); err != nil {
		return err
	}
	return tcp.Close()
}
