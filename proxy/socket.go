package proxy

import (
	"errors"
	"net"
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
	var listening error
	err := s.controlListener(func(fd uintptr) { listening = unix.Listen(int(fd), n) })
	return errors.Join(err, listening)
}

// controlListener hands the descriptor that listens to f: the one that listen
// opened, or the loop's, once that has taken over.
func (s *Server) controlListener(f func(fd uintptr)) error {
	raw, err := s.listener.SyscallConn()
	if err == nil {
		err = raw.Control(f)
	}
	if errors.Is(err, net.ErrClosed) {
		s.door.do(func() { err = s.door.listener.Control(f) })
	}
	return err
}
