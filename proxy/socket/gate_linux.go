//go:build linux && !portable

package socket

import (
	"os"
	"sync/atomic"
	"time"
)

// gate is one direction of a socket: whether a call may find something, who
// waits for that, and until when.
type gate struct {
	state atomic.Uint32
	by    atomic.Int64  // deadline, ns since epoch; 0 for none
	woken chan struct{} // made by the first who waits
}

const (
	shut    uint32 = iota // the last call found nothing
	open                  // a call may find something
	awaited               // shut, and a goroutine waits
)

// take says whether a call is worth it, and shuts the gate: what is reported
// from now on is news.
func (g *gate) take() bool { return g.state.CompareAndSwap(open, shut) }

// open lets the next call through, and whoever waits go on.
func (g *gate) open() {
	if g.state.Swap(open) == awaited {
		g.woken <- struct{}{}
	}
}

// nudge makes whoever waits look at the deadline.
func (g *gate) nudge() {
	if g.state.CompareAndSwap(awaited, shut) {
		g.woken <- struct{}{}
	}
}

// sleep waits for open or nudge, of a gate of s.
func (g *gate) sleep(s *Socket) {
	if g.woken == nil {
		g.woken = make(chan struct{}, 1)
	}
	if !g.state.CompareAndSwap(shut, awaited) {
		return // open
	}
	// Whoever interrupts first says so and then looks for a sleeper.
	if (s.aborted.Load() || s.late(g)) && g.state.CompareAndSwap(awaited, shut) {
		return
	}
	<-g.woken
}

var epoch = time.Now()

// since is the clock of deadlines, in ns.
func since() int64 { return int64(time.Since(epoch)) }

// passed is a deadline that has.
const passed = 1

var errTimeout = os.ErrDeadlineExceeded
