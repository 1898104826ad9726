package loadtest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// due is H(t) of the picture in Schedule: how many hits are due before t. At is
// its inverse.
func due(s *Schedule, t time.Duration) float64 {
	in := &s.pieces[0]
	for i := range s.pieces {
		if t.Seconds() >= s.pieces[i].start {
			in = &s.pieces[i]
		}
	}
	return in.before + min(in.sum(min(max(0, t.Seconds()-in.start), in.length)), in.due)
}

func mustSchedule(t interface{ Fatal(...any) }, phases ...Phase) *Schedule {
	p := Plan{Bases: []string{"http://h:1"}, Targets: []Target{{Path: "/"}}, Phases: phases, Connections: 1, Timeout: time.Second}
	s, err := p.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPlannedStarts(t *testing.T) {
	const ms = time.Millisecond
	rows := []struct {
		name   string
		phases []Phase
		hits   uint64
		at     map[uint64]time.Duration
	}{
		{"constant", []Phase{{Shape: Constant, Rate: 100, For: time.Second}}, 100,
			map[uint64]time.Duration{0: 0, 1: 10 * ms, 99: 990 * ms}},
		{"constant that ends between two hits", []Phase{{Shape: Constant, Rate: 10, For: 250 * ms}}, 3,
			map[uint64]time.Duration{2: 200 * ms}},
		{"less than one a second", []Phase{{Shape: Constant, Rate: 0.5, For: 5 * time.Second}}, 3,
			map[uint64]time.Duration{1: 2 * time.Second, 2: 4 * time.Second}},
		{"ramp from nothing: n = 50 t²", []Phase{{Shape: Ramp, Rate: 0, To: 100, For: time.Second}}, 50,
			map[uint64]time.Duration{0: 0, 2: 200 * ms, 8: 400 * ms, 32: 800 * ms}},
		{"ramp to nothing is the other mirrored", []Phase{{Shape: Ramp, Rate: 100, To: 0, For: time.Second}}, 50,
			map[uint64]time.Duration{0: 0, 18: 200 * ms, 42: 600 * ms, 48: 800 * ms}},
		{"ramp that is flat", []Phase{{Shape: Ramp, Rate: 10, To: 10, For: time.Second}}, 10,
			map[uint64]time.Duration{3: 300 * ms}},
		{"stairs of 10, 20 and 30", []Phase{{Shape: Stairs, Rate: 10, To: 30, Steps: 3, For: 3 * time.Second}}, 60,
			map[uint64]time.Duration{9: 900 * ms, 10: time.Second, 11: 1050 * ms, 30: 2 * time.Second, 33: 2100 * ms}},
		{"spike: 10 a second, but 100 from 1 s on for 100 ms", []Phase{
			{Shape: Spike, Rate: 10, To: 100, At: time.Second, Lasts: 100 * ms, For: 2 * time.Second}}, 29,
			map[uint64]time.Duration{9: 900 * ms, 10: time.Second, 11: 1010 * ms, 20: 1100 * ms, 21: 1200 * ms}},
		{"sine: 100 u + 100/π (1 − cos πu)", []Phase{
			{Shape: Sine, Rate: 100, To: 200, Period: 2 * time.Second, For: 2 * time.Second}}, 200,
			map[uint64]time.Duration{0: 0, 100: 591_471_943}},
		{"replay: the arrivals themselves", []Phase{
			{Shape: Replay, For: time.Second, Trace: []Arrival{{At: 5 * ms, Target: -1}, {At: 5 * ms, Target: -1}, {At: 800 * ms, Target: -1}}},
			{Shape: Constant, Rate: 10, For: 200 * ms}}, 5,
			map[uint64]time.Duration{0: 5 * ms, 1: 5 * ms, 2: 800 * ms, 3: time.Second, 4: 1100 * ms}},
		{"replay behind half a hit", []Phase{
			{Shape: Constant, Rate: 10, For: 250 * ms},
			{Shape: Replay, For: time.Second, Trace: []Arrival{{At: 100 * ms, Target: -1}, {At: 200 * ms, Target: -1}}}}, 5,
			map[uint64]time.Duration{2: 200 * ms, 3: 350 * ms, 4: 450 * ms}},
		{"a pause: the hit after it waits for its end", []Phase{
			{Shape: Constant, Rate: 10, For: 300 * ms}, {Shape: Constant, Rate: 0, For: time.Second}, {Shape: Constant, Rate: 10, For: 200 * ms}}, 5,
			map[uint64]time.Duration{2: 200 * ms, 3: 1300 * ms, 4: 1400 * ms}},
		{"thirds do not add a hit by rounding", []Phase{
			{Shape: Constant, Rate: 100, For: 100 * ms}, {Shape: Constant, Rate: 100, For: 100 * ms}, {Shape: Constant, Rate: 100, For: 100 * ms}}, 30,
			map[uint64]time.Duration{29: 290 * ms}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := mustSchedule(t, row.phases...)
			if s.Hits() != row.hits {
				t.Errorf("%d hits, want %d", s.Hits(), row.hits)
			}
			for n, want := range row.at {
				if got := s.At(n); got != want {
					t.Errorf("hit %d at %v, want %v", n, got, want)
				}
			}
		})
	}
}

var anyPhase = rapid.Custom(func(t *rapid.T) Phase {
	p := Phase{
		Shape: rapid.SampledFrom([]Shape{Constant, Ramp, Stairs, Spike, Sine}).Draw(t, "shape"),
		Rate:  rapid.Float64Range(0, 2000).Draw(t, "rate"),
		For:   time.Duration(rapid.Int64Range(1, int64(3*time.Second)).Draw(t, "for")),
	}
	if p.Shape != Constant {
		p.To = rapid.Float64Range(0, 2000).Draw(t, "to")
	}
	switch p.Shape {
	case Stairs:
		p.Steps = rapid.IntRange(2, 9).Draw(t, "steps")
	case Spike:
		p.At = time.Duration(rapid.Int64Range(0, int64(p.For)-1).Draw(t, "at"))
		p.Lasts = time.Duration(rapid.Int64Range(1, int64(p.For-p.At)).Draw(t, "lasts"))
	case Sine:
		p.To = min(p.To, 2*p.Rate)
		p.Period = time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(5*time.Second)).Draw(t, "period"))
	}
	return p
})

// The last phase sees to it that there are hits.
var anyPhases = rapid.Custom(func(t *rapid.T) []Phase {
	phases := rapid.SliceOfN(anyPhase, 0, 3).Draw(t, "phases")
	return append(phases, Phase{Shape: Constant, Rate: 10, For: time.Second})
})

// The rate as its definition has it, integrated by small steps: an oracle that
// knows none of the formulas.
func integral(phases []Phase) float64 {
	sum := 0.0
	for _, p := range phases {
		const steps = 20_000
		for i := range steps {
			x := (float64(i) + 0.5) / steps // middle of the step
			rate := p.Rate
			switch p.Shape {
			case Ramp:
				rate += (p.To - p.Rate) * x
			case Stairs:
				rate += (p.To - p.Rate) * math.Floor(x*float64(p.Steps)) / float64(p.Steps-1)
			case Spike:
				if at := x * p.For.Seconds(); at >= p.At.Seconds() && at < (p.At+p.Lasts).Seconds() {
					rate = p.To
				}
			case Sine:
				rate += (p.To - p.Rate) * math.Sin(2*math.Pi*x*p.For.Seconds()/p.Period.Seconds())
			}
			sum += rate * p.For.Seconds() / steps
		}
	}
	return sum
}

func TestHitsAreTheIntegralOfTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		phases := anyPhases.Draw(t, "phases")
		want := integral(phases)
		s := mustSchedule(t, phases...)
		// Stairs: a step of the sum may lie across the edge of a level.
		if got := float64(s.Hits()); got < want-1 || got > want+2 {
			t.Fatalf("%v hits, the integral is %v", got, want)
		}
		if sum := due(s, s.Length()); math.Abs(sum-want) > 1 || math.Ceil(sum) != float64(s.Hits()) {
			t.Fatalf("%v due at the end, the integral is %v, %d hits", sum, want, s.Hits())
		}
	})
}

func TestAtIsTheInverseOfDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		phases := anyPhases.Draw(t, "phases")
		s := mustSchedule(t, phases...)
		last := time.Duration(-1)
		for n := range s.Hits() {
			at := s.At(n)
			if at < last || at < 0 || at > s.Length() {
				t.Fatalf("hit %d at %v, the one before at %v, length %v", n, at, last, s.Length())
			}
			last = at
			// At is rounded to a ns; at rate r that is r·1e-9 hits.
			if sum := due(s, at); math.Abs(sum-float64(n)) > 2000*1e-9+1e-5 {
				t.Fatalf("%v due at At(%d)", sum, n)
			}
		}
	})
}

func TestRateIsTheSlopeOfDue(t *testing.T) {
	s := mustSchedule(t, Phase{Shape: Ramp, Rate: 100, To: 300, For: 2 * time.Second}, Phase{Shape: Constant, Rate: 50, For: time.Second})
	for _, row := range []struct {
		at   time.Duration
		want float64
	}{{-1, 0}, {0, 100}, {time.Second, 200}, {2500 * time.Millisecond, 50}, {3 * time.Second, 0}} {
		if got := s.Rate(row.at); math.Abs(got-row.want) > 1e-9 {
			t.Errorf("rate at %v is %v, want %v", row.at, got, row.want)
		}
		if row.want > 0 {
			const step = time.Millisecond
			slope := (due(s, row.at+step) - due(s, row.at)) / step.Seconds()
			if math.Abs(slope-row.want) > 0.1 {
				t.Errorf("slope at %v is %v, want %v", row.at, slope, row.want)
			}
		}
	}
}

func targets(weights ...float64) []Target {
	var ts []Target
	for i, w := range weights {
		ts = append(ts, Target{Path: fmt.Sprintf("/%d", i), Weight: w})
	}
	return ts
}

func TestTargetsFollowTheirWeights(t *testing.T) {
	p := validPlan()
	p.Targets = targets(1, 2, 0.5, 6.5)
	p.Phases = []Phase{{Shape: Constant, Rate: 100_000, For: time.Second}}
	for seed := range uint64(5) {
		p.Seed = seed
		s, err := p.Schedule()
		if err != nil {
			t.Fatal(err)
		}
		var got [4]float64
		for n := range s.Hits() {
			got[s.Target(n)]++
		}
		for i, target := range p.Targets {
			q := target.Weight / 10
			mean, sigma := 1e5*q, math.Sqrt(1e5*q*(1-q))
			if math.Abs(got[i]-mean) > 5*sigma {
				t.Errorf("seed %d: target %d is chosen %v times, want %v ± %.0f", seed, i, got[i], mean, 5*sigma)
			}
		}
	}
}

// Another order of asking gives the same targets; another seed gives others.
func TestTargetDependsOnSeedAndNumberAlone(t *testing.T) {
	p := validPlan()
	p.Targets = targets(1, 1)
	forward, _ := p.Schedule()
	backward, _ := p.Schedule()
	p.Seed++
	other, _ := p.Schedule()
	const n = 4096
	var want, differ [n]int
	for i := range want {
		want[i] = forward.Target(uint64(i))
	}
	same := 0
	for i := n - 1; i >= 0; i-- {
		differ[i] = backward.Target(uint64(i)) - want[i]
		if other.Target(uint64(i)) == want[i] {
			same++
		}
	}
	if differ != [n]int{} {
		t.Error("asked backwards, other targets are chosen")
	}
	if same < n*4/10 || same > n*6/10 {
		t.Errorf("with the next seed %d of %d choices are the same, want about half", same, n)
	}
}

// Part of stored runs: a seed must choose the same targets in later versions.
func TestTargetsOfASeedStayTheSame(t *testing.T) {
	p := validPlan()
	p.Targets, p.Seed = targets(1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 7
	s, err := p.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for n := range uint64(20) {
		got += fmt.Sprint(s.Target(n))
	}
	if want := "53986336809195287920"; got != want {
		t.Errorf("seed 7 chooses %s, chose %s", got, want)
	}
}

func TestInTurnTakesTargetsInTheirOrder(t *testing.T) {
	p := validPlan()
	p.Targets, p.InTurn = targets(9, 1, 1), 2
	s, err := p.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for n := range uint64(10) {
		got += fmt.Sprint(s.Target(n))
	}
	if want := "0011220011"; got != want {
		t.Errorf("in turn, each twice running: %s, want %s", got, want)
	}
}
