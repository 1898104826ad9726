package loadtest

import (
	"bytes"
	"context"
	"io"
	"net"
	"time"
)

// slowStep is how often a slow client does something: its rate is made of
// portions at this distance, of one byte at least.
const slowStep = 100 * time.Millisecond

// slowBuffer is the receive buffer of a client that reads slowly. With the
// kernel's own, of megabytes, the server would be done long before the client.
const slowBuffer = 64 << 10

// slowKey carries a target's Slow to the dial of its connection.
type slowKey struct{}

// dialSlow connects as the target's Slow asks. Each of these connections serves
// the one request that asked for it.
func dialSlow(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := dialer.DialContext(ctx, network, addr)
	slow, _ := ctx.Value(slowKey{}).(*Slow)
	if err != nil || slow == nil {
		return c, err
	}
	if tcp, ok := c.(*net.TCPConn); ok && slow.Read > 0 {
		tcp.SetReadBuffer(slowBuffer) // at worst the reading is less slow
	}
	if slow.Headers > 0 {
		return &slowHeaders{Conn: c, pace: pace{ctx: ctx, rate: slow.Headers}}, nil
	}
	return c, nil
}

// pace hands out bytes at a rate per second.
type pace struct {
	ctx  context.Context
	rate int
	next time.Time // when the next portion may go; zero: now
	owed float64   // parts of bytes
}

// portion waits until something may go, and says how many bytes.
func (p *pace) portion() (int, error) {
	for {
		now := time.Now()
		if p.next.IsZero() {
			p.next = now
		}
		select {
		case <-time.After(p.next.Sub(now)):
		case <-p.ctx.Done():
			return 0, p.ctx.Err()
		}
		p.next = p.next.Add(slowStep)
		p.owed += float64(p.rate) * slowStep.Seconds()
		if n := int(p.owed + 1e-9); n > 0 {
			p.owed -= float64(n)
			return n, nil
		}
	}
}

// slowReader reads at a pace.
type slowReader struct {
	r io.Reader
	pace
	left int // of the portion
}

func (s *slowReader) Read(b []byte) (int, error) {
	if s.left == 0 {
		var err error
		if s.left, err = s.portion(); err != nil {
			return 0, err
		}
	}
	n, err := s.r.Read(b[:min(s.left, len(b))])
	s.left -= n
	return n, err
}

// slowHeaders is a connection on which the header trickles; the body behind it
// goes as it comes.
type slowHeaders struct {
	net.Conn
	pace
	tail []byte // last bytes of the header that are written
	done bool
}

func (s *slowHeaders) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) && !s.done {
		n, err := s.portion()
		if err != nil {
			return written, err
		}
		part := b[written:min(len(b), written+n)]
		s.tail = append(s.tail, part...)
		if i := bytes.Index(s.tail, []byte("\r\n\r\n")); i >= 0 {
			part = part[:len(part)-(len(s.tail)-i-4)]
			s.done = true
		}
		s.tail = s.tail[max(0, len(s.tail)-3):]
		m, err := s.Conn.Write(part)
		written += m
		if err != nil {
			return written, err
		}
	}
	if written == len(b) {
		return written, nil
	}
	m, err := s.Conn.Write(b[written:])
	return written + m, err
}
