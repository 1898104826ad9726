package http1

import "golang.org/x/sys/unix"

// Unacknowledged is how many of the bytes that were written wait in the kernel
// for the peer to take them; -1 where that cannot be told.
func (c *Conn) Unacknowledged() int {
	n := -1
	c.raw.Control(func(fd uintptr) {
		if queued, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err == nil {
			n = queued
		}
	})
	return n
}

// PeerEnded says whether the peer has ended its side (FIN), and whether it has
// reset the connection, whatever of its bytes was not read yet.
func (c *Conn) PeerEnded() (ended, reset bool) {
	c.raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			ended, reset = info.State == unix.BPF_TCP_CLOSE_WAIT, info.State == unix.BPF_TCP_CLOSE
		}
	})
	return ended, reset
}
