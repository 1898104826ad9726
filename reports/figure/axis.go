package figure

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// Kind is how an axis spreads its values.
type Kind int

// The kinds of axes.
const (
	Linear     Kind = iota
	Log             // values above 0
	Percentile      // values are percentiles, 0 to below 100, spread as log 1/(1−q)
	Names           // value i stands for Names[i]
)

// Axis is one of a panel's two.
type Axis struct {
	Label string // with the unit
	Kind  Kind
	Zero  bool     // Linear: begins at 0, as an axis of amounts should
	Max   float64  // Linear: at least this far, 0 for as far as the data go
	Names []string // for Names
}

// shows reports whether v has a place on the axis.
func (a Axis) shows(v float64) bool {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return false
	case a.Kind == Log:
		return v > 0
	case a.Kind == Percentile:
		return v >= 0 && v < 100
	case a.Kind == Names:
		return v >= -0.5 && v <= float64(len(a.Names))-0.5
	}
	return true
}

// fit returns the axis's range for the data.
func (a Axis) fit(s span) span {
	switch a.Kind {
	case Names:
		return span{-0.5, float64(max(len(a.Names), 1)) - 0.5}
	case Percentile:
		if s.empty() {
			return span{0, 99}
		}
		return span{0, max(s.max, 90)}
	case Log:
		if s.empty() {
			return span{1, 10}
		}
		return span{step125(s.min, false), step125(s.max, true)}
	}
	return a.fitLinear(s)
}

func (a Axis) fitLinear(s span) span {
	if s.empty() {
		s = span{0, 0}
	}
	if a.Zero {
		s = s.with(0)
	}
	if a.Max > 0 {
		s = s.with(a.Max)
	}
	if room := (s.max - s.min) * 0.05; room > 0 {
		s.max += room
		if !a.Zero || s.min < 0 {
			s.min -= room
		}
		return s
	}
	return span{min(s.min, 0), max(s.max*2, 1)}
}

// step125 returns the nearest 1, 2 or 5 times a power of ten strictly below or
// above v.
func step125(v float64, up bool) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v))-1)
	steps := []float64{5, 10, 20, 50, 100, 200}
	if up {
		for _, m := range steps {
			if m*p > v {
				return m * p
			}
		}
		return v
	}
	for i := len(steps) - 1; i >= 0; i-- {
		if m := steps[i]; m*p < v {
			return m * p
		}
	}
	return v
}

// scale returns gonum's normalizer.
func (a Axis) scale() plot.Normalizer {
	switch a.Kind {
	case Log:
		return plot.LogScale{}
	case Percentile:
		return tail{}
	}
	return plot.LinearScale{}
}

// tail spreads percentiles by log 1/(1−q): 90, 99 and 99.9 stand equally far
// apart.
type tail struct{}

func (tail) Normalize(lo, hi, x float64) float64 {
	nines := func(p float64) float64 { return -math.Log10(1 - p/100) }
	return (nines(x) - nines(lo)) / (nines(hi) - nines(lo))
}

// ticks returns the marks of the axis over its range.
func (a Axis) ticks(s span) plot.ConstantTicks {
	switch a.Kind {
	case Names:
		var t plot.ConstantTicks
		for i, n := range a.Names {
			t = append(t, plot.Tick{Value: float64(i), Label: n})
		}
		return t
	case Percentile:
		return percentileTicks(s)
	case Log:
		return logTicks(s)
	}
	return linearTicks(s)
}

func percentileTicks(s span) plot.ConstantTicks {
	t := plot.ConstantTicks{{Value: 0, Label: "0"}}
	for _, p := range []float64{50, 90, 99, 99.9, 99.99, 99.999} {
		if p <= s.max+1e-9 {
			t = append(t, plot.Tick{Value: p, Label: number(p)})
		}
	}
	return t
}

// logTicks labels 1, 2 and 5 of each decade while there are few, then the
// decades alone.
func logTicks(s span) plot.ConstantTicks {
	var t plot.ConstantTicks
	decades := math.Log10(s.max / s.min)
	for e := math.Floor(math.Log10(s.min)); e <= math.Ceil(math.Log10(s.max)); e++ {
		for m := 1.0; m < 10; m++ {
			v := m * math.Pow(10, e)
			if v < s.min*(1-1e-9) || v > s.max*(1+1e-9) {
				continue
			}
			tick := plot.Tick{Value: v}
			if m == 1 || decades < 2.6 && (m == 2 || m == 5) {
				tick.Label = number(v)
			}
			t = append(t, tick)
		}
	}
	return t
}

// linearTicks puts about five round numbers on the axis.
func linearTicks(s span) plot.ConstantTicks {
	rough := (s.max - s.min) / 5
	p := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * p
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*p >= rough {
			step = m * p
			break
		}
	}
	var t plot.ConstantTicks
	for i := math.Ceil(s.min / step); i*step <= s.max*(1+1e-12); i++ {
		t = append(t, plot.Tick{Value: i * step, Label: number(i * step)})
	}
	return t
}

// number writes a tick's value without the noise of binary fractions.
func number(v float64) string {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if r != 0 && (math.Abs(r) >= 1e7 || math.Abs(r) < 1e-4) {
		return strconv.FormatFloat(r, 'g', -1, 64)
	}
	return strconv.FormatFloat(r, 'f', -1, 64)
}
