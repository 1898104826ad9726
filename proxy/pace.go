package proxy

import (
	"time"

	"proxylab/proxy/http1"
)

// pace tells a peer that reads slowly, or not at all, from one that has much to
// read (slow read). How far a write has come does not tell: the kernel takes what
// fits into its buffer, which may be megabytes, and then nothing until a third of
// it is free. So the kernel is asked what the peer has acknowledged.
//
// In any span of within or more the peer must take all that had been written when
// it began, or rate bytes for each second of it:
//
//	written  |------------------------|
//	taken    |-------|
//	owed              ====|            rate · span, and never more than was written
//
// The kernel is asked where a write had to wait for within, and once in within
// where writes follow each other (due).
type pace struct {
	within time.Duration
	rate   int64 // bytes a second; 0 where any byte will do

	since   time.Time // of the span; zero before the first
	written int64     // by then
	taken   int64     // by then
}

// due says whether the span is over. There is none yet where no write in a loop had
// to wait: what goes out at once costs no question.
func (p *pace) due(c *http1.Conn) bool {
	if p.since.IsZero() {
		return c.Left()
	}
	return c.Loop().Now(!c.Left()).Sub(p.since) >= p.within
}

// lost says whether the peer of c has fallen behind. It begins a span where there
// is none, or the one before is over.
func (p *pace) lost(c *http1.Conn) bool {
	now := time.Now()
	span := now.Sub(p.since)
	if !p.since.IsZero() && span < p.within {
		return false
	}
	taken := c.Sent
	waiting := c.Unacknowledged()
	if waiting > 0 {
		taken -= int64(waiting)
	}
	behind := false
	switch {
	case p.since.IsZero():
	case waiting < 0: // it cannot be told what is taken: something must have been written
		behind = taken == p.taken
	default:
		owed := min(p.written-p.taken, max(1, int64(span.Seconds()*float64(p.rate))))
		behind = taken-p.taken < owed
	}
	p.since, p.written, p.taken = now, c.Sent, taken
	return behind
}

// Waits for a member are cut into pieces, between which the client is looked at:
// one that has left need not be answered, and its member's work may stop.
const (
	firstLook = time.Second
	otherLook = 5 * time.Second
)

// glance is the length of the next piece of a wait of which left remains.
func glance(left, waited time.Duration) time.Duration {
	if waited < firstLook {
		return min(left, firstLook-waited)
	}
	return min(left, otherLook)
}

// left says whether a client will not read an answer. A reset says so. The end of
// its side (FIN) may mean that it only has no more to ask, but hardly any client
// does that, and a program that ends looks the same: abort takes it so, as nginx
// does.
func left(client *http1.Conn, abort bool) bool {
	if client == nil {
		return false
	}
	ended, reset := client.PeerEnded()
	return reset || ended && abort
}
