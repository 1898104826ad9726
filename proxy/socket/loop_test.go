//go:build linux && !portable

package socket

import (
	"net"
	"testing"
	"time"
)

// again is a task that has always more to do.
type again struct {
	l     *Loop
	until time.Time
	stop  bool
}

func (a *again) Due() {
	if !a.stop && time.Now().Before(a.until) {
		a.l.Later(a)
	}
}

// Whoever always has more to do does not keep the others waiting.
func TestATaskThatNeverEndsStarvesNobody(t *testing.T) {
	l := running(t)
	s, c := pair(t, l)
	a := &again{l: l, until: time.Now().Add(8 * time.Second)}
	l.Do(a)
	c.Write([]byte("x"))
	s.ReadWithin(10 * time.Second)
	if n, err := s.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("a socket: %d, %v", n, err)
	}
	s.ReadWithin(10 * time.Millisecond)
	if _, err := s.Read(make([]byte, 1)); err == nil {
		t.Error("a deadline did not pass")
	}
	done := make(chan struct{})
	l.Do(TaskFunc(func() {
		a.stop = true
		close(done)
	}))
	<-done
	if !time.Now().Before(a.until) {
		t.Error("all of that had to wait for the task")
	}
}

// More deadlines than one round looks at pass all the same.
func TestManyDeadlinesPassAtOnce(t *testing.T) {
	l := running(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	const sockets = 2*expiriesARound + 1
	late := make(chan error, sockets)
	for range sockets {
		s, err := l.Dial(ln.Addr().(*net.TCPAddr).AddrPort(), 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s.ReadWithin(time.Second)
		go func() {
			_, err := s.Read(make([]byte, 1))
			s.Close()
			late <- err
		}()
	}
	for range sockets {
		if err := <-late; err != errTimeout {
			t.Errorf("error %v", err)
		}
	}
}
