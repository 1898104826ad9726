package loadtest

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func poisson(t interface{ Fatal(...any) }, seed uint64, phases ...Phase) *Schedule {
	p := validPlan()
	p.Phases, p.Arrivals, p.Seed = phases, Poisson, seed
	s, err := p.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Over many seeds, the number of hits before any moment has the integral of the
// rate as its mean and as its variance, whatever the shape.
func TestPoissonArrivalsHaveTheirMeanAndVariance(t *testing.T) {
	const seeds = 4000
	phases := []Phase{
		{Shape: Ramp, Rate: 0, To: 100, For: time.Second},
		{Shape: Sine, Rate: 60, To: 100, Period: 500 * time.Millisecond, For: time.Second},
		{Shape: Spike, Rate: 10, To: 200, At: 300 * time.Millisecond, Lasts: 200 * time.Millisecond, For: time.Second},
	}
	even := mustSchedule(t, phases...)
	for _, until := range []time.Duration{700 * time.Millisecond, 1300 * time.Millisecond, 2400 * time.Millisecond, 3 * time.Second} {
		var sum, squares float64
		for seed := range uint64(seeds) {
			s := poisson(t, seed, phases...)
			n := 0.0
			for n < float64(s.Hits()) && s.At(uint64(n)) < until {
				n++
			}
			sum += n
			squares += n * n
		}
		mean := sum / seeds
		variance := squares/seeds - mean*mean
		want := due(even, until)
		// Standard errors: √(λ/n) of the mean, about λ√(2/n) of the variance.
		if math.Abs(mean-want) > 5*math.Sqrt(want/seeds) || math.Abs(variance-want) > 6*want*math.Sqrt(2./seeds) {
			t.Errorf("before %v: mean %.2f, variance %.2f, want %.2f for both", until, mean, variance, want)
		}
	}
}

// The gaps of Poisson arrivals at a constant rate are exponential: as many as
// e^-x are longer than x means.
func TestGapsOfPoissonArrivalsAreExponential(t *testing.T) {
	s := poisson(t, 3, Phase{Shape: Constant, Rate: 1000, For: 100 * time.Second})
	var gaps []time.Duration
	for n := uint64(1); n < s.Hits(); n++ {
		gaps = append(gaps, s.At(n)-s.At(n-1))
	}
	slices.Sort(gaps)
	for _, x := range []float64{0.1, 0.5, 1, 2, 4} {
		i, _ := slices.BinarySearch(gaps, time.Duration(x*float64(time.Millisecond)))
		got, want := 1-float64(i)/float64(len(gaps)), math.Exp(-x)
		if math.Abs(got-want) > 5*math.Sqrt(want*(1-want)/float64(len(gaps))) {
			t.Errorf("%.4f of the gaps are longer than %v means, want %.4f", got, x, want)
		}
	}
}

func TestPoissonArrivalsComeFromTheSeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		phases, seed := anyPhases.Draw(t, "phases"), rapid.Uint64().Draw(t, "seed")
		p := validPlan()
		p.Phases, p.Arrivals, p.Seed = phases, Poisson, seed
		s, err := p.Schedule()
		if err != nil {
			return // no request fell due
		}
		again := poisson(t, seed, phases...)
		last := time.Duration(0)
		for n := range s.Hits() {
			at := s.At(n)
			if at < last || at > s.Length() || at != again.At(n) {
				t.Fatalf("hit %d at %v, the one before at %v, a second time at %v", n, at, last, again.At(n))
			}
			last = at
		}
	})
	one := Phase{Shape: Constant, Rate: 1000, For: time.Second}
	if a, b := poisson(t, 1, one), poisson(t, 2, one); a.At(5) == b.At(5) {
		t.Error("another seed gives the same arrivals")
	}
}

func TestReplayIsTheTrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const length = time.Second
		var trace []Arrival
		for _, at := range rapid.SliceOfN(rapid.Int64Range(0, int64(length)-1), 1, 50).Draw(t, "trace") {
			trace = append(trace, Arrival{At: time.Duration(at), Target: rapid.IntRange(-1, 2).Draw(t, "target")})
		}
		slices.SortFunc(trace, func(a, b Arrival) int { return int(a.At - b.At) })
		p := validPlan()
		p.Targets = targets(1, 1, 1)
		before := anyPhases.Draw(t, "before")
		p.Phases = append(before, Phase{Shape: Replay, Trace: trace, For: length})
		s, err := p.Schedule()
		if err != nil {
			t.Fatal(err)
		}
		first := mustSchedule(t, before...)
		for i, a := range trace {
			n := first.Hits() + uint64(i)
			if got := s.At(n) - first.Length(); got < a.At-time.Microsecond || got > a.At+time.Microsecond {
				t.Fatalf("arrival %d at %v, the trace has %v", i, got, a.At)
			}
			if got := s.Target(n); a.Target >= 0 && got != a.Target {
				t.Fatalf("arrival %d asks for target %d, the trace has %d", i, got, a.Target)
			}
		}
		if s.Hits() != first.Hits()+uint64(len(trace)) {
			t.Fatalf("%d hits, %d before and %d in the trace", s.Hits(), first.Hits(), len(trace))
		}
	})
}

func TestItemsFollowZipf(t *testing.T) {
	for _, z := range []float64{0, 0.8, 1, 2} {
		p := validPlan()
		p.Targets = []Target{{Path: "/i?{item}", Items: 50, Zipf: z}, {Path: "/"}}
		p.Phases = []Phase{{Shape: Constant, Rate: 200_000, For: time.Second}}
		s, err := p.Schedule()
		if err != nil {
			t.Fatal(err)
		}
		got, hits, norm := make([]float64, 51), 0.0, 0.0
		for n := range s.Hits() {
			item := s.Item(n)
			if s.Target(n) == 1 != (item == 0) || item > 50 {
				t.Fatalf("hit %d of target %d asks for item %d", n, s.Target(n), item)
			}
			if item > 0 {
				got[item]++
				hits++
			}
		}
		for k := 1; k <= 50; k++ {
			norm += math.Pow(float64(k), -z)
		}
		for k := 1; k <= 50; k++ {
			q := math.Pow(float64(k), -z) / norm
			if math.Abs(got[k]-hits*q) > 5*math.Sqrt(hits*q*(1-q)) {
				t.Errorf("zipf %v: item %d is asked for %v times, want %.0f", z, k, got[k], hits*q)
			}
		}
	}
}
