//go:build !linux

package http1

// Unacknowledged cannot tell.
func (c *Conn) Unacknowledged() int { return -1 }

// PeerEnded cannot tell without a read.
func (c *Conn) PeerEnded() (ended, reset bool) { return false, false }
