//go:build linux && !portable

package socket

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

type takes chan Accepted

func (takes) Room() bool           { return true }
func (to takes) Accept(a Accepted) { to <- a }
func (takes) Failed(error)         {}

// controlled is the congestion control of a socket.
func controlled(t *testing.T, fd int) string {
	t.Helper()
	name, err := unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(name, "\x00")
}

// paced makes a socket that BBR controls, where this system has it.
func paced(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "bbr"); err != nil {
		t.Skip("this system has no BBR: ", err)
	}
	return fd
}

func TestOnlySocketsWithinTheHostAreUnpaced(t *testing.T) {
	for at, want := range map[string]string{"127.0.0.1": "reno", "127.9.9.9": "reno", "::1": "reno", "192.0.2.1": "bbr", "0.0.0.0": "bbr", "::": "bbr"} {
		fd := paced(t)
		if unpaced(fd, netip.MustParseAddr(at)); controlled(t, fd) != want {
			t.Errorf("%s: %s, want %s", at, controlled(t, fd), want)
		}
	}
}

func TestAnyOtherCongestionControlStays(t *testing.T) {
	fd := paced(t)
	if err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "cubic"); err != nil {
		t.Skip("this system has no CUBIC: ", err)
	}
	if unpaced(fd, netip.MustParseAddr("127.0.0.1")); controlled(t, fd) != "cubic" {
		t.Errorf("%s, want cubic", controlled(t, fd))
	}
}

// Neither side of the proxy is paced: the sockets that it accepts and those that it
// makes.
func TestBothSidesAreUnpaced(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	raw, err := tcp.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, "bbr") != nil {
			t.Skip("this system has no BBR")
		}
	})
	l, to := running(t), make(takes, 1)
	listening := make(chan error)
	var ln *Listener
	l.Do(TaskFunc(func() {
		ln, err = l.Listen(tcp.(*net.TCPListener), to)
		listening <- err
	}))
	if err := <-listening; err != nil {
		t.Fatal(err)
	}
	defer l.Do(TaskFunc(func() { ln.Close() }))
	s, err := l.Dial(netip.MustParseAddrPort(tcp.Addr().String()), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a := <-to
	defer a.Refuse()
	for name, fd := range map[string]int{"accepted": a.fd, "made": s.fd} {
		if got := controlled(t, fd); strings.HasPrefix(got, "bbr") {
			t.Errorf("what was %s has %s", name, got)
		}
	}
}
