package balancer

import (
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	// recent is half of how far back the answers reach at most that a percentile is
	// taken of; the other half at least.
	recent = 10 * time.Second

	// beyond is how many answers have to lie beyond a percentile, else it is chance.
	beyond = 5

	// leastDelay is the grain of the proxy's timers.
	leastDelay = 4 * time.Millisecond

	// freeHedges may be made where there are not requests enough for a share.
	freeHedges = 1

	delayAge = 50 * time.Millisecond // after which the percentile is taken anew
)

// hedging is what a balancer knows of hedged requests: a request whose answer takes
// longer than most is sent to another member too, and the first answer wins.
type hedging struct {
	budget budget
	sent   atomic.Uint64
	won    atomic.Uint64
	times  times
}

// times is a histogram of how long the heads of answers took, of the requests of
// the last 10 to 20 seconds. A bucket is an eighth of an octave wide.
type times struct {
	counts [2][buckets]atomic.Uint32 // of this half, and of the one before
	now    atomic.Int32              // which of them is this one
	turned atomic.Int64              // when it began, on the clock of elapsed

	delay  atomic.Int64 // the percentile when it was taken last, ns; 0 for too few answers
	looked atomic.Int64 // and when that was
}

const (
	unit    = 14 // the first buckets are 1<<unit ns wide, 16 us
	eighths = 8
	octaves = 21 // up to 137 s
	buckets = (octaves + 2) * eighths
)

// bucketOf returns the place of d.
func bucketOf(d time.Duration) int {
	v := uint64(max(0, d)) >> unit
	if v < eighths {
		return int(v)
	}
	octave := bits.Len64(v) - bits.Len(eighths)
	return min(buckets-1, octave*eighths+int(v>>octave))
}

// upTo is where bucket i ends.
func upTo(i int) time.Duration {
	if i < eighths {
		return time.Duration(i+1) << unit
	}
	octave := i/eighths - 1
	return time.Duration(i%eighths+eighths+1) << octave << unit
}

// observe counts one answer. Where two do so at the moment of a turn, one may get
// lost.
func (t *times) observe(d time.Duration, percentile int) {
	now := elapsed()
	if turned := t.turned.Load(); now-turned >= int64(recent) && t.turned.CompareAndSwap(turned, now) {
		next := 1 - t.now.Load()
		clearCounts(&t.counts[next])
		if now-turned >= 2*int64(recent) {
			clearCounts(&t.counts[1-next])
		}
		t.now.Store(next)
	}
	t.counts[t.now.Load()][bucketOf(d)].Add(1)
	if looked := t.looked.Load(); now-looked >= int64(delayAge) && t.looked.CompareAndSwap(looked, now) {
		t.delay.Store(int64(t.percentile(percentile)))
	}
}

func clearCounts(c *[buckets]atomic.Uint32) {
	for i := range c {
		c[i].Store(0)
	}
}

// percentile is what so many percent of the answers did not take longer than; 0
// where there are too few of them to tell.
func (t *times) percentile(percent int) time.Duration {
	var sum [buckets]uint64
	total := uint64(0)
	for i := range sum {
		sum[i] = uint64(t.counts[0][i].Load()) + uint64(t.counts[1][i].Load())
		total += sum[i]
	}
	if total*uint64(100-percent) < beyond*100 {
		return 0
	}
	below := uint64(0)
	for i := range sum {
		if below += sum[i]; below*100 >= total*uint64(percent) {
			return upTo(i)
		}
	}
	return 0
}

// HedgeDelay is how long an answer may take until its request may be hedged; 0
// where it may not: Config.Hedge is 0, or not enough is known of answers.
func (b *Balancer) HedgeDelay() time.Duration {
	if b.config.Hedge == 0 {
		return 0
	}
	t := &b.core.hedging.times
	delay := time.Duration(t.delay.Load())
	if delay == 0 || elapsed()-t.looked.Load() > 2*int64(recent) {
		return 0
	}
	return max(delay, leastDelay)
}

// Hedge elects another member for a request that q.Tried has been asked already,
// and has l hold it, if Config.HedgeBudget allows that. It is one that may get any
// request at this moment: a standby is not asked for it, and nobody waits.
func (b *Balancer) Hedge(q *Request, l *Lease) bool {
	h := &b.core.hedging
	if b.config.Hedge == 0 || b.core.queue.long.Load() > 0 {
		return false
	}
	if !h.budget.grant(time.Now(), b.requests(), float64(b.config.HedgeBudget)/100, freeHedges) {
		return false
	}
	b.mu.Lock()
	ok := b.elect(b.current(), q, l)
	b.mu.Unlock()
	if !ok {
		h.budget.giveBack()
		return false
	}
	l.hedge = true
	h.sent.Add(1)
	return true
}

// Won says that the answer of the member that Hedge elected came first.
func (l *Lease) Won() { l.member.core.hedging.won.Add(1) }

// Take has l, which must hold no member, hold the one that from holds, who holds
// none any more.
func (l *Lease) Take(from *Lease) {
	if l.member != nil {
		panic("balancer: member " + l.member.name + ": Take without Done")
	}
	l.by, l.member, l.index = from.by, from.member, from.index
	l.counts, l.stripe, l.hedge = from.counts, from.stripe, from.hedge
	from.member = nil
}
