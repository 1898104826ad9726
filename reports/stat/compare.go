package stat

import (
	"fmt"
	"math"

	"golang.org/x/perf/benchmath"
	gstat "gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Pair is one figure of two systems in the same block.
type Pair struct{ A, B float64 }

// Word is what a comparison concludes.
type Word string

// The closed set of words.
const (
	ALower       Word = "A lower"
	BLower       Word = "B lower"
	Equivalent   Word = "equivalent"
	Inconclusive Word = "inconclusive"
)

// Comparison is the ratio A to B with its interval, and what follows from it.
type Comparison struct {
	Pairs     int
	Ratio     float64 // geometric mean of the ratios; 0 when there is none
	Low, High float64 // 95 % interval of Ratio; both 0 when there is none
	Word      Word
	Reason    string // why Inconclusive, for a reader

	// P is of the two-sided t-test that the ratio is 1, PMargin of the two
	// one-sided ones that it lies outside the margin (the larger of the two).
	// Both are 1 where there is no interval. [Settle] adjusts them.
	P, PMargin float64
}

// Compare returns how A stands to B.
//
// The interval decides. Wholly within the margin it is Equivalent, whether or
// not it holds 1: a difference of 2 % that is certain is still no reason to
// choose. Wholly on one side of 1 it is ALower or BLower. Otherwise it is
// Inconclusive, which is not the same as equivalent:
//
//	     1/1.05  1  1.05
//	├──┤    ┊    │    ┊          A lower
//	        ┊  ├─│─┤  ┊          equivalent
//	        ┊ ├┤ │    ┊          equivalent
//	    ├───┊────│──┤ ┊          inconclusive
func Compare(pairs []Pair) Comparison {
	c := Comparison{Pairs: len(pairs), Word: Inconclusive, P: 1, PMargin: 1}
	logs := make([]float64, len(pairs))
	for i, p := range pairs {
		logs[i] = math.Log(p.A / p.B)
		if !(p.A > 0) || !(p.B > 0) || math.IsInf(logs[i], 0) || math.IsNaN(logs[i]) {
			c.Reason = fmt.Sprintf("a ratio of %g to %g says nothing", p.A, p.B)
			return c
		}
	}
	if len(logs) == 0 {
		c.Reason = fmt.Sprintf("no pair of valid trials, %d are needed", MinPairs)
		return c
	}
	mean, sd := gstat.MeanStdDev(logs, nil)
	c.Ratio = math.Exp(mean)
	if len(logs) < MinPairs {
		c.Reason = fmt.Sprintf("%s of valid trials, %d are needed", count(len(logs), "pair"), MinPairs)
		return c
	}
	c.infer(mean, sd/math.Sqrt(float64(len(logs))), float64(len(logs)-1))
	c.judge()
	return c
}

// CompareGroups is [Compare] for figures that are not paired, of two runs: the
// ratio of the geometric means, with Welch's t on the logarithms. Pairs is the
// number of the smaller group.
func CompareGroups(as, bs []float64) Comparison {
	c := Comparison{Pairs: min(len(as), len(bs)), Word: Inconclusive, P: 1, PMargin: 1}
	logs := func(values []float64) (mean, square float64, ok bool) {
		out := make([]float64, len(values))
		for i, v := range values {
			out[i] = math.Log(v)
			if !(v > 0) || math.IsInf(v, 0) {
				c.Reason = fmt.Sprintf("the ratio of a figure of %g says nothing", v)
				return 0, 0, false
			}
		}
		mean, sd := gstat.MeanStdDev(out, nil)
		return mean, sd * sd / float64(len(out)), true
	}
	if c.Pairs == 0 {
		c.Reason = fmt.Sprintf("no valid trials to compare, %d of each are needed", MinPairs)
		return c
	}
	meanA, a, ok := logs(as)
	meanB, b, okB := logs(bs)
	if !ok || !okB {
		return c
	}
	c.Ratio = math.Exp(meanA - meanB)
	if c.Pairs < MinPairs {
		c.Reason = fmt.Sprintf("%s of each at most, %d are needed", count(c.Pairs, "valid trial"), MinPairs)
		return c
	}
	na, nb := float64(len(as)), float64(len(bs))
	nu := na + nb - 2
	if a+b > 0 { // Welch–Satterthwaite
		nu = (a + b) * (a + b) / (a*a/(na-1) + b*b/(nb-1))
	}
	c.infer(meanA-meanB, math.Sqrt(a+b), nu)
	c.judge()
	return c
}

// infer takes interval and p-values from a mean of logarithms, its standard
// error and the degrees of freedom.
func (c *Comparison) infer(mean, se, nu float64) {
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nu}
	half := t.Quantile(1-(1-Confidence)/2) * se
	c.Low, c.High = math.Exp(mean-half), math.Exp(mean+half)
	beyond := func(distance float64) float64 { // one-sided
		if se == 0 { // no spread at all
			switch {
			case distance > 0:
				return 0
			case distance == 0:
				return 0.5
			}
			return 1
		}
		return 1 - t.CDF(distance/se)
	}
	margin := math.Log(1 + Margin)
	c.P = min(1, 2*beyond(math.Abs(mean)))
	c.PMargin = beyond(margin - math.Abs(mean))
}

func (c *Comparison) judge() {
	switch {
	case c.Low >= 1/(1+Margin) && c.High <= 1+Margin:
		c.Word = Equivalent
	case c.High < 1:
		c.Word = ALower
	case c.Low > 1:
		c.Word = BLower
	default:
		c.Reason = "the interval holds 1 and reaches further than 5 %"
	}
}

// MannWhitney is the two-sided p-value of the rank test on what A and B gave,
// exact for the numbers of trials that runs have; 1 without values. It sees neither
// pairs nor sizes and assumes next to nothing: a cross-check that decides nothing.
// Three trials each never give less than 0.1.
func MannWhitney(pairs []Pair) float64 {
	var a, b []float64
	for _, p := range pairs {
		a, b = append(a, p.A), append(b, p.B)
	}
	if len(pairs) == 0 {
		return 1
	}
	none := &benchmath.DefaultThresholds
	return benchmath.AssumeNothing.Compare(benchmath.NewSample(a, none), benchmath.NewSample(b, none)).P
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
