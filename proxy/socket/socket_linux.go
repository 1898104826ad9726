//go:build linux && !portable

package socket

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Attended says whether loops attend sockets at all on this system.
const Attended = true

// Socket is a connected TCP socket.
type Socket struct {
	rd, wr gate
	loop   *Loop
	owner  Owner // who is told, while the loop attends it; else nil
	keeper Owner // who is told while it rests
	rests  atomic.Bool

	fd      int
	peer    netip.AddrPort
	ended   atomic.Bool // the peer ended its side, or the connection is dead: reads do not shut the gate
	aborted atomic.Bool

	timer         // the loop's
	index   int32 // in the loop's table
	use     int32 // which socket at that place
	closing sync.Mutex
	closed  atomic.Bool
}

// Loop is the one that the socket is registered with.
func (s *Socket) Loop() *Loop { return s.loop }

// Peer is the other side's address.
func (s *Socket) Peer() netip.AddrPort { return s.peer }

// Attend has the loop attend the socket from now on, and tell o. It is called in
// the loop's goroutine.
func (s *Socket) Attend(o Owner) { s.owner = o }

// Leave ends that. Calls wait from now on. It is called in the loop's goroutine.
func (s *Socket) Leave() { s.owner = nil }

// Left says whether the loop does not attend the socket.
func (s *Socket) Left() bool { return s.owner == nil }

// KeptBy says who is told of a socket that rests. It is called once, before the
// first rest.
func (s *Socket) KeptBy(o Owner) { s.keeper = o }

// Rest says that nobody uses the socket, which is unattended, until Rest(false).
// If something comes nevertheless, or the peer ends its side, the keeper is told
// in the loop's goroutine: perhaps a moment after Rest(false), so the keeper has
// to know better.
func (s *Socket) Rest(rests bool) { s.rests.Store(rests) }

// WaitRead waits until a Read may find something.
func (s *Socket) WaitRead() error {
	for s.rd.state.Load() != open {
		if err := s.wait(&s.rd); err != nil {
			return err
		}
	}
	return nil
}

// wait waits for a gate that is shut.
func (s *Socket) wait(g *gate) error {
	for {
		switch {
		case s.aborted.Load():
			return net.ErrClosed
		case s.late(g):
			return errTimeout
		case s.owner != nil:
			return ErrAgain
		}
		if g.sleep(s); g.state.Load() == open {
			return nil
		}
	}
}

// late says whether the deadline of a gate has passed.
func (s *Socket) late(g *gate) bool {
	by := g.by.Load()
	return by != 0 && by <= s.loop.clock(s.owner != nil)
}

// Read reads what is there, at least one byte. io.EOF says that the peer ended
// its side.
func (s *Socket) Read(b []byte) (int, error) {
	for {
		if s.aborted.Load() {
			return 0, net.ErrClosed
		}
		if !s.rd.take() {
			if err := s.wait(&s.rd); err != nil {
				return 0, err
			}
			continue
		}
		n, errno := recv(s.fd, b)
		switch errno {
		case 0:
			if n == len(b) || s.ended.Load() {
				s.rd.open() // there may be more
			}
			if n == 0 && len(b) > 0 {
				s.ended.Store(true)
				return 0, io.EOF
			}
			return n, nil
		case syscall.EAGAIN:
		case syscall.EINTR:
			s.rd.open()
		default:
			s.rd.open()
			return 0, os.NewSyscallError("read", errno)
		}
	}
}

// Write writes b, all of it unless there is an error. n tells how much of it
// went out; with ErrAgain the rest is for another call.
func (s *Socket) Write(b []byte) (n int, err error) { return s.write(b, 0) }

// WriteMore is Write for what more follows at once, or the end of our side: the
// kernel need not send it before it has that (MSG_MORE).
func (s *Socket) WriteMore(b []byte) (n int, err error) { return s.write(b, syscall.MSG_MORE) }

// WriteBoth is Write for b behind a, of which there are both (sendmsg(2)). n is of
// them together.
func (s *Socket) WriteBoth(a, b []byte) (n int, err error) {
	for {
		if s.aborted.Load() {
			return n, net.ErrClosed
		}
		if !s.wr.take() {
			if err := s.wait(&s.wr); err != nil {
				return n, err
			}
			continue
		}
		m, errno := sendBoth(s.fd, a, b)
		switch errno {
		case 0:
			s.wr.open()
			if m == len(a)+len(b) {
				return n + m, nil
			}
			if m < len(a) {
				a, n = a[m:], n+m
				continue
			}
			rest, err := s.write(b[m-len(a):], 0)
			return n + m + rest, err
		case syscall.EAGAIN:
		case syscall.EINTR:
			s.wr.open()
		default:
			s.wr.open()
			return n, os.NewSyscallError("write", errno)
		}
	}
}

func (s *Socket) write(b []byte, flags int) (n int, err error) {
	for {
		if s.aborted.Load() {
			return n, net.ErrClosed
		}
		if !s.wr.take() {
			if err := s.wait(&s.wr); err != nil {
				return n, err
			}
			continue
		}
		m, errno := send(s.fd, b[n:], flags)
		switch errno {
		case 0:
			s.wr.open()
			if n += m; n == len(b) {
				return n, nil
			}
		case syscall.EAGAIN:
		case syscall.EINTR:
			s.wr.open()
		default:
			s.wr.open()
			return n, os.NewSyscallError("write", errno)
		}
	}
}

// Quiet says whether nothing has come since the last read, not even an end. So
// far as the loop has heard, that is, where reads have found the end of what was
// there; surely asks the kernel in any case. It may swallow a byte of what must
// not be there.
func (s *Socket) Quiet(surely bool) bool {
	if s.ended.Load() || s.aborted.Load() {
		return false
	}
	if heard := s.rd.take(); heard || surely {
		var one [1]byte
		if _, errno := recv(s.fd, one[:]); errno != syscall.EAGAIN {
			return false
		}
	}
	return true
}

// Unread says whether something may have come that was not read, so far as the loop
// has heard.
func (s *Socket) Unread() bool { return s.rd.state.Load() == open }

// ReadWithin lets reads that have to wait take d from now on, and up to an
// eighth more. Negative is for no limit.
func (s *Socket) ReadWithin(d time.Duration) { s.within(&s.rd, d) }

// WriteWithin is ReadWithin for writes.
func (s *Socket) WriteWithin(d time.Duration) { s.within(&s.wr, d) }

func (s *Socket) within(g *gate, d time.Duration) {
	if d < 0 {
		g.by.Store(0)
		return
	}
	by := s.loop.clock(s.owner != nil) + int64(d)
	g.by.Store(by)
	s.loop.expect(s, by+int64(d/8))
}

// Interrupt makes calls that wait in other goroutines return with a timeout, now
// and until ReadWithin and WriteWithin are called again.
func (s *Socket) Interrupt() {
	s.rd.by.Store(passed)
	s.wr.by.Store(passed)
	s.rd.nudge()
	s.wr.nudge()
}

// Abort makes all calls fail from now on, which wait or would have to. The
// socket stays to be closed by whoever owns it.
func (s *Socket) Abort() {
	s.aborted.Store(true)
	s.rd.nudge()
	s.wr.nudge()
}

// PeerEnded asks the kernel whether the peer has ended its side (FIN), and
// whether it has reset the connection, whatever of its bytes was not read yet.
func (s *Socket) PeerEnded() (ended, reset bool) {
	info, err := unix.GetsockoptTCPInfo(s.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err == nil {
		ended, reset = info.State == unix.BPF_TCP_CLOSE_WAIT, info.State == unix.BPF_TCP_CLOSE
	}
	return ended, reset
}

// Unacknowledged is how many of the bytes that were written wait in the kernel
// for the peer to take them; -1 where that cannot be told.
func (s *Socket) Unacknowledged() int {
	n, err := unix.IoctlGetInt(s.fd, unix.SIOCOUTQ)
	if err != nil {
		return -1
	}
	return n
}

// Control gives f the descriptor, for options of the kernel.
func (s *Socket) Control(f func(fd uintptr)) { f(uintptr(s.fd)) }

// KeepAlive has the kernel probe the connection while it is silent, as package
// net does by default.
func (s *Socket) KeepAlive() {
	unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15)
	unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15)
}

// CloseWrite ends our side: the peer reads to the end, and finds one.
func (s *Socket) CloseWrite() error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SHUTDOWN, uintptr(s.fd), syscall.SHUT_WR, 0); errno != 0 {
		return os.NewSyscallError("shutdown", errno)
	}
	return nil
}

// Close closes the socket. What the kernel still has to send is sent. Only its
// owner may call it, and nothing else afterwards but Close.
func (s *Socket) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.loop.forget(s)
	if errno := closeSocket(s.fd); errno != 0 {
		return os.NewSyscallError("close", errno)
	}
	return nil
}

// Reset closes the socket so that the peer sees a reset: what was not read by it
// is lost.
func (s *Socket) Reset() error {
	if !s.closed.Load() {
		syscall.SetsockoptLinger(s.fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
	}
	return s.Close()
}

// A non-blocking call is over in a moment, so the scheduler is not told.

func recv(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), syscall.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

func send(fd int, b []byte, flags int) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(flags|syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL), 0, 0)
	return int(n), errno
}

func sendBoth(fd int, a, b []byte) (int, syscall.Errno) {
	parts := [2]syscall.Iovec{{Base: unsafe.SliceData(a)}, {Base: unsafe.SliceData(b)}}
	parts[0].SetLen(len(a))
	parts[1].SetLen(len(b))
	m := syscall.Msghdr{Iov: &parts[0], Iovlen: 2}
	n, _, errno := syscall.RawSyscall(syscall.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&m)), syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
	return int(n), errno
}

// closeSocket does not wait either: there is no SO_LINGER but the one that resets.
func closeSocket(fd int) syscall.Errno {
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0)
	return errno
}
