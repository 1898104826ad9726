package balancer

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// queue holds requests that wait because each member that may answer them has its
// max. It is served from the front. A request that comes while others wait goes
// to the end.
type queue struct {
	mu      sync.Mutex
	waiting []*waiter
	ended   bool         // nobody waits any more
	long    atomic.Int32 // len(waiting)
}

type waiter struct {
	b    *Balancer
	q    *Request
	l    *Lease
	over chan struct{} // is closed once err says how it went
	err  error
}

// Wait is for who got ErrFull: it has l hold a member as soon as it is q's turn.
// It fails with ErrFull after Config.Timeout, or a member's Acquire (patience), or at once where Config.Queue
// requests wait already.
func (b *Balancer) Wait(q *Request, l *Lease) error {
	patience := b.patience(q)
	if patience == 0 {
		return ErrFull
	}
	c := &b.core.queue
	w := &waiter{b: b, q: q, l: l, over: make(chan struct{})}
	c.mu.Lock()
	if c.ended || len(c.waiting) >= b.config.Queue {
		err := ErrFull
		if c.ended {
			err = ErrNoMember
		}
		c.mu.Unlock()
		return err
	}
	c.waiting = append(c.waiting, w)
	c.long.Store(int32(len(c.waiting)))
	c.mu.Unlock()
	b.core.serve() // a member may have become free in between
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.over:
	case <-timer.C:
		if c.leave(w) {
			return ErrFull
		}
		<-w.over // it was its turn in the same moment
	}
	return w.err
}

// patience is how long q waits. A member's Acquire holds for a session that goes to
// it; and for who would wait for any of them, the longest, where Config.Timeout says
// nothing.
func (b *Balancer) patience(q *Request) time.Duration {
	longest := time.Duration(0)
	for i, m := range b.members {
		acquire := b.config.Members[i].Acquire
		if acquire > 0 && (q.Home == i+1 || q.Home == 0 && len(q.Route) > 0 && string(q.Route) == m.routeNow()) {
			return acquire
		}
		longest = max(longest, acquire)
	}
	if b.config.Timeout > 0 {
		return b.config.Timeout
	}
	return longest
}

// routeNow is the member's route as it is set.
func (m *Member) routeNow() string {
	m.core.mu.Lock()
	defer m.core.mu.Unlock()
	return m.set.route
}

// leave takes w out of the queue, and says whether it was in it.
func (c *queue) leave(w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.waiting, w)
	if i >= 0 {
		c.waiting = slices.Delete(c.waiting, i, i+1)
		c.long.Store(int32(len(c.waiting)))
	}
	return i >= 0
}

// serve elects for those who wait, first come, first served. One who can only be
// served by a member that is full is passed over. It is called when a member may
// have become free.
func (c *core) serve() {
	if c.queue.long.Load() == 0 {
		return
	}
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	stuck := false // nobody without wishes of his own can be served
	c.queue.waiting = slices.DeleteFunc(c.queue.waiting, func(w *waiter) bool {
		picky := w.q.session() || len(w.q.Tried) > 0
		if stuck && !picky {
			return false
		}
		w.err = w.b.electNow(w.q, w.l)
		if w.err == ErrFull {
			stuck = stuck || !picky
			return false
		}
		close(w.over)
		return true
	})
	c.queue.long.Store(int32(len(c.queue.waiting)))
}

// Abort ends every Wait with ErrNoMember, also those to come.
func (b *Balancer) Abort() {
	c := &b.core.queue
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.waiting {
		w.err = ErrNoMember
		close(w.over)
	}
	c.waiting, c.ended = nil, true
	c.long.Store(0)
}
