package socket

import "errors"

// ErrAgain says that a call has to wait, on a socket that the loop attends.
var ErrAgain = errors.New("socket: not ready")

// An Owner is told in the loop's goroutine that calls on a socket which the loop
// attends may go on: it has become ready, its peer has gone, a deadline has
// passed, or it was interrupted.
type Owner interface{ Ready(*Socket) }

// A Task is what a loop does besides.
type Task interface{ Due() }

// TaskFunc is a function as a Task.
type TaskFunc func()

// Due calls f.
func (f TaskFunc) Due() { f() }

// An Acceptor is told of new clients, in the loop's goroutine.
type Acceptor interface {
	// Room says whether another client can be taken, and takes a place for it.
	// Where there is none, the listener pauses, and clients wait in the kernel's
	// queue.
	Room() bool
	// Accept has a client for the place. Failed says why accept(2) gave none, and
	// that the listener pauses; or with nil that nobody was there.
	Accept(Accepted)
	Failed(err error)
}
