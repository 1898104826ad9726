package stat

import (
	"testing"
	"time"
)

// Requests that fail count as ones that took for ever, however soon they failed.
func TestFailuresNeverImproveAPercentile(t *testing.T) {
	const n = 2000
	filled := func(failed int) *Latency {
		l := NewLatency()
		for i := range n {
			// The slowest fail first: dropping them would help most.
			if i >= n-failed {
				l.Never()
			} else {
				l.Record(time.Duration(i+1) * time.Millisecond)
			}
		}
		return l
	}
	for _, row := range []struct {
		failed int
		p      float64
		want   time.Duration // 0: no figure
	}{
		{0, 50, 1000 * time.Millisecond}, {100, 50, 1000 * time.Millisecond}, {999, 50, 1000 * time.Millisecond}, {1001, 50, 0},
		{0, 99, 1980 * time.Millisecond}, {20, 99, 1980 * time.Millisecond}, {21, 99, 0}, {n, 50, 0},
	} {
		d, ok := filled(row.failed).Percentile(row.p)
		if ok != (row.want > 0) || ok && (d < row.want || d > row.want+row.want/500) {
			t.Errorf("%d of %d failed: p%g is %v %v, want %v", row.failed, n, row.p, d, ok, row.want)
		}
	}
	both := filled(21)
	both.Merge(filled(0))
	if d, ok := both.Percentile(99); !ok || both.Count() != 2*n-21 || d < 1970*time.Millisecond {
		t.Errorf("merged: %v %v of %d", d, ok, both.Count())
	}
}
