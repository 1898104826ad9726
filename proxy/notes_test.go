package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/site"
)

// blocked is a pipe that nobody reads until free is closed.
type blocked struct {
	lines
	free chan struct{}
}

func (b *blocked) Write(p []byte) (int, error) {
	<-b.free
	return b.lines.Write(p)
}

// What the operator is told must not stop the clients where nobody takes it.
func TestBlockedStandardErrorStopsNobody(t *testing.T) {
	stderr := &blocked{free: make(chan struct{})}
	declared, err := site.FromFlags("127.0.0.1:0", []string{origin(t, func(c net.Conn) {
		for { // every other request of a connection fails in the loop
			c.Read(make([]byte, 4096))
			if _, err := c.Write([]byte(sized("ok"))); err != nil {
				return
			}
			c.Read(make([]byte, 4096))
			c.Write([]byte("garbage\r\n\r\n"))
		}
	})}, "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(declared, Options{Logger: slog.New(slog.NewTextHandler(stderr, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	for range 4 * len(s.loops) {
		c := dial(t, s.Addr().String())
		for _, want := range []int{200, 502} {
			if status, _ := ask(t, c, get); status != want {
				t.Errorf("status %d, want %d", status, want)
			}
		}
		c.Close()
	}
	close(stderr.free)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := strings.Count(stderr.String(), "member failed"); n != 4*len(s.loops) {
		t.Errorf("%d messages, want %d", n, 4*len(s.loops))
	}
}

// Messages beyond the bound are dropped, and their number is told.
func TestMessagesThatNobodyTakesAreCounted(t *testing.T) {
	stderr := &blocked{free: make(chan struct{})}
	n, l := newNotes(slog.New(slog.NewTextHandler(stderr, nil)))
	const all = notesMost + 100
	for i := range all {
		l.With("of", "many").WithGroup("g").Info("message", "number", i)
	}
	close(stderr.free)
	n.close(time.Minute)
	kept := strings.Count(stderr.String(), "msg=message of=many g.number=")
	lost := fmt.Sprintf("messages=%d\n", all-kept)
	if kept < notesMost || !strings.Contains(stderr.String(), lost) {
		t.Errorf("%d messages were kept, and none says %q", kept, lost)
	}
	l.Info("late")
	if !strings.Contains(stderr.String(), "msg=late") {
		t.Error("after the end nothing is written")
	}
}

// Who never takes anything does not hold up the end.
func TestBlockedStandardErrorDoesNotHoldUpTheEnd(t *testing.T) {
	stderr := &blocked{free: make(chan struct{})}
	n, l := newNotes(slog.New(slog.NewTextHandler(stderr, nil)))
	l.Info("message")
	n.close(time.Millisecond)
	close(stderr.free)
	<-n.done
}
