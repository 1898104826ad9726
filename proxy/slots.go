package proxy

import (
	"context"
	"sync"
)

// slots count the client connections there are. The bound may change while they
// are in use; those beyond a lower one end by themselves.
type slots struct {
	mu    sync.Mutex
	used  int
	most  int
	freed chan struct{} // one may be free
}

// bound sets how many slots there are.
func (s *slots) bound(most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.freed == nil {
		s.freed = make(chan struct{}, 1)
	}
	s.most = most
	signal(s.freed)
}

// take waits for a slot; false says that ctx ended first. One goroutine calls it.
func (s *slots) take(ctx context.Context) bool {
	for {
		s.mu.Lock()
		free := s.used < s.most
		if free {
			s.used++
		}
		s.mu.Unlock()
		if free {
			return true
		}
		select {
		case <-s.freed:
		case <-ctx.Done():
			return false
		}
	}
}

// give gives a slot back.
func (s *slots) give() {
	s.mu.Lock()
	s.used--
	s.mu.Unlock()
	signal(s.freed)
}
