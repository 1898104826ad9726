//go:build linux && !portable

package socket

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Dial connects to host:port, and registers the socket with the loop, which does
// not attend it. It waits no longer than within, for names and all addresses of
// a name together; they are tried in turn. Errors are those of net.Dialer. It is
// not called in the loop's goroutine.
func (l *Loop) Dial(address string, within time.Duration) (*Socket, error) {
	deadline := time.Now().Add(within)
	peers, err := resolve(address, deadline)
	if err != nil {
		return nil, err
	}
	for i, peer := range peers {
		// Each gets its share of what is left, so that one that drops packets is
		// not the only one tried.
		left := time.Until(deadline) / time.Duration(len(peers)-i)
		var s *Socket
		if s, err = l.connect(peer, left); err == nil {
			return s, nil
		}
		err = &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(peer), Err: err}
	}
	return nil, err
}

// resolve finds the addresses, at least one.
func resolve(address string, deadline time.Time) ([]netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, &net.AddrError{Err: "the port is no number", Addr: address}
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(ip, uint16(number))}, nil
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var peers []netip.AddrPort
	for _, ip := range ips {
		peers = append(peers, netip.AddrPortFrom(ip.Unmap(), uint16(number)))
	}
	return peers, nil
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
