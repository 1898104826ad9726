//go:build linux && !portable

package socket

import (
	"net"
	"net/netip"
	"os"
	"syscall"
)

// acceptsARound bounds how long new clients keep the others waiting.
const acceptsARound = 64

// Accepted is a client who was accepted and has no socket yet.
type Accepted struct {
	fd   int
	Peer netip.AddrPort
}

// Refuse closes the client's connection.
func (a Accepted) Refuse() { syscall.Close(a.fd) }

// Listener is a listening socket, served by a loop.
type Listener struct {
	loop   *Loop
	fd     int
	to     Acceptor
	paused bool
}

// Listen has the loop accept what comes to tcp, from now on and until Close. tcp
// itself may be closed. A loop has one listener. It is called before Run, or in
// the loop's goroutine.
func (l *Loop) Listen(tcp *net.TCPListener, to Acceptor) (*Listener, error) {
	f, err := tcp.File() // a duplicate
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fd, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, f.Fd(), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("fcntl", errno)
	}
	ln := &Listener{loop: l, fd: int(fd), to: to}
	if err := ln.begin(); err != nil {
		syscall.Close(ln.fd)
		return nil, err
	}
	l.listener = ln
	return ln, nil
}

func (ln *Listener) begin() error {
	if err := syscall.SetNonblock(ln.fd, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	// Accepted sockets have what their listener has (tcp(7)): messages go out
	// whole, so there is nothing to wait for before sending.
	if err := syscall.SetsockoptInt(ln.fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	e := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: listening}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(ln.loop.poll, syscall.EPOLL_CTL_ADD, ln.fd, &e))
}

// Close ends listening: clients are refused from now on, unless another
// descriptor of the socket is open.
func (ln *Listener) Close() {
	if ln.loop.listener == ln {
		ln.loop.listener = nil
		syscall.Close(ln.fd)
	}
}

// Control hands the descriptor to f. It is called in the loop's goroutine.
func (ln *Listener) Control(f func(fd uintptr)) error {
	if ln.loop.listener != ln {
		return net.ErrClosed
	}
	f(uintptr(ln.fd))
	return nil
}

// Resume ends a pause. Like Pause and Close it is called in the loop's goroutine.
func (ln *Listener) Resume() { ln.pause(false) }

func (ln *Listener) pause(paused bool) {
	if ln.paused == paused || ln.loop.listener != ln {
		return
	}
	ln.paused = paused
	e := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: listening}
	if paused {
		e.Events = 0
	}
	syscall.EpollCtl(ln.loop.poll, syscall.EPOLL_CTL_MOD, ln.fd, &e)
}

func (ln *Listener) accept() {
	for range acceptsARound {
		if !ln.to.Room() {
			ln.pause(true)
			return
		}
		fd, peer, errno := accept(ln.fd)
		switch errno {
		case 0:
			ln.to.Accept(Accepted{fd, peer})
			if ln.loop.listener != ln {
				return
			}
		case syscall.EAGAIN:
			ln.to.Failed(nil)
			return
		case syscall.EINTR, syscall.ECONNABORTED:
			ln.to.Failed(nil)
		default:
			ln.pause(true)
			ln.to.Failed(os.NewSyscallError("accept4", errno))
			return
		}
	}
}
