//go:build linux && !portable

package socket

import "sync/atomic"

// timer is a socket's place among the timers of its loop. A socket has at most
// one, for both directions. It never comes later than the first deadline, with
// the slack that this has, but often earlier: a deadline that moves away leaves
// it where it is, and when it comes it is set anew. So what an exchange costs is
// a store, and a socket is looked at about once a timeout.
type timer struct {
	due   atomic.Int64 // ns since epoch; 0 for none
	place int          // in timers
}

// timers is a heap of sockets, the one that is due first at its top.
type timers []*Socket

// set adds a socket, or moves it to an earlier or later place.
func (h *timers) set(s *Socket, due int64) {
	if s.due.Swap(due) == 0 {
		s.place = len(*h)
		*h = append(*h, s)
	}
	h.down(s.place)
	h.up(s.place)
}

// remove takes a socket out, if it is in.
func (h *timers) remove(s *Socket) {
	if s.due.Swap(0) == 0 {
		return
	}
	old := *h
	last := len(old) - 1
	i := s.place
	h.swap(i, last)
	old[last] = nil
	*h = old[:last]
	if i < last {
		h.down(i)
		h.up(i)
	}
}

func (h timers) less(i, j int) bool { return h[i].due.Load() < h[j].due.Load() }

func (h timers) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h timers) up(i int) {
	for i > 0 && h.less(i, (i-1)/2) {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (h timers) down(i int) {
	for {
		first := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h); c++ {
			if h.less(c, first) {
				first = c
			}
		}
		if first == i {
			return
		}
		h.swap(i, first)
		i = first
	}
}
