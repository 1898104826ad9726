//go:build !linux || portable

package socket

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Attended says whether loops attend sockets at all on this system.
const Attended = false

// Socket is a connected TCP socket.
type Socket struct {
	tcp     *net.TCPConn
	loop    *Loop
	peer    netip.AddrPort
	aborted atomic.Bool
}

func newSocket(l *Loop, tcp *net.TCPConn) *Socket {
	return &Socket{tcp: tcp, loop: l, peer: peerOf(tcp)}
}

func peerOf(tcp *net.TCPConn) netip.AddrPort {
	if a, ok := tcp.RemoteAddr().(*net.TCPAddr); ok {
		a := a.AddrPort()
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return netip.AddrPort{}
}

// Loop is the one that the socket belongs to.
func (s *Socket) Loop() *Loop { return s.loop }

// Peer is the other side's address.
func (s *Socket) Peer() netip.AddrPort { return s.peer }

// Attend does nothing: goroutines wait.
func (s *Socket) Attend(Owner) {}

// Leave does nothing either.
func (s *Socket) Leave() {}

// Left says that the loop does not attend the socket.
func (s *Socket) Left() bool { return true }

// KeptBy does nothing: an end is seen by Quiet.
func (s *Socket) KeptBy(Owner) {}

// Rest does nothing.
func (s *Socket) Rest(bool) {}

// WaitRead does not wait; Read does.
func (s *Socket) WaitRead() error { return nil }

// Read reads what is there, at least one byte. io.EOF says that the peer ended
// its side.
func (s *Socket) Read(b []byte) (int, error) {
	n, err := s.tcp.Read(b)
	return n, s.reason(err)
}

// Write writes b, all of it unless there is an error.
func (s *Socket) Write(b []byte) (int, error) {
	n, err := s.tcp.Write(b)
	return n, s.reason(err)
}

// reason tells a call that was aborted from one that met its deadline.
func (s *Socket) reason(err error) error {
	if err != nil && s.aborted.Load() {
		return net.ErrClosed
	}
	return err
}

// SendFile writes n bytes of a file, from off on.
func (s *Socket) SendFile(f *os.File, off, n int64) (sent int64, err error) {
	sent, err = io.Copy(s.tcp, io.NewSectionReader(f, off, n))
	if err == nil && sent < n {
		err = io.ErrUnexpectedEOF
	}
	return sent, s.reason(err)
}

// WriteBoth is Write for b behind a. n is of them together.
func (s *Socket) WriteBoth(a, b []byte) (n int, err error) {
	if n, err = s.Write(a); err != nil {
		return n, err
	}
	m, err := s.Write(b)
	return n + m, err
}

// Resident says whether bytes of a file are known to be in memory.
func Resident(*os.File, int64, int64) bool { return false }

// WriteMore is Write.
func (s *Socket) WriteMore(b []byte) (int, error) { return s.Write(b) }

// Unread says whether something may have come that was not read, so far as is known.
func (s *Socket) Unread() bool { return false }

// Quiet says whether nothing has come since the last read, not even an end. It
// may swallow a byte of what must not be there.
func (s *Socket) Quiet(bool) bool {
	raw, err := s.tcp.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	s.tcp.SetReadDeadline(time.Time{})
	err = raw.Read(func(fd uintptr) bool {
		quiet = nothing(fd)
		return true
	})
	return err == nil && quiet
}

// ReadWithin lets reads take d from now on. Negative is for no limit.
func (s *Socket) ReadWithin(d time.Duration) { s.within(d, s.tcp.SetReadDeadline) }

// WriteWithin is ReadWithin for writes.
func (s *Socket) WriteWithin(d time.Duration) { s.within(d, s.tcp.SetWriteDeadline) }

func (s *Socket) within(d time.Duration, set func(time.Time) error) {
	by := time.Time{}
	if d >= 0 {
		by = time.Now().Add(d)
	}
	set(by)
	if s.aborted.Load() {
		s.Interrupt()
	}
}

// Interrupt makes calls in other goroutines return with a timeout, now and until
// ReadWithin and WriteWithin are called again.
func (s *Socket) Interrupt() { s.tcp.SetDeadline(time.Unix(1, 0)) }

// Abort makes all calls fail from now on. The socket stays to be closed by
// whoever owns it.
func (s *Socket) Abort() {
	s.aborted.Store(true)
	s.Interrupt()
}

// PeerEnded cannot be told.
func (s *Socket) PeerEnded() (ended, reset bool) { return false, false }

// Unacknowledged cannot be told: -1.
func (s *Socket) Unacknowledged() int { return -1 }

// Control gives f the descriptor, for options of the kernel.
func (s *Socket) Control(f func(fd uintptr)) {
	if raw, err := s.tcp.SyscallConn(); err == nil {
		raw.Control(f)
	}
}

// KeepAlive has the kernel probe the connection while it is silent.
func (s *Socket) KeepAlive() { s.tcp.SetKeepAlive(true) }

// CloseWrite ends our side: the peer reads to the end, and finds one.
func (s *Socket) CloseWrite() error { return s.tcp.CloseWrite() }

// Close closes the socket. What the kernel still has to send is sent.
func (s *Socket) Close() error { return s.tcp.Close() }

// Reset closes the socket so that the peer sees a reset.
func (s *Socket) Reset() error {
	s.tcp.SetLinger(0)
	return s.tcp.Close()
}

// Pipe is not to be had here.
type Pipe struct{}

// Fill fails.
func (*Pipe) Fill(*Socket, int, bool) (int, error) { return 0, errors.ErrUnsupported }

// Drain fails.
func (*Pipe) Drain(*Socket) (int, error) { return 0, errors.ErrUnsupported }

// Held is 0.
func (*Pipe) Held() int { return 0 }

// Loop does what it is asked for by Do, in a goroutine of its own: Run.
type Loop struct {
	mu     sync.Mutex // guards these
	asked  []Task
	ended  bool
	rung   chan struct{}
	ran    chan struct{}
	listen sync.WaitGroup
}

// NewLoop makes a loop.
func NewLoop() (*Loop, error) {
	return &Loop{rung: make(chan struct{}, 1), ran: make(chan struct{})}, nil
}

// Later does t at once.
func (l *Loop) Later(t Task) { t.Due() }

// Started does nothing.
func (l *Loop) Started() {}

// Now is the time.
func (l *Loop) Now(bool) time.Time { return time.Now() }

// Do has t done in the loop's goroutine, soon. After Stop it is not done, and Do
// returns false.
func (l *Loop) Do(t Task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.asked = append(l.asked, t)
	l.ring()
	return true
}

func (l *Loop) ring() {
	select {
	case l.rung <- struct{}{}:
	default:
	}
}

// Run serves until Stop.
func (l *Loop) Run() {
	defer close(l.ran)
	for {
		l.mu.Lock()
		asked, ended := l.asked, l.ended
		l.asked = nil
		l.mu.Unlock()
		for _, t := range asked {
			t.Due()
		}
		if ended {
			l.listen.Wait()
			return
		}
		<-l.rung
	}
}

// Stop ends Run, and waits for that.
func (l *Loop) Stop() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.ring()
	<-l.ran
}

// TakePipe fails.
func (l *Loop) TakePipe() (*Pipe, error) { return nil, errors.ErrUnsupported }

// GivePipe is for no pipe.
func (l *Loop) GivePipe(*Pipe) {}

// Dial connects to an address within a time.
func (l *Loop) Dial(peer netip.AddrPort, within time.Duration) (*Socket, error) {
	d := net.Dialer{Timeout: within, KeepAlive: -1}
	c, err := d.Dial("tcp", peer.String())
	if err != nil {
		return nil, err
	}
	return newSocket(l, c.(*net.TCPConn)), nil
}

// Accepted is a client who was accepted and has no socket yet.
type Accepted struct {
	tcp  *net.TCPConn
	Peer netip.AddrPort
}

// Refuse closes the client's connection.
func (a Accepted) Refuse() { a.tcp.Close() }

// Add makes a socket of a new client.
func (l *Loop) Add(a Accepted, _ Owner) (*Socket, error) { return newSocket(l, a.tcp), nil }

// Listener is a listening socket, served by a loop.
type Listener struct {
	tcp    *net.TCPListener
	loop   *Loop
	to     Acceptor
	resume chan struct{}
	closed chan struct{}
}

// Listen has the loop accept what comes to tcp, from now on and until Close. tcp
// itself may be closed.
func (l *Loop) Listen(tcp *net.TCPListener, to Acceptor) (*Listener, error) {
	f, err := tcp.File()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	again, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	ln := &Listener{again.(*net.TCPListener), l, to, make(chan struct{}, 1), make(chan struct{})}
	l.listen.Go(ln.accept)
	return ln, nil
}

// Close ends listening.
func (ln *Listener) Close() {
	close(ln.closed)
	ln.tcp.Close()
}

// Control hands the descriptor to f.
func (ln *Listener) Control(f func(fd uintptr)) error {
	raw, err := ln.tcp.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(f)
}

// Resume ends a pause.
func (ln *Listener) Resume() {
	select {
	case ln.resume <- struct{}{}:
	default:
	}
}

// accept asks in the loop's goroutine, and waits in its own.
func (ln *Listener) accept() {
	for {
		room := make(chan bool, 1)
		if !ln.loop.Do(TaskFunc(func() { room <- ln.to.Room() })) {
			return
		}
		if !<-room {
			if !ln.pause() {
				return
			}
			continue
		}
		c, err := ln.tcp.AcceptTCP()
		if err == nil {
			a := Accepted{c, peerOf(c)}
			if !ln.loop.Do(TaskFunc(func() { ln.to.Accept(a) })) {
				a.Refuse()
			}
			continue
		}
		closed := errors.Is(err, net.ErrClosed)
		ln.loop.Do(TaskFunc(func() {
			if closed {
				err = nil
			}
			ln.to.Failed(err)
		}))
		if closed || !ln.pause() {
			return
		}
	}
}

// pause waits for Resume; false says that the listener is closed.
func (ln *Listener) pause() bool {
	select {
	case <-ln.resume:
		return true
	case <-ln.closed:
		return false
	}
}
