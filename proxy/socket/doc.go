// Package socket is TCP sockets that never make a thread wait, and the loop that
// knows which of them are ready.
//
// A socket is non-blocking: read(2) on one without data fails with EAGAIN. epoll
// tells which sockets have become readable or writable, many in one call. That
// call is all a Loop waits in:
//
//	┌► epoll_wait ► owners of ready sockets: read, decide, note what to write ► write ─┐
//	└──────────────────────────────────────────────────────────────────────────────────┘
//
// Writes of a round go out together at its end (Loop.Later). A write to a socket
// of this machine runs the receiver's half of TCP too and wakes whoever waits
// there, which costs as much as everything else about it; a peer that is woken
// once for several messages costs less, here and there.
//
// Sockets are registered once, edge-triggered: the kernel reports that a socket
// has become readable, and not again before more has come. So each direction has
// a gate that remembers the report until a call finds nothing left. A read that
// returns less than there was room for has found the end of what is there, and
// the call that would only say EAGAIN is saved.
//
// Waits of a few milliseconds are not told to the scheduler, which would take
// the processor away and have to give it back.
//
// # Two ways to wait
//
// A socket is attended by its loop, or by goroutines. Attended by the loop, a
// call that would have to wait returns ErrAgain, and its Owner is told when to
// try again. Otherwise the call makes its goroutine wait. The same code serves
// both, if it can be entered again after ErrAgain. What is short runs in the
// loop; what has to wait in the middle of something gets a goroutine.
//
// One goroutine may read while another writes. Who owns a socket closes it;
// others may only Interrupt or Abort it.
//
// Where there is no epoll, package net does all of this (portable.go), and
// sockets are never attended by a loop.
package socket
