//go:build linux && !portable

package socket

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Dial connects to an address, and registers the socket with the loop, which does
// not attend it. Errors are those of net.Dialer. It is not called in the loop's
// goroutine.
func (l *Loop) Dial(peer netip.AddrPort, within time.Duration) (*Socket, error) {
	s, err := l.connect(peer, within)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(peer), Err: err}
	}
	return s, nil
}

func (l *Loop) connect(peer netip.AddrPort, within time.Duration) (*Socket, error) {
	family, to := sockaddr(peer)
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	err = syscall.Connect(fd, to)
	if err != nil && err != syscall.EINPROGRESS && err != syscall.EINTR {
		syscall.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	s := &Socket{loop: l, fd: fd, peer: peer}
	if err := l.register(s); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	if err := s.connected(within); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// connected waits until the socket is: it becomes writable then.
func (s *Socket) connected(within time.Duration) error {
	s.WriteWithin(max(within, 0))
	for s.wr.state.Load() != open {
		if err := s.wait(&s.wr); err != nil {
			return err
		}
	}
	errno, err := syscall.GetsockoptInt(s.fd, syscall.SOL_SOCKET, syscall.SO_ERROR)
	if err == nil && errno != 0 {
		err = syscall.Errno(errno)
	}
	return os.NewSyscallError("connect", err)
}

func sockaddr(a netip.AddrPort) (family int, to syscall.Sockaddr) {
	if ip := a.Addr(); ip.Is4() {
		return syscall.AF_INET, &syscall.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	}
	zone := uint32(0)
	if name := a.Addr().Zone(); name != "" {
		if i, err := net.InterfaceByName(name); err == nil {
			zone = uint32(i.Index)
		} else if n, err := strconv.ParseUint(name, 10, 32); err == nil {
			zone = uint32(n)
		}
	}
	return syscall.AF_INET6, &syscall.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: zone}
}
