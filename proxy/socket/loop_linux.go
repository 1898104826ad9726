//go:build linux && !portable

package socket

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	eventsARound   = 256
	expiriesARound = 256

	edge     = 1 << 31 // EPOLLET, which package syscall gives a sign
	interest = syscall.EPOLLIN | syscall.EPOLLOUT | syscall.EPOLLRDHUP | edge

	// tick is how far apart the looks at the timers are, at least: deadlines are
	// seconds, and sockets many.
	tick = 4e6 // ns

	// share is how long the loop keeps its thread to itself. The runtime suspects
	// a goroutine that goes on for 10 ms: it looks every 20 us then whether it is
	// in a call, and takes the processor from under it. To let others have it costs
	// the wake-up of another thread, so that it is not done much more often.
	share = 8e6 // ns

	// moment is how long a wait lasts that the scheduler is not told of. Told, it
	// takes the processor away after 20 us, and looks that often whether it should:
	// under load, when waits are short, that and to get one again cost more than
	// waiting. Longer waits would keep others from the processor. It is more than a
	// tick of the kernel, of 4 ms mostly: a timer that is due before all others has to
	// be set in hardware, and taken back when the wait ends early, which in a virtual
	// machine leaves it twice. With 1 ms an exchange of a single client cost a seventh
	// more.
	moment = 5 // ms
)

// What is reported of no socket.
const (
	ringing   = -1
	listening = -2
)

// Loop tells the owners of many sockets which of them are ready. Run is its
// goroutine.
type Loop struct {
	poll int // epoll
	bell int // eventfd: interrupts epoll_wait

	now     int64  // since epoch, when the round began
	later   []Task // the end of this round
	spare   []Task
	timers  timers
	looked  int64 // when the timers were
	yield   bool  // a goroutine was woken: it may need this thread
	yielded int64 // when others had it

	listener *Listener // nil for none

	asleep atomic.Bool // in epoll_wait, or about to be

	mu    sync.Mutex // guards these
	asked []Task
	table []*Socket // by index; what epoll reports
	free  []int32
	uses  int32   // of places
	pipes []*Pipe // empty ones
	ended bool

	ran chan struct{} // closed when Run has returned
}

// NewLoop makes a loop without sockets.
func NewLoop() (*Loop, error) {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	bell, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		syscall.Close(poll)
		return nil, os.NewSyscallError("eventfd2", errno)
	}
	l := &Loop{poll: poll, bell: int(bell), ran: make(chan struct{})}
	l.now = since()
	e := syscall.EpollEvent{Events: syscall.EPOLLIN | edge, Fd: ringing}
	if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, l.bell, &e); err != nil {
		l.release()
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	return l, nil
}

func (l *Loop) release() {
	for _, p := range l.pipes {
		p.close()
	}
	syscall.Close(l.poll)
	syscall.Close(l.bell)
}

// Later has t done at the end of this round. It is called in the loop's
// goroutine.
func (l *Loop) Later(t Task) { l.later = append(l.later, t) }

// Do has t done in the loop's goroutine, soon. After Stop it is not called,
// and Do returns false. Any goroutine may call it.
func (l *Loop) Do(t Task) bool {
	l.mu.Lock()
	ended := l.ended
	if !ended {
		l.asked = append(l.asked, t)
	}
	l.mu.Unlock()
	if !ended && l.asleep.Load() {
		l.ring()
	}
	return !ended
}

func (l *Loop) ring() {
	one := uint64(1)
	syscall.RawSyscall(syscall.SYS_WRITE, uintptr(l.bell), uintptr(unsafe.Pointer(&one)), 8)
}

// Stop ends Run, and waits for that. Sockets that are left stay open, and nobody
// hears of them any more.
func (l *Loop) Stop() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.ring()
	<-l.ran
}

// Run serves until Stop.
func (l *Loop) Run() {
	defer close(l.ran)
	defer l.release()
	events := make([]syscall.EpollEvent, eventsARound)
	ready := make([]*Socket, eventsARound)
	for l.runAsked() {
		l.runLater()
		l.runTimers()
		if l.yield || l.now > l.yielded+share {
			// What was woken waits in this thread's queue, and epoll_wait would
			// keep the thread.
			l.yield, l.yielded = false, l.now
			runtime.Gosched()
		}
		n := l.wait(events)
		l.now = since()
		l.mu.Lock()
		for i := range n {
			ready[i] = nil
			// A socket that was closed may have left its place to another.
			if at := events[i].Fd; at >= 0 && l.table[at] != nil && l.table[at].use == events[i].Pad {
				ready[i] = l.table[at]
			}
		}
		l.mu.Unlock()
		for i, s := range ready[:n] {
			switch {
			case s != nil:
				l.tell(s, events[i].Events)
			case events[i].Fd == listening && l.listener != nil:
				l.listener.accept()
			}
		}
		clear(ready[:n])
	}
}

// wait returns how many events there are.
func (l *Loop) wait(events []syscall.EpollEvent) int {
	l.asleep.Store(true)
	defer l.asleep.Store(false)
	ms := l.patience()
	first := ms
	if ms < 0 || ms > moment {
		first = moment
	}
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(l.poll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(first), 0, 0)
	if n == 0 && errno == 0 && first != ms {
		n, _, errno = syscall.Syscall6(syscall.SYS_EPOLL_PWAIT, uintptr(l.poll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(ms), 0, 0)
	}
	switch errno {
	case 0:
		return int(n)
	case syscall.EINTR: // the runtime's way to stop a goroutine
		return 0
	}
	panic(fmt.Sprintf("epoll_wait: %v", errno)) // a fault of this package
}

// patience is how many ms epoll_wait may take; -1 for any number.
func (l *Loop) patience() int {
	l.mu.Lock()
	asked := len(l.asked) > 0 || l.ended
	l.mu.Unlock()
	switch {
	case asked || len(l.later) > 0:
		return 0
	case len(l.timers) == 0:
		return -1
	}
	left := max(l.timers[0].due.Load(), l.looked+tick) - since()
	return int(max(0, (left+1e6-1)/1e6))
}

// tell opens the gates of a socket that events came for.
func (l *Loop) tell(s *Socket, events uint32) {
	if s.closed.Load() {
		return // in this round
	}
	const gone = syscall.EPOLLHUP | syscall.EPOLLERR
	if events&(syscall.EPOLLRDHUP|gone) != 0 {
		s.ended.Store(true)
	}
	if events&(syscall.EPOLLIN|syscall.EPOLLRDHUP|gone) != 0 {
		l.open(&s.rd)
	}
	if events&(syscall.EPOLLOUT|gone) != 0 {
		l.open(&s.wr)
	}
	switch {
	case s.owner != nil:
		s.owner.Ready(s)
	case s.rests.Load():
		s.keeper.Ready(s)
	}
}

func (l *Loop) open(g *gate) {
	switch g.state.Swap(open) {
	case awaited:
		l.yield = true
		g.woken <- struct{}{}
	}
}

// runAsked calls what Do was given; false says that the loop ends.
func (l *Loop) runAsked() bool {
	l.mu.Lock()
	asked, ended := l.asked, l.ended
	l.asked = nil
	l.mu.Unlock()
	for _, t := range asked {
		t.Due()
	}
	return !ended
}

// runLater ends the round. What its tasks ask for in turn is for the end of the
// next, so that no one of them keeps the others waiting.
func (l *Loop) runLater() {
	tasks := l.later
	l.later = l.spare[:0]
	for _, t := range tasks {
		t.Due()
	}
	clear(tasks)
	l.spare = tasks
}

// Started says that a goroutine was started in the loop's one, and may need its
// thread.
func (l *Loop) Started() { l.yield = true }

// runTimers looks at the sockets that are due, not at too many in a round: to
// close thousands takes long.
func (l *Loop) runTimers() {
	if len(l.timers) == 0 || l.now < l.looked+tick {
		return
	}
	l.looked = l.now
	for n := 0; len(l.timers) > 0 && l.timers[0].due.Load() <= l.now; n++ {
		if n == expiriesARound {
			l.looked -= tick // to look again in the next
			return
		}
		l.expire(l.timers[0])
	}
}

// expire looks whether a deadline of s has really passed, and sets the timer for
// the next one.
func (l *Loop) expire(s *Socket) {
	// Whoever sets a deadline from now on finds no timer, and asks for one; those
	// of before are seen below.
	l.timers.remove(s)
	if s.closed.Load() {
		return
	}
	var next int64
	late := false
	for _, g := range []*gate{&s.rd, &s.wr} {
		switch by := g.by.Load(); {
		case by == 0:
		case by <= l.now:
			late = true
			if g.state.CompareAndSwap(awaited, shut) {
				l.yield = true
				g.woken <- struct{}{}
			}
		case next == 0 || by < next:
			next = by
		}
	}
	if next != 0 {
		l.timers.set(s, next)
	}
	if late && s.owner != nil {
		s.owner.Ready(s)
	}
}

// clock is the time since epoch: that of the round for whoever is called by it.
func (l *Loop) clock(inRound bool) int64 {
	if inRound {
		return l.now
	}
	return since()
}

// expect makes sure that the timers look at s by a time.
func (l *Loop) expect(s *Socket, by int64) {
	if due := s.due.Load(); due != 0 && due <= by {
		return
	}
	if s.owner != nil {
		l.timers.set(s, by)
		return
	}
	l.Do(TaskFunc(func() {
		if due := s.due.Load(); !s.closed.Load() && (due == 0 || due > by) {
			l.timers.set(s, by)
		}
	}))
}

// Add makes a socket of a new client, who is let go on an error. It is called in
// the loop's goroutine, which attends the socket for o from now on.
func (l *Loop) Add(a Accepted, o Owner) (*Socket, error) {
	s := &Socket{loop: l, fd: a.fd, peer: a.Peer, owner: o}
	s.wr.state.Store(open)
	if err := l.register(s); err != nil {
		a.Refuse()
		return nil, err
	}
	return s, nil
}

func (l *Loop) register(s *Socket) error {
	l.mu.Lock()
	l.uses++
	s.use = l.uses
	if n := len(l.free); n > 0 {
		s.index = l.free[n-1]
		l.free = l.free[:n-1]
		l.table[s.index] = s
	} else {
		s.index = int32(len(l.table))
		l.table = append(l.table, s)
	}
	l.mu.Unlock()
	e := syscall.EpollEvent{Events: interest, Fd: s.index, Pad: s.use}
	if err := syscall.EpollCtl(l.poll, syscall.EPOLL_CTL_ADD, s.fd, &e); err != nil {
		l.unlist(s)
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

func (l *Loop) unlist(s *Socket) {
	l.mu.Lock()
	l.table[s.index] = nil
	l.free = append(l.free, s.index)
	l.mu.Unlock()
}

// forget is for a socket that is being closed.
func (l *Loop) forget(s *Socket) {
	l.unlist(s)
	switch {
	case s.due.Load() == 0:
	case s.owner != nil:
		l.timers.remove(s)
	default:
		l.Do(TaskFunc(func() { l.timers.remove(s) }))
	}
}

// Now is the time: that of the round for whoever runs in it.
func (l *Loop) Now(inRound bool) time.Time { return epoch.Add(time.Duration(l.clock(inRound))) }
