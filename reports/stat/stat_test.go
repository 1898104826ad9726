package stat_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"proxylab/reports/stat"
)

// simulate draws n pairs whose true ratio is known: a block's drift hits both,
// each trial has noise of its own.
func simulate(rng *rand.Rand, n int, ratio, noise float64) []stat.Pair {
	pairs := make([]stat.Pair, n)
	for i := range pairs {
		drift := math.Exp(rng.NormFloat64() * 0.3)
		pairs[i] = stat.Pair{
			A: 50 * ratio * drift * math.Exp(rng.NormFloat64()*noise),
			B: 50 * drift * math.Exp(rng.NormFloat64()*noise),
		}
	}
	return pairs
}

func TestIntervalOfTheRatioCoversTheTruth(t *testing.T) {
	const runs = 1000
	for _, ratio := range []float64{0.28, 1, 3.5} {
		rng := rand.New(rand.NewPCG(1, 2))
		covered := 0
		for range runs {
			c := stat.Compare(simulate(rng, 6, ratio, 0.05))
			if c.Low <= ratio && ratio <= c.High {
				covered++
			}
		}
		if covered < runs*94/100 {
			t.Errorf("ratio %g: covered in %d of %d simulations, want 94 %%", ratio, covered, runs)
		}
		if covered > runs*97/100 {
			t.Errorf("ratio %g: covered in %d of %d simulations: the interval is wider than it says", ratio, covered, runs)
		}
	}
}

func TestFalseVerdictsAreRare(t *testing.T) {
	// The rate is 5 % where no trial is noisy enough for "equivalent" to take
	// its part; two standard errors of the simulation come on top.
	const runs = 4000
	most := int(runs*0.05 + 2*math.Sqrt(runs*0.05*0.95))
	for _, tt := range []struct {
		claim string
		ratio float64
		wrong func(stat.Word) bool
	}{
		{"equal systems are told apart", 1, func(w stat.Word) bool { return w == stat.ALower || w == stat.BLower }},
		{"a difference at the margin is called equivalent", 1 + stat.Margin, func(w stat.Word) bool { return w == stat.Equivalent }},
		{"the lower one is called the higher one", 0.9, func(w stat.Word) bool { return w == stat.BLower }},
	} {
		for _, n := range []int{3, 6, 12} {
			rng := rand.New(rand.NewPCG(3, 4))
			wrong := 0
			for range runs {
				if tt.wrong(stat.Compare(simulate(rng, n, tt.ratio, 0.04)).Word) {
					wrong++
				}
			}
			if wrong > most {
				t.Errorf("%s in %d of %d simulations with %d pairs, at most %d may", tt.claim, wrong, runs, n, most)
			}
		}
	}
}

func TestRealDifferencesAreFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	lower, same := 0, 0
	for range 200 {
		if stat.Compare(simulate(rng, 6, 0.7, 0.04)).Word == stat.ALower {
			lower++
		}
		if stat.Compare(simulate(rng, 6, 1, 0.01)).Word == stat.Equivalent {
			same++
		}
	}
	if lower < 198 || same < 198 {
		t.Errorf("found 30 %% less in %d and equivalence in %d of 200, want nearly all", lower, same)
	}
}

func TestCompareWords(t *testing.T) {
	pairs := func(ratios ...float64) (out []stat.Pair) {
		for _, r := range ratios {
			out = append(out, stat.Pair{A: r * 7, B: 7})
		}
		return out
	}
	for _, tt := range []struct {
		claim  string
		pairs  []stat.Pair
		word   stat.Word
		reason string
	}{
		{"no pair", nil, stat.Inconclusive, "no pair of valid trials, 3 are needed"},
		{"one pair", pairs(0.1), stat.Inconclusive, "1 pair of valid trials, 3 are needed"},
		{"two pairs however clear", pairs(0.1, 0.1), stat.Inconclusive, "2 pairs of valid trials, 3 are needed"},
		{"three clear pairs", pairs(0.30, 0.31, 0.29), stat.ALower, ""},
		{"three clear pairs the other way", pairs(3.0, 3.1, 2.9), stat.BLower, ""},
		{"no spread at all", pairs(1, 1, 1), stat.Equivalent, ""},
		{"certain but small", pairs(0.980, 0.981, 0.979), stat.Equivalent, ""},
		{"wide around 1", pairs(0.7, 1.0, 1.4), stat.Inconclusive, "the interval holds 1 and reaches further than 5 %"},
		{"zero against something", []stat.Pair{{A: 0, B: 1}, {A: 1, B: 1}, {A: 1, B: 1}}, stat.Inconclusive, "a ratio of 0 to 1 says nothing"},
		{"zero against zero", []stat.Pair{{}, {}, {}}, stat.Inconclusive, "a ratio of 0 to 0 says nothing"},
		{"not a number", []stat.Pair{{A: math.NaN(), B: 1}, {A: 1, B: 1}, {A: 1, B: 1}}, stat.Inconclusive, "a ratio of NaN to 1 says nothing"},
		{"infinite", []stat.Pair{{A: math.Inf(1), B: 1}, {A: 1, B: 1}, {A: 1, B: 1}}, stat.Inconclusive, "a ratio of +Inf to 1 says nothing"},
	} {
		c := stat.Compare(tt.pairs)
		if c.Word != tt.word || c.Reason != tt.reason {
			t.Errorf("%s: %q because %q, want %q because %q", tt.claim, c.Word, c.Reason, tt.word, tt.reason)
		}
		for _, v := range []float64{c.Ratio, c.Low, c.High} {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%s: %+v cannot be written as JSON", tt.claim, c)
			}
		}
	}
}

func TestCompareIsThePairedTInterval(t *testing.T) {
	// By hand: logs -1.2, -1.0, -1.1; mean -1.1, sd 0.1; t(0.975, 2) = 4.302653.
	c := stat.Compare([]stat.Pair{{math.Exp(-1.2), 1}, {2 * math.Exp(-1), 2}, {9 * math.Exp(-1.1), 9}})
	half := 4.302653 * 0.1 / math.Sqrt(3)
	for _, v := range []struct{ got, want float64 }{
		{c.Ratio, math.Exp(-1.1)}, {c.Low, math.Exp(-1.1 - half)}, {c.High, math.Exp(-1.1 + half)},
	} {
		if math.Abs(v.got-v.want) > 1e-6 {
			t.Errorf("%+v: %g, want %g", c, v.got, v.want)
		}
	}
}

func TestMedianOf(t *testing.T) {
	for _, tt := range []struct {
		claim  string
		values []float64
		want   stat.Estimate
	}{
		{"nothing", nil, stat.Estimate{}},
		{"nothing finite", []float64{math.NaN(), math.Inf(1)}, stat.Estimate{}},
		{"one trial has no interval", []float64{5}, stat.Estimate{1, 5, 5, 5, 0}},
		{"two trials", []float64{4, 2}, stat.Estimate{2, 3, 2, 4, 0.5}},
		{"five trials cover less than 95 %", []float64{5, 1, 4, 2, 3}, stat.Estimate{5, 3, 1, 5, 0.9375}},
		{"six trials are the first that cover it", []float64{6, 5, 1, 4, 2, 3}, stat.Estimate{6, 3.5, 1, 6, 0.96875}},
		{"what is not finite is left out", []float64{1, math.NaN(), 3}, stat.Estimate{2, 2, 1, 3, 0.5}},
	} {
		if got := stat.MedianOf(tt.values); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.claim, got, tt.want)
		}
	}
}

func TestMedianOfCoversTheTruth(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	const runs = 1000
	for _, n := range []int{6, 10, 15} {
		covered := 0
		for range runs {
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = rng.ExpFloat64() // skewed: median ln 2
			}
			if e := stat.MedianOf(xs); e.Low <= math.Ln2 && math.Ln2 <= e.High {
				covered++
			}
		}
		if covered < runs*94/100 {
			t.Errorf("n = %d: covered in %d of %d simulations, want 94 %%", n, covered, runs)
		}
	}
}

func TestPercentileNeedsTenValuesBeyond(t *testing.T) {
	for _, tt := range []struct {
		n      int64
		p      float64
		enough bool
	}{
		{19, 50, false}, {20, 50, true}, {99, 90, false}, {100, 90, true}, {999, 99, false}, {1000, 99, true},
		{9999, 99.9, false}, {10000, 99.9, true}, {99999, 99.99, false}, {100000, 99.99, true}, {1 << 40, 100, false}, {0, 0, false},
	} {
		if got := stat.Enough(tt.n, tt.p); got != tt.enough {
			t.Errorf("Enough(%d, %g) = %t", tt.n, tt.p, got)
		}
		if tt.enough && stat.Needed(tt.p) != tt.n {
			t.Errorf("Needed(%g) = %d, want %d", tt.p, stat.Needed(tt.p), tt.n)
		}
	}
}

func TestMergedHistogramIsNotTheAverage(t *testing.T) {
	fast, slow := stat.NewLatency(), stat.NewLatency()
	for range 900 {
		fast.Record(time.Millisecond)
	}
	for range 100 {
		slow.Record(time.Second)
	}
	fast.Merge(slow)
	p50, ok := fast.Percentile(50)
	if !ok || p50.Round(10*time.Microsecond) != time.Millisecond {
		t.Errorf("p50 of 900 at 1 ms and 100 at 1 s: %v, %t", p50, ok)
	}
	p99, ok := fast.Percentile(99)
	if !ok || p99.Round(time.Millisecond) != time.Second {
		t.Errorf("p99: %v, %t", p99, ok)
	}
}

func TestLatencyTakesAnyDuration(t *testing.T) {
	l := stat.NewLatency()
	for _, d := range []time.Duration{-time.Second, 0, 1, time.Hour, 1000 * time.Hour, math.MaxInt64, math.MinInt64} {
		l.Record(d)
	}
	if l.Count() != 7 {
		t.Errorf("%d of 7 recorded", l.Count())
	}
}

func TestLatencyResolvesThreeDigits(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 11))
	for range 200 {
		d := time.Duration(math.Exp(rng.Float64()*14) * float64(time.Microsecond))
		l := stat.NewLatency()
		for range 20 {
			l.Record(d)
		}
		got, ok := l.Percentile(50)
		if err := math.Abs(float64(got-d)) / float64(d); !ok || err > 0.001 && got-d > time.Microsecond {
			t.Errorf("%v became %v", d, got)
		}
	}
}
