package cache

import "sync/atomic"

// Fate is how the cache served one request, for those who count: each request
// that the cache was asked about has exactly one.
type Fate uint8

// The fates. Of those that a hit ratio is about, from FateHit to FateMiss, the
// first three asked nothing of the origin server for this client's sake.
const (
	FateHit       Fate = iota // answered by what is stored, which is fresh
	FateStale                 // answered by what is stored, which is stale: max-stale, stale-while-revalidate, stale-if-error
	FateCollapsed             // answered by what was fetched for another request
	FateValidated             // answered by what is stored, after the origin's 304
	FatePartial               // answered by what is stored and the rest from the origin
	FateMiss                  // answered by the origin: nothing was stored for it, or another state of the resource
	FatePass                  // answered by the origin: the method is none that a cache answers
	FateBypass                // answered by the origin: the Site, or a body in a GET, keeps it out of the cache
	FateError                 // answered by the proxy itself: 502, 503, 504, and 504 for only-if-cached
	Fates                     // how many there are
)

var fateWords = [Fates]string{"hit", "stale", "collapsed", "validated", "partial", "miss", "pass", "bypass", "error"}

func (f Fate) String() string { return fateWords[f] }

// Fate is that of a request about which d was decided, as long as nobody has been
// asked: FateMiss stands for all that goes forward for something to store. Who
// forwards it knows better when the answer is there.
func (d *Decision) Fate() Fate {
	switch d.Outcome {
	case Hit, HitStale:
		if d.Reason == Fresh {
			return FateHit
		}
		return FateStale
	case Timeout:
		return FateError
	case Pass:
		return FatePass
	case Bypass:
		return FateBypass
	}
	return FateMiss
}

// A Tally counts fates. The zero value counts from nothing; it must not be copied.
// It costs a hit one addition to a number that no other processor writes to, if
// each event loop counts in a lane of its own.
type Tally struct{ lanes [lanes]lane }

const lanes = 16

// lane is alone in its cache lines: the processor fetches two of 64 bytes at once.
type lane struct {
	n [Fates]atomic.Uint64
	_ [128 - Fates*8%128]byte
}

// Count adds one request. The lane is any number: that of the loop, say. Two
// goroutines may count in one lane at once; it is only slower.
func (t *Tally) Count(lane int, f Fate) { t.lanes[uint(lane)%lanes].n[f].Add(1) }

// Counts is how many requests had each fate.
type Counts [Fates]uint64

// Counts adds up all lanes.
func (t *Tally) Counts() (c Counts) {
	for i := range t.lanes {
		for f := range c {
			c[f] += t.lanes[i].n[f].Load()
		}
	}
	return c
}

// Since is what came between an earlier count and c.
func (c Counts) Since(earlier Counts) Counts {
	for f := range c {
		c[f] -= earlier[f]
	}
	return c
}

// Ratio is the hit ratio: of the requests that something stored could have
// answered, the share that the origin server was not asked for. ok is false where
// there was no such request.
func (c Counts) Ratio() (ratio float64, ok bool) {
	var hits, all uint64
	for f := FateHit; f <= FateMiss; f++ {
		all += c[f]
		if f <= FateCollapsed {
			hits += c[f]
		}
	}
	if all == 0 {
		return 0, false
	}
	return float64(hits) / float64(all), true
}
