package proxy

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// reusePort lets other sockets listen on the same address. It must be said before
// bind(2), by each of them.
func reusePort(_, _ string, c syscall.RawConn) error {
	var setting error
	err := c.Control(func(fd uintptr) {
		setting = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	return errors.Join(err, setting)
}

// setBacklog says how many connections may wait to be accepted. To call listen(2)
// again on a socket that listens changes just that.
func (s *Server) setBacklog(n int) error {
	raw, err := s.listener.SyscallConn()
	if err != nil {
		return err
	}
	var listening error
	err = raw.Control(func(fd uintptr) { listening = unix.Listen(int(fd), n) })
	return errors.Join(err, listening)
}
