package cache

import (
	"sync"
	"testing"
	"unsafe"
)

func TestATallyCountsEachFateInEachLane(t *testing.T) {
	var tally Tally
	var counting sync.WaitGroup
	for lane := -1; lane < 2*lanes; lane++ {
		counting.Go(func() {
			for f := range Fates {
				for range int(f) + 1 {
					tally.Count(lane, f)
				}
			}
		})
	}
	counting.Wait()
	c := tally.Counts()
	for f := range Fates {
		if want := uint64(2*lanes+1) * (uint64(f) + 1); c[f] != want {
			t.Errorf("%s: %d, not %d", f, c[f], want)
		}
	}
	tally.Count(0, FateStale)
	if got, want := tally.Counts().Since(c), (Counts{FateStale: 1}); got != want {
		t.Errorf("since then %v", got)
	}
	if size := unsafe.Sizeof(lane{}); size%128 != 0 {
		t.Errorf("a lane has %d bytes: it shares a cache line", size)
	}
}

func TestHitRatio(t *testing.T) {
	for _, c := range []struct {
		name   string
		counts Counts
		ratio  float64
		ok     bool
	}{
		{"nobody asked", Counts{}, 0, false},
		{"nobody asked the cache", Counts{FatePass: 3, FateBypass: 2, FateError: 1}, 0, false},
		{"misses only", Counts{FateMiss: 4}, 0, true},
		{"hits only", Counts{FateHit: 4, FatePass: 100}, 1, true},
		{"the origin was asked for a part, or whether it is right", Counts{FateHit: 1, FateValidated: 1, FatePartial: 1, FateMiss: 1}, 0.25, true},
		{"all that asked nothing of it", Counts{FateHit: 1, FateStale: 1, FateCollapsed: 1, FateMiss: 1, FateError: 9}, 0.75, true},
	} {
		if ratio, ok := c.counts.Ratio(); ratio != c.ratio || ok != c.ok {
			t.Errorf("%s: %v %v", c.name, ratio, ok)
		}
	}
}

func TestFateOfADecision(t *testing.T) {
	for d, want := range map[Decision]Fate{
		{Outcome: Hit, Reason: Fresh}:                  FateHit,
		{Outcome: Hit, Reason: ForClient}:              FateStale,
		{Outcome: Hit, Reason: OnError}:                FateStale,
		{Outcome: HitStale, Reason: WhileRevalidating}: FateStale,
		{Outcome: Miss, Reason: URIMiss}:               FateMiss,
		{Outcome: Validate, Reason: IsStale}:           FateMiss,
		{Outcome: Complete, Reason: IsPartial}:         FateMiss,
		{Outcome: Pass, Reason: ByMethod}:              FatePass,
		{Outcome: Bypass, Reason: BySite}:              FateBypass,
		{Outcome: Timeout, Reason: URIMiss}:            FateError,
	} {
		if got := d.Fate(); got != want {
			t.Errorf("%v %v: %v, not %v", d.Outcome, d.Reason, got, want)
		}
	}
}

// BenchmarkTally is what a hit pays to be counted, in the lanes of as many loops
// as there are processors, and all in one.
func BenchmarkTally(b *testing.B) {
	for _, c := range []struct {
		name  string
		share int
	}{{"lanes=own", 1}, {"lanes=one", 0}} {
		b.Run(c.name, func(b *testing.B) {
			var tally Tally
			var mu sync.Mutex
			next := 0
			b.RunParallel(func(pb *testing.PB) {
				mu.Lock()
				lane := next * c.share
				next++
				mu.Unlock()
				for pb.Next() {
					tally.Count(lane, FateHit)
				}
			})
		})
	}
}
