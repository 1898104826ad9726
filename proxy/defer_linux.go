package proxy

import (
	"time"

	"golang.org/x/sys/unix"
)

// deferAccept has accept(2) leave out connections on which nothing has come yet, for
// about that long; 0 for not at all (tcp(7), TCP_DEFER_ACCEPT). Who is accepted has
// something to read, and who never says anything costs a few bytes of the kernel.
func deferAccept(fd int, within time.Duration) error {
	seconds := int((within + time.Second - 1) / time.Second)
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, seconds)
}
