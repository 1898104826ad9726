package balancer

import (
	"sync"
	"time"
)

const (
	// budgetTime is how far back the requests reach that further attempts are a
	// share of.
	budgetTime = 10 * time.Second

	// freeAttempts is how many there may be in that time in any case: of a few
	// requests there is no share to speak of.
	freeAttempts = 20
)

// budget bounds further attempts, so that members which fail are not asked more
// than ever. It costs an ordinary request nothing: what was elected is counted
// anyway, and looked at when somebody wants another attempt.
type budget struct {
	mu       sync.Mutex
	attempts uint64 // that were granted
	refused  uint64
	before   mark // at least budgetTime ago, or the start
	last     mark // budgetTime/2 after before, or later
}

// mark is how far the counts were at a moment.
type mark struct {
	at       time.Time
	requests float64
	attempts uint64
}

// MayRetry says whether another attempt at a request may be made, and counts it.
func (b *Balancer) MayRetry() bool {
	var elected uint64
	for _, m := range b.members {
		elected += m.elected.Load()
	}
	return b.core.budget.grant(time.Now(), float64(elected), float64(b.config.Budget)/100)
}

func (u *budget) grant(now time.Time, elected, share float64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	requests := max(0, elected-float64(u.attempts))
	if requests < u.last.requests { // members went with a reload
		u.before = mark{u.before.at, requests, u.before.attempts}
		u.last = mark{u.last.at, requests, u.last.attempts}
	}
	if now.Sub(u.last.at) >= budgetTime/2 {
		u.before, u.last = u.last, mark{now, requests, u.attempts}
	}
	recent := requests - u.before.requests
	if past := now.Sub(u.before.at); past > 2*budgetTime {
		// Nobody looked for long: the requests of budgetTime, on average.
		recent *= float64(budgetTime) / float64(past)
		u.before = mark{now.Add(-budgetTime), requests - recent, u.attempts}
	}
	if share == 0 || float64(u.attempts-u.before.attempts) >= freeAttempts+share*recent {
		u.refused++
		return false
	}
	u.attempts++
	return true
}
