package stat

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// Estimate is a median with its interval. N is 0 when there was no finite
// value, and then the rest is 0 too.
type Estimate struct {
	N          int
	Median     float64
	Low, High  float64
	Confidence float64 // what Low to High covers
}

// MedianOf returns the median of the finite values. With fewer than six
// values no interval reaches 95 %; then Low and High are the smallest and the
// largest value and Confidence says what that is worth, 1 − 2^(1−n).
func MedianOf(values []float64) Estimate {
	var xs []float64
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			xs = append(xs, v)
		}
	}
	n := len(xs)
	if n == 0 {
		return Estimate{}
	}
	slices.Sort(xs)
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(xs, &benchmath.DefaultThresholds), Confidence)
	e := Estimate{N: n, Median: s.Center, Low: s.Lo, High: s.Hi, Confidence: s.Confidence}
	if math.IsInf(e.Low, 0) || math.IsInf(e.High, 0) {
		e.Low, e.High, e.Confidence = xs[0], xs[n-1], 1-math.Pow(2, 1-float64(n))
	}
	return e
}
