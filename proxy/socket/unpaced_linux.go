//go:build linux && !portable

package socket

import (
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// unpaced takes pacing from a socket between whose ends there is no network: they
// are both on this host, and a segment goes from one buffer to the other. Where
// the system's congestion control is BBR, each segment but the first of a large
// write would wait for a timer of its own, which costs more than to send it. Reno
// needs no privilege. Any other congestion control stays, as does every one of
// sockets that reach further. It is inherited from a listener.
func unpaced(fd int, at netip.Addr) {
	if !at.IsLoopback() {
		return
	}
	if name, err := unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION); err == nil && strings.HasPrefix(name, "bbr") {
		unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno")
	}
}
