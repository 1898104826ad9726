package proxy

import (
	"sync"
	"sync/atomic"
	"time"

	"proxylab/proxy/socket"
)

// door lets clients in, as many as there may be. With all places taken it does
// not accept: further clients wait in the kernel's queue. The first loop serves
// it, and each client goes to the loop that has the fewest.
type door struct {
	server   *Server
	listener *socket.Listener // the loop's

	most   atomic.Int64
	inside atomic.Int64
	shut   atomic.Bool // for want of places

	pause time.Duration  // after the next failure; 0 where the last client was accepted; the loop's
	each  []atomic.Int64 // clients of each loop
}

const shortestPause, longestPause = 5 * time.Millisecond, time.Second

// open begins to let clients in.
func (d *door) open(s *Server) (err error) {
	d.server = s
	d.each = make([]atomic.Int64, len(s.loops))
	d.do(func() {
		d.listener, err = s.loops[0].Listen(s.listener, d)
	})
	s.listener.Close()
	return err
}

// close lets nobody in any more. When it returns, whoever was let in has come to
// its loop.
func (d *door) close() {
	d.do(func() {
		if d.listener != nil {
			d.listener.Close()
		}
	})
	for _, l := range d.server.loops[1:] {
		doIn(l, func() {})
	}
}

// do has f called in the loop, and waits for it.
func (d *door) do(f func()) { doIn(d.server.loops[0], f) }

func doIn(l *socket.Loop, f func()) {
	var done sync.WaitGroup
	done.Add(1)
	l.Do(socket.TaskFunc(func() {
		defer done.Done()
		f()
	}))
	done.Wait()
}

const (
	// reserved are file descriptors that no client and no member gets: logs, files,
	// listeners, loops, pipes.
	reserved = 32

	// membersMost is how many are kept for connections to members at most: of many
	// clients, most are idle.
	membersMost = 4096
)

// bound lets in as many clients as the Site says, but no more than leave file
// descriptors for members: one for each client, up to membersMost.
func (s *Server) bound(connections int) {
	files := descriptors()
	rest := files - reserved
	most := min(connections, max(1, rest-min(rest/2, membersMost)))
	if most < connections {
		s.logger.Warn("fewer clients are let in at once than limits.connections, for want of file descriptors",
			"clients", most, "limits.connections", connections, "descriptors", files,
			"hint", "raise ulimit -n or lower limits.connections")
	}
	s.door.bound(most)
}

// bound sets how many clients there may be. When it is lowered, those beyond it
// end by themselves.
func (d *door) bound(most int) {
	d.most.Store(int64(most))
	d.resume()
}

func (d *door) resume() {
	if d.shut.Load() && d.inside.Load() < d.most.Load() && d.shut.CompareAndSwap(true, false) {
		d.server.loops[0].Do(socket.TaskFunc(d.listener.Resume))
	}
}

// leave gives the place of a client of a loop back.
func (d *door) leave(at int) {
	d.each[at].Add(-1)
	d.give()
}

func (d *door) give() {
	d.inside.Add(-1)
	d.resume()
}

// Room is asked by the loop (socket.Acceptor), which alone takes places.
func (d *door) Room() bool {
	if d.inside.Load() >= d.most.Load() {
		d.shut.Store(true)
		if d.inside.Load() >= d.most.Load() || !d.shut.CompareAndSwap(true, false) {
			return false // or whoever left meanwhile has the listener go on
		}
	}
	d.inside.Add(1)
	return true
}

// Accept is called by the loop.
func (d *door) Accept(a socket.Accepted) {
	s := d.server
	if d.pause > 0 {
		d.pause = 0
		s.logger.Info("clients are accepted again")
	}
	at := 0
	for i := range d.each {
		if d.each[i].Load() < d.each[at].Load() {
			at = i
		}
	}
	d.each[at].Add(1)
	if at == 0 {
		d.receive(a, at)
	} else if !s.loops[at].Do(socket.TaskFunc(func() { d.receive(a, at) })) {
		a.Refuse()
		d.leave(at)
	}
}

// receive is called in the loop that the client goes to.
func (d *door) receive(a socket.Accepted, at int) {
	s := d.server
	c, err := newConn(s, at, a)
	switch {
	case err != nil:
		s.logger.Warn("a client cannot be served", "error", err)
	case !s.admit(c):
		c.Reset()
	default:
		if !socket.Attended {
			go c.proceed()
		}
		return
	}
	d.leave(at)
}

// Failed is called by the loop.
func (d *door) Failed(err error) {
	d.give()
	if err == nil {
		return
	}
	// Out of file descriptors, mostly: it passes when clients leave.
	if d.pause == 0 {
		d.server.logger.Warn("no client can be accepted; trying again until one can", "error", err)
	}
	d.pause = min(max(2*d.pause, shortestPause), longestPause)
	time.AfterFunc(d.pause, func() { d.server.loops[0].Do(socket.TaskFunc(d.listener.Resume)) })
}
