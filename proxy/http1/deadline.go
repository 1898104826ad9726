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

// WriteWithin is ReadWithin for writes.
func (c *Conn) WriteWithin(d time.Duration) {
	now := int64(time.Since(epoch))
	if !c.writeBy.covers(now, d) {
		c.writeBy.at = now + int64(d+d/8)
		c.tcp.SetWriteDeadline(epoch.Add(time.Duration(c.writeBy.at)))
	}
}

// Interrupt makes reads and writes in other goroutines return with a timeout.
// Forget, once they have, makes the deadlines usable again.
func (c *Conn) Interrupt() { c.tcp.SetDeadline(time.Unix(1, 0)) }

// WriteTimedOut says whether the deadline of writes has passed.
func (c *Conn) WriteTimedOut() bool { return int64(time.Since(epoch)) >= c.writeBy.at }

// Forget makes the next ReadWithin and WriteWithin set their deadlines.
func (c *Conn) Forget() { c.readBy.at, c.writeBy.at = 0, 0 }

// IsTimeout says whether err comes from a deadline.
func IsTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
