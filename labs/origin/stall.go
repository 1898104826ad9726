package origin

import (
	"context"
	"time"
)

// stallTick is how often an origin looks at the clock, and stallAfter how much
// later than that it must be for it to have noticed that it could not run.
const (
	stallTick  = 100 * time.Millisecond
	stallAfter = 50 * time.Millisecond
)

// Watch counts the time for which this process could not run, frozen or without a
// CPU, until ctx ends: [Counts.StalledSeconds]. A proxy that is waited for cannot be
// mistaken for it.
func (s *Server) Watch(ctx context.Context) {
	tick := time.NewTimer(stallTick)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		if late := now.Sub(last) - stallTick; late > stallAfter {
			s.counts.stalled.Add(int64(late))
		}
		last = now
		tick.Reset(stallTick)
	}
}
