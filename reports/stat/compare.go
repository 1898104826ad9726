package stat

import (
	"fmt"
	"math"

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
	c := Comparison{Pairs: len(pairs), Word: Inconclusive}
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
	n := float64(len(logs))
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(1 - (1-Confidence)/2)
	half := t * sd / math.Sqrt(n)
	c.Low, c.High = math.Exp(mean-half), math.Exp(mean+half)
	c.judge()
	return c
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

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
