package stat

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Beyond is how many values must lie beyond a percentile for it to be given:
// p99 needs 1000 values, p99.9 needs 10000.
const Beyond = 10

// The range of a Latency, in the histogram's unit of 1 µs. A value outside
// counts at the nearest end.
const (
	latencyMin = 1
	latencyMax = int64(time.Hour / time.Microsecond)
)

// Latency is a histogram of the durations of requests. Those that got no right
// answer are in it as ones that took for ever: dropping them would make the figures
// of a system better for each request that it fails.
type Latency struct {
	h     *hdrhistogram.Histogram
	never int64
}

// NewLatency returns an empty histogram, of some 200 KiB.
func NewLatency() *Latency {
	return &Latency{h: hdrhistogram.New(latencyMin, latencyMax, 3)}
}

// Record adds one duration.
func (l *Latency) Record(d time.Duration) {
	us := int64(math.Round(float64(d) / float64(time.Microsecond)))
	// RecordValue fails only outside the range, which min and max keep.
	_ = l.h.RecordValue(min(max(us, latencyMin), latencyMax))
}

// Never adds one request that got no right answer.
func (l *Latency) Never() { l.never++ }

// Merge adds all that other holds.
func (l *Latency) Merge(other *Latency) {
	l.h.Merge(other.h)
	l.never += other.never
}

// Count returns how many durations were recorded, those that never ended left out.
func (l *Latency) Count() int64 { return l.h.TotalCount() }

// Percentile returns the duration that p percent of the requests do not exceed.
// ok is false where fewer than Beyond requests lie beyond it, and where it falls
// among those that never ended.
func (l *Latency) Percentile(p float64) (d time.Duration, ok bool) {
	n := l.Count() + l.never
	if !Enough(n, p) {
		return 0, false
	}
	if l.never > 0 {
		rank := math.Ceil(p/100*float64(n) - 1e-9)
		if rank > float64(l.Count()) {
			return 0, false
		}
		p = 100 * rank / float64(l.Count())
	}
	return time.Duration(l.h.ValueAtPercentile(p)) * time.Microsecond, true
}

// Enough reports whether n values are enough for the percentile p.
func Enough(n int64, p float64) bool {
	// The epsilon forgives that 100-99.9 is not 0.1.
	return p >= 0 && p < 100 && float64(n)*(100-p)/100 >= Beyond-1e-6
}

// Needed is how many values Enough asks for at p.
func Needed(p float64) int64 { return int64(math.Ceil(Beyond*100/(100-p) - 1e-6)) }
