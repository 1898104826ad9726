package loadtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var usual = Search{Start: 100, Least: 20, Most: 1e6, Precision: 1.1, Repeat: 3, Levels: 60}

// play asks a simulated system at each rate that the search wants.
func play(s Search, ask func(rate float64) Outcome) []Level {
	var levels []Level
	for {
		rate, done := s.Next(levels)
		if done {
			return levels
		}
		levels = append(levels, Level{Rate: rate, Outcome: ask(rate)})
	}
}

// A system without noise: its knee lies in the interval, whose ends are as close
// as was asked for and tried as often.
func TestSearchFindsTheKnee(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		knee := math.Exp(rapid.Float64Range(math.Log(25), math.Log(9e5)).Draw(t, "log knee"))
		s := usual
		s.Start = math.Exp(rapid.Float64Range(math.Log(25), math.Log(9e5)).Draw(t, "log start"))
		tries := map[float64]int{}
		levels := play(s, func(rate float64) Outcome {
			tries[rate]++
			if rate <= knee {
				return Borne
			}
			return Missed
		})
		i := s.Interval(levels)
		if !(i.Low <= knee && knee < i.High) || i.High/i.Low > 1.1+1e-6 {
			t.Fatalf("knee %v, interval %+v after %d levels", knee, i, len(levels))
		}
		if tries[i.Low] != 3 || tries[i.High] != 3 || len(levels) > 30 {
			t.Fatalf("the ends were tried %d and %d times, %d levels in all", tries[i.Low], tries[i.High], len(levels))
		}
	})
}

// With noise, a level near the knee comes out one way or the other: the chance to
// bear it falls from 0.88 to 0.12 within ± noise. The interval, widened by
// what noise there is, holds the knee in 95 of 100 searches.
func TestSearchInNoise(t *testing.T) {
	const searches = 1000
	for _, noise := range []float64{0.02, 0.05, 0.1} {
		r := rand.New(rand.NewPCG(7, 0))
		missed, most := 0, 0
		for range searches {
			knee := math.Exp(math.Log(50) + r.Float64()*math.Log(1000))
			levels := play(usual, func(rate float64) Outcome {
				if r.Float64() < 1/(1+math.Exp(2*math.Log(rate/knee)/noise)) {
					return Borne
				}
				return Missed
			})
			i := usual.Interval(levels)
			if i.Low > knee*(1+2*noise) || i.High < knee*(1-2*noise) {
				missed++
			}
			most = max(most, len(levels))
		}
		t.Logf("noise %v: %d of %d intervals are beside the knee, %d levels at most", noise, missed, searches, most)
		if missed > searches/20 || most > usual.Levels {
			t.Errorf("noise %v: %d of %d intervals are beside the knee, %d levels at most", noise, missed, searches, most)
		}
	}
}

// Where the generator ends first, the answer has no upper end.
func TestASaturatedGeneratorIsNoKnee(t *testing.T) {
	levels := play(usual, func(rate float64) Outcome {
		if rate < 3000 {
			return Borne
		}
		return Void
	})
	i := usual.Interval(levels)
	if !i.Open() || i.Low < 3000/1.1 || i.Low >= 3000 {
		t.Errorf("%+v", i)
	}
}

func TestSearchAtItsBounds(t *testing.T) {
	all := func(o Outcome) func(float64) Outcome { return func(float64) Outcome { return o } }
	if i := usual.Interval(play(usual, all(Borne))); !i.Open() || i.Low != usual.Most {
		t.Errorf("a system that bears all: %+v", i)
	}
	if i := usual.Interval(play(usual, all(Missed))); i.Low != 0 || i.High != usual.Least {
		t.Errorf("a system that bears nothing: %+v", i)
	}
	toss := rand.New(rand.NewPCG(1, 1))
	if n := len(play(usual, func(float64) Outcome { return []Outcome{Borne, Missed, Void}[toss.IntN(3)] })); n > usual.Levels {
		t.Errorf("%d levels of %d", n, usual.Levels)
	}
	if i := usual.Interval(nil); i.Low != 0 || !i.Open() {
		t.Errorf("nothing tried: %+v", i)
	}
}

func TestObjective(t *testing.T) {
	for _, row := range []struct {
		name  string
		spoil func([]Sample, *End)
		want  Outcome
		words string
	}{
		{"nothing", func([]Sample, *End) {}, Borne, ""},
		{"0.9 % slow", func(s []Sample, _ *End) { slow(s[:18], time.Second) }, Borne, ""},
		{"1.1 % slow", func(s []Sample, _ *End) { slow(s[:22], time.Second) }, Missed, "p99 was 1s"},
		{"1.1 % at just the limit", func(s []Sample, _ *End) { slow(s[:22], 50*time.Millisecond) }, Borne, ""},
		{"0.1 % wrong", func(s []Sample, _ *End) { wrong(s[:2]) }, Borne, ""},
		{"0.15 % wrong", func(s []Sample, _ *End) { wrong(s[:3]) }, Missed, "99.850 % of the answers were right"},
		{"1.5 % late", func(s []Sample, _ *End) { late(s[:30]) }, Void, "98.50 % were sent on time"},
		{"late and wrong says nothing of the system", func(s []Sample, _ *End) { late(s[:30]); wrong(s[:30]) }, Void, "on time"},
		{"generator without CPU to spare", func(_ []Sample, e *End) { e.CPUSeconds = 19 }, Void, "the generator used 95 %"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, e := sound(2000)
			row.spoil(s, &e)
			if got, why := Knee.Judge(s, e); got != row.want || (why == "") != (row.words == "") || !strings.Contains(why, row.words) {
				t.Errorf("%s %q, want %s %q", got, why, row.want, row.words)
			}
		})
	}
	if got, _ := Knee.Judge(nil, End{}); got != Void {
		t.Errorf("nothing sent is %s", got)
	}
	if got := fmt.Sprint(Knee); got != "p99 ≤ 50ms, right answers ≥ 99.9 %, sends on time ≥ 99 %" {
		t.Error(got)
	}
}

func slow(s []Sample, by time.Duration) {
	for i := range s {
		s[i].End = s[i].Planned + by
	}
}

func wrong(s []Sample) {
	for i := range s {
		s[i].Right = false
	}
}

func late(s []Sample) {
	for i := range s {
		s[i].Start = s[i].Planned + time.Second
		s[i].End = s[i].Start + time.Millisecond
	}
}

// Whatever fails, however fast, no percentile becomes better for it.
func TestFailuresNeverImproveAPercentile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "n")
		var s []Sample
		for i := range n {
			s = append(s, Sample{N: uint64(i), End: time.Duration(rapid.IntRange(1, 1000).Draw(t, "end")), Status: 200, Right: true})
		}
		p := rapid.Float64Range(1, 100).Draw(t, "p")
		before, ok := ResponsePercentile(s, p)
		if !ok {
			t.Fatal("all are right, and there is no figure")
		}
		for range rapid.IntRange(1, n).Draw(t, "failures") {
			i := rapid.IntRange(0, n-1).Draw(t, "i")
			s[i].End, s[i].Right = 1, false
			if rapid.Bool().Draw(t, "failed") {
				s[i].Err = "reset"
			}
		}
		if after, ok := ResponsePercentile(s, p); ok && after < before {
			t.Fatalf("p%v fell from %v to %v", p, before, after)
		}
	})
}
