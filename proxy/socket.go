package proxy

import (
	"errors"
	"math"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"proxylab/proxy/site"
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

// descriptors is how many file descriptors this process may have (ulimit -n).
func descriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return int(min(uint64(limit.Cur), math.MaxInt))
}

// setQueue says how many connections may wait to be accepted, and whether they do so
// until their first byte is there, for as long as patience. To call listen(2) again
// on a socket that listens changes just that number.
func (s *Server) setQueue(options site.Socket, patience time.Duration) error {
	if !options.Defer {
		patience = 0
	}
	var listening, deferring error
	err := s.controlListener(func(fd uintptr) {
		listening = unix.Listen(int(fd), options.Backlog)
		deferring = deferAccept(int(fd), patience)
	})
	return errors.Join(err, listening, deferring)
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
