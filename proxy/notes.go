package proxy

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	notesMost = 1024            // messages that may wait for a slow reader
	notesLast = 2 * time.Second // how long the last ones may take
)

// notes takes what the operator is told to whoever writes it. That may take for
// ever, where standard error is a pipe that nobody reads; and what is told in the
// goroutine of a loop would stop all its clients. So a goroutine writes, and what
// is too much is dropped and counted.
type notes struct {
	waiting chan note
	lost    atomic.Int64
	closed  chan struct{}
	done    chan struct{}
}

type note struct {
	to     slog.Handler
	record slog.Record
}

// newNotes returns a logger that never waits for l.
func newNotes(l *slog.Logger) (*notes, *slog.Logger) {
	n := &notes{waiting: make(chan note, notesMost), closed: make(chan struct{}), done: make(chan struct{})}
	go n.run()
	return n, slog.New(noteHandler{l.Handler(), n})
}

func (n *notes) run() {
	defer close(n.done)
	for {
		select {
		case next := <-n.waiting:
			n.write(next)
			continue
		default:
		}
		select {
		case next := <-n.waiting:
			n.write(next)
		case <-n.closed:
			return
		}
	}
}

func (n *notes) write(next note) {
	// Whoever writes notes has nobody to tell that they cannot be written.
	_ = next.to.Handle(context.Background(), next.record)
	if lost := n.lost.Swap(0); lost > 0 {
		r := slog.NewRecord(time.Now(), slog.LevelError, "messages are lost: they are not taken fast enough", 0)
		r.Add("messages", lost)
		_ = next.to.Handle(context.Background(), r)
	}
}

// close has what is left written, if that does not take longer than patience.
// Messages after it are written by whoever has them.
func (n *notes) close(patience time.Duration) {
	close(n.closed)
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-n.done:
	case <-t.C:
	}
}

// noteHandler is the logger's end of notes.
type noteHandler struct {
	to slog.Handler
	n  *notes
}

func (h noteHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.to.Enabled(ctx, l) }

func (h noteHandler) Handle(ctx context.Context, r slog.Record) error {
	select {
	case <-h.n.done:
		return h.to.Handle(ctx, r)
	default:
	}
	select {
	case h.n.waiting <- note{h.to, r.Clone()}:
	default:
		h.n.lost.Add(1)
	}
	return nil
}

func (h noteHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return noteHandler{h.to.WithAttrs(a), h.n}
}

func (h noteHandler) WithGroup(name string) slog.Handler {
	return noteHandler{h.to.WithGroup(name), h.n}
}
