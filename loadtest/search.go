package loadtest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Objective is what a system must do at a rate for the rate to count as borne.
type Objective struct {
	Percentile float64       // of the response time, of all requests: one without a right answer took for ever
	Within     time.Duration // what that percentile may be
	Success    float64       // least share of right answers
	OnTime     float64       // least share of requests that were sent when they were due
}

// Knee is the objective of a saturation search.
var Knee = Objective{Percentile: 99, Within: 50 * time.Millisecond, Success: 0.999, OnTime: 0.99}

// String is the objective in words.
func (o Objective) String() string {
	return fmt.Sprintf("p%g ≤ %v, right answers ≥ %.4g %%, sends on time ≥ %.4g %%", o.Percentile, o.Within, 100*o.Success, 100*o.OnTime)
}

// Outcome is what one level of a search showed.
type Outcome string

// The closed set of outcomes. Void is a level that the generator could not hold:
// it says nothing of the system, whatever its figures.
const (
	Borne  Outcome = "borne"
	Missed Outcome = "missed"
	Void   Outcome = "void"
)

// Judge holds one level's samples to the objective. The reason says which part was
// missed, with its figure; "" for a level that was borne.
func (o Objective) Judge(samples []Sample, end End) (Outcome, string) {
	g := Judge(samples, end)
	t := Summary(samples)
	if t.Requests == 0 {
		return Void, "nothing was sent"
	}
	if onTime := 1 - float64(t.Late)/float64(t.Requests); onTime < o.OnTime {
		return Void, fmt.Sprintf("%.2f %% were sent on time; the rule is %.4g %%", 100*onTime, 100*o.OnTime)
	}
	if g.Validity == Invalid {
		return Void, g.Reasons[0]
	}
	if right := float64(t.Right) / float64(t.Requests); right < o.Success {
		return Missed, fmt.Sprintf("%.3f %% of the answers were right", 100*right)
	}
	if p, ok := ResponsePercentile(samples, o.Percentile); !ok || p > o.Within {
		return Missed, fmt.Sprintf("p%g was %v", o.Percentile, p.Round(10*time.Microsecond))
	}
	return Borne, ""
}

// ResponsePercentile is the response time that p percent of all requests do not
// exceed. A request without a right answer counts as one that takes for ever, so
// that a failure never improves the figure; ok is false where p falls among these.
func ResponsePercentile(samples []Sample, p float64) (d time.Duration, ok bool) {
	var right []time.Duration
	for _, s := range samples {
		if s.Right && s.Err == "" {
			right = append(right, s.Response())
		}
	}
	slices.Sort(right)
	rank := int(math.Ceil(p/100*float64(len(samples)) - 1e-9))
	if rank < 1 || rank > len(right) {
		return 0, false
	}
	return right[rank-1], true
}

// Level is one rate that was tried.
type Level struct {
	Rate    float64 `json:"rate_rps"`
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"` // why it was not borne, rule and figure
}

// Search looks for the highest rate that meets an objective. It is pure: it is told
// what the levels tried so far showed, and says which to try next.
//
// Rates double from Start until one is missed, or is void; then the gap between
// the highest rate borne and the lowest missed is halved, on a scale of logarithms,
// until it is no wider than Precision. Each of the two is tried Repeat times in all,
// and what most tries say holds: where noise has misled the search, its bound moves
// and it goes on from there.
type Search struct {
	Start     float64 // first rate
	Least     float64 // rate below which nothing is tried: a system that misses it has no knee
	Most      float64 // rate above which nothing is tried
	Precision float64 // ratio of the ends of the interval, as 1.1
	Repeat    int     // tries of each end
	Levels    int     // most levels in all
}

// Interval is the answer: the knee lies between Low and High. Low 0 says that no
// rate was borne, High +Inf that none was missed: then what ended the search was
// the generator or a bound, and the knee is Low at least.
type Interval struct{ Low, High float64 }

// Open says that the search did not find where the system ends.
func (i Interval) Open() bool { return math.IsInf(i.High, 1) }

// tally is what the tries of one rate said.
type tally struct {
	rate                float64
	borne, missed, void int
}

// outcome is what most tries say. A draw is no bound that holds: it is missed.
func (t tally) outcome() Outcome {
	switch {
	case t.borne > t.missed+t.void:
		return Borne
	case t.missed >= t.void:
		return Missed
	}
	return Void
}

func (t tally) tries() int { return t.borne + t.missed + t.void }

// bounds are the lowest rate that is not borne, and the highest borne one below it;
// nil for none.
func bounds(levels []Level) (low, high *tally) {
	at := map[float64]*tally{}
	for _, l := range levels {
		t := at[l.Rate]
		if t == nil {
			t = &tally{rate: l.Rate}
			at[l.Rate] = t
		}
		switch l.Outcome {
		case Borne:
			t.borne++
		case Missed:
			t.missed++
		default:
			t.void++
		}
	}
	var all []*tally
	for _, t := range at {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *tally) int { return cmp.Compare(a.rate, b.rate) })
	for _, t := range all {
		if t.outcome() != Borne {
			return low, t
		}
		low = t
	}
	return low, nil
}

// Next is the rate to try after these levels; done when there is none.
func (s Search) Next(levels []Level) (rate float64, done bool) {
	if len(levels) >= s.Levels {
		return 0, true
	}
	low, high := bounds(levels)
	switch {
	case low == nil && high == nil:
		return min(s.Start, s.Most), false
	case high == nil && low.rate >= s.Most:
		return low.rate, low.tries() >= s.Repeat
	case high == nil:
		return min(2*low.rate, s.Most), false
	case low == nil && high.rate <= s.Least:
		return high.rate, high.tries() >= s.Repeat
	case low == nil:
		return max(high.rate/2, s.Least), false
	case high.rate/low.rate > s.Precision*(1+1e-9):
		return math.Sqrt(low.rate * high.rate), false
	case high.tries() < s.Repeat:
		return high.rate, false
	case low.tries() < s.Repeat:
		return low.rate, false
	}
	return 0, true
}

// Interval is what these levels say of the knee.
func (s Search) Interval(levels []Level) Interval {
	low, high := bounds(levels)
	i := Interval{High: math.Inf(1)}
	if low != nil {
		i.Low = low.rate
	}
	if high != nil && high.outcome() == Missed {
		i.High = high.rate
	}
	return i
}
