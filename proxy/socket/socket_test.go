package socket

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func running(t testing.TB) *Loop {
	t.Helper()
	l, err := NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	go l.Run()
	t.Cleanup(l.Stop)
	return l
}

// pair is a socket and its peer, of package net.
func pair(t testing.TB, l *Loop) (*Socket, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s, err := l.Dial(ln.Addr().(*net.TCPAddr).AddrPort(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if got, want := s.Peer().String(), ln.Addr().String(); got != want {
		t.Errorf("the peer is %s, want %s", got, want)
	}
	return s, c.(*net.TCPConn)
}

type reader struct{ *Socket }

func (r reader) Read(b []byte) (int, error) { return r.Socket.Read(b) }

func TestWhatIsWrittenIsRead(t *testing.T) {
	s, c := pair(t, running(t))
	want := make([]byte, 8<<20) // more than the kernel's buffers take
	rand.NewChaCha8([32]byte{}).Read(want)
	var both sync.WaitGroup
	both.Go(func() {
		if n, err := s.Write(want); n != len(want) || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
		if err := s.CloseWrite(); err != nil {
			t.Error(err)
		}
	})
	both.Go(func() {
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("the peer read %d bytes, %v", len(got), err)
		}
		c.Write(want)
		c.CloseWrite()
	})
	got, err := io.ReadAll(reader{s})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	both.Wait()
	if n, err := s.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v; want 0, EOF", n, err)
	}
}

func TestADeadlinePasses(t *testing.T) {
	s, _ := pair(t, running(t))
	for _, d := range []time.Duration{30 * time.Millisecond, 10 * time.Millisecond} {
		s.ReadWithin(d)
		began := time.Now()
		_, err := s.Read(make([]byte, 1))
		if took := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || took < d-time.Millisecond {
			t.Errorf("%v after %v, want a timeout after %v", err, took, d)
		}
	}
	s.WriteWithin(20 * time.Millisecond)
	if n, err := s.Write(make([]byte, 32<<20)); !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 {
		t.Errorf("wrote %d, %v; want a part, and a timeout", n, err)
	}
}

// A deadline may come nearer while another goroutine waits for it.
func TestADeadlineIsMovedForASleeper(t *testing.T) {
	s, c := pair(t, running(t))
	s.ReadWithin(time.Hour)
	ended := make(chan error)
	go func() {
		_, err := s.Read(make([]byte, 1))
		ended <- err
	}()
	time.Sleep(10 * time.Millisecond) // whether it sleeps by then is all the same
	s.ReadWithin(20 * time.Millisecond)
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	s.ReadWithin(time.Minute)
	c.Write([]byte("x"))
	if n, err := s.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("after a new deadline: %d, %v", n, err)
	}
}

func TestInterruptAndAbort(t *testing.T) {
	for name, test := range map[string]struct {
		stop  func(*Socket)
		again bool // and afterwards it can be used
	}{
		"interrupt": {(*Socket).Interrupt, true},
		"abort":     {(*Socket).Abort, false},
	} {
		for _, early := range []bool{true, false} {
			s, c := pair(t, running(t))
			ended := make(chan error)
			if early {
				test.stop(s)
			}
			go func() {
				_, err := s.Read(make([]byte, 1))
				ended <- err
			}()
			if !early {
				time.Sleep(10 * time.Millisecond)
				test.stop(s)
			}
			if err := <-ended; err == nil {
				t.Errorf("%s: the read goes on", name)
			}
			c.Write([]byte("x"))
			s.ReadWithin(time.Minute)
			n, err := s.Read(make([]byte, 1))
			if again := err == nil && n == 1; again != test.again {
				t.Errorf("%s: afterwards %d, %v", name, n, err)
			}
		}
	}
}

func TestAResetIsNoEnd(t *testing.T) {
	s, c := pair(t, running(t))
	c.SetLinger(0)
	c.Close()
	if _, err := s.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("error %v, want that of a reset", err)
	}
	s, c = pair(t, running(t))
	s.Reset()
	if _, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("error %v at the peer, want that of a reset", err)
	}
}

func TestDialFails(t *testing.T) {
	l := running(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	s, err := l.Dial(ln.Addr().(*net.TCPAddr).AddrPort(), 5*time.Second)
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error %v, want one that says refused", err)
	}
}

// Connections come and go at many sockets at once; nothing is mistaken for
// another's.
func TestManyShortConnections(t *testing.T) {
	l := running(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				io.Copy(c, c)
			})
		}
	})
	var clients sync.WaitGroup
	for i := range 16 {
		clients.Go(func() {
			for j := range 100 {
				s, err := l.Dial(ln.Addr().(*net.TCPAddr).AddrPort(), 20*time.Second)
				if err != nil {
					t.Error(err)
					return
				}
				message := []byte(strings.Repeat(string(rune('a'+i)), j+1))
				s.ReadWithin(20 * time.Second)
				s.Write(message)
				got := make([]byte, len(message))
				if _, err := io.ReadFull(reader{s}, got); err != nil || !bytes.Equal(got, message) {
					t.Errorf("got %q, %v; want %q", got, err, message)
				}
				s.Close()
			}
		})
	}
	clients.Wait()
	ln.Close()
	serving.Wait()
}
