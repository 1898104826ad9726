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
// wait less: latency times the exchanges that run, by loadfactor. One that has not
// answered yet is tried before any that has.
func ewma(r *roster, q *Request) int {
	return r.two(q, uniform, func(s, other *seat) bool {
		one, two := &r.members[s.index].latency, &r.members[other.index].latency
		// The time at which either was asked last is near enough, and no clock is read.
		now := max(one.at.Load(), two.at.Load())
		return one.guess(now)*s.crowd() < two.guess(now)*other.crowd()
	})
}

// crowd is how many exchanges would run with one more, by lbfactor.
func (s *seat) crowd() float64 { return float64(s.busy.Load()+1) / float64(s.lbfactor) }
