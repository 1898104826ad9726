package balancer

import (
	"sync"
	"sync/atomic"
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

// budget bounds further attempts, and hedges, so that members which fail or are slow
// are not asked more than ever. It costs an ordinary request nothing: what was elected is counted
// anyway, and looked at when somebody wants another attempt.
type budget struct {
	mu       sync.Mutex
	attempts atomic.Uint64 // that were granted
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
	return b.core.budget.grant(time.Now(), b.requests(), float64(b.config.Budget)/100, freeAttempts)
}

// requests is how many there were so far. One that was elected for more than once
// counts once.
func (b *Balancer) requests() float64 {
	var elected uint64
	for _, m := range b.members {
		elected += m.elected.Load()
	}
	return max(0, float64(elected)-float64(b.core.budget.attempts.Load())-float64(b.core.hedging.budget.attempts.Load()))
}

func (u *budget) grant(now time.Time, requests, share, free float64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	attempts := u.attempts.Load()
	if requests < u.last.requests { // members went with a reload
		u.before = mark{u.before.at, requests, u.before.attempts}
		u.last = mark{u.last.at, requests, u.last.attempts}
	}
	if now.Sub(u.last.at) >= budgetTime/2 {
		u.before, u.last = u.last, mark{now, requests, attempts}
	}
	recent := requests - u.before.requests
	if past := now.Sub(u.before.at); past > 2*budgetTime {
		// Nobody looked for long: the requests of budgetTime, on average.
		recent *= float64(budgetTime) / float64(past)
		u.before = mark{now.Add(-budgetTime), requests - recent, attempts}
	}
	if share == 0 || float64(attempts)-float64(u.before.attempts) >= free+share*recent {
		u.refused++
		return false
	}
	u.attempts.Add(1)
	return true
}

// giveBack is for an attempt that was granted and not made.
func (u *budget) giveBack() { u.attempts.Add(^uint64(0)) }
