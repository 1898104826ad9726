package http1

import (
	"errors"
	"os"
	"time"
)

// deadline remembers what a socket's deadline is, to set it only when that is
// needed: setting costs as much as a small parse. What is asked for as d is set
// to d and an eighth, and holds as long as at least d is left.
type deadline struct {
	at int64 // ns since epoch; 0 for not known
}

var epoch = time.Now()

// covers says whether the deadline leaves between d and 9/8 d from now on.
func (t *deadline) covers(now int64, d time.Duration) bool {
	left := time.Duration(t.at - now)
	return left >= d && left <= d+d/8
}

// ReadWithin lets the next reads take d, and up to an eighth more.
func (c *Conn) ReadWithin(d time.Duration) {
	now := int64(time.Since(epoch))
	if !c.readBy.covers(now, d) {
		c.readBy.at = now + int64(d+d/8)
		c.tcp.SetReadDeadline(epoch.Add(time.Duration(c.readBy.at)))
	}
}

// WriteWithin is ReadWithin for writes. It says whether the deadline had to be
// set, which comes about every eighth of d where writes follow each other.
func (c *Conn) WriteWithin(d time.Duration) (set bool) {
	now := int64(time.Since(epoch))
	if c.writeBy.covers(now, d) {
		return false
	}
	c.writeBy.at = now + int64(d+d/8)
	c.tcp.SetWriteDeadline(epoch.Add(time.Duration(c.writeBy.at)))
	return true
}

// Interrupt makes reads and writes in other goroutines return with a timeout.
// Forget, once they have, makes the deadlines usable again.
func (c *Conn) Interrupt() { c.tcp.SetDeadline(time.Unix(1, 0)) }

// Forget makes the next ReadWithin and WriteWithin set their deadlines.
func (c *Conn) Forget() { c.readBy.at, c.writeBy.at = 0, 0 }

// IsTimeout says whether err comes from a deadline.
func IsTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
