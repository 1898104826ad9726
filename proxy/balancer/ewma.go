package balancer

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// memory is how long an answer's time weighs on a member's latency: after it, a
// third is left.
const memory = 10 * time.Second

// latency is a peak-sensitive moving average of the time that a member's answers
// take: a slower one counts in full at once, quicker ones bring it down slowly.
type latency struct {
	mu    sync.Mutex    // held by observe
	value atomic.Uint64 // bits of a float64, ns; 0 for none yet
	at    atomic.Int64  // when it was last observed, ns since start

	sum   time.Duration // of all that were observed
	times int           // that one was
}

var start = time.Now()

// elapsed is the time on the monotonic clock.
func elapsed() int64 { return int64(time.Since(start)) }

// observe counts one answer.
func (l *latency) observe(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sum += took
	l.times++
	now, t := elapsed(), float64(took)
	if v := math.Float64frombits(l.value.Load()); v > t {
		keep := math.Exp(-float64(now-l.at.Load()) / float64(memory))
		t = v*keep + t*(1-keep)
	}
	l.value.Store(math.Float64bits(t))
	l.at.Store(now)
}

// average is the latency as last observed.
func (l *latency) average() time.Duration {
	return time.Duration(math.Float64frombits(l.value.Load()))
}

// guess is what the latency may be now: without requests for a while even the
// slowest member deserves another one.
func (l *latency) guess(now int64) float64 {
	age := max(0, float64(now-l.at.Load()))
	return math.Float64frombits(l.value.Load()) / (1 + age/float64(memory))
}

// ewma draws two candidates and takes the one where a further request would
// wait less: latency times the exchanges that run, by loadfactor.
func ewma(r *roster, q *Request) int {
	now := elapsed()
	return r.two(q, uniform, func(s, other *seat) bool { return s.cost(now) < other.cost(now) })
}

func (s *seat) cost(now int64) float64 {
	// A member that has not answered yet is tried before any that has.
	return s.member.latency.guess(now) * float64(s.busy.Load()+1) / float64(s.lbfactor)
}
