package stat

import (
	"math"

	gstat "gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Spread is the standard deviation of the logarithms of the pairs' ratios: what
// [Power] calls noise. 0 for fewer than two pairs or figures that are not above 0.
func Spread(pairs []Pair) float64 {
	var logs []float64
	for _, p := range pairs {
		l := math.Log(p.A / p.B)
		if !(p.A > 0) || !(p.B > 0) || math.IsInf(l, 0) {
			return 0
		}
		logs = append(logs, l)
	}
	if len(logs) < 2 {
		return 0
	}
	return gstat.StdDev(logs, nil)
}

// Power is the chance that the 95 % interval of n pairs excludes 1 on the right
// side when the systems truly differ by ratio and the pairs' logarithms spread by
// noise. It is that of the noncentral t: with S² the sample's variance by the true
// one, the mean of Φ(δ − t·S) over S.
func Power(n int, ratio, noise float64) float64 {
	if n < 2 || ratio <= 0 || ratio == 1 {
		return 0
	}
	if noise == 0 {
		return 1
	}
	return newPower(n).of(ratio, noise)
}

// power holds what of [Power] depends on the number of pairs alone.
type power struct {
	n, limit float64
	s        []float64 // quantiles of S, each as likely as the other
}

func newPower(n int) power {
	nu := float64(n - 1)
	p := power{n: float64(n), limit: distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nu}.Quantile(1 - (1-Confidence)/2), s: make([]float64, 1000)}
	chi := distuv.ChiSquared{K: nu}
	for i := range p.s {
		p.s[i] = math.Sqrt(chi.Quantile((float64(i)+0.5)/float64(len(p.s))) / nu)
	}
	return p
}

func (p power) of(ratio, noise float64) float64 {
	delta := math.Abs(math.Log(ratio)) * math.Sqrt(p.n) / noise
	sum := 0.0
	for _, s := range p.s {
		sum += distuv.UnitNormal.CDF(delta - p.limit*s)
	}
	return sum / float64(len(p.s))
}

// Detectable is the least ratio above 1 that n pairs with that noise would tell
// from 1 with a chance of 80 %; 0 where nothing below a hundredfold would do, or
// where there is no noise to go by.
func Detectable(n int, noise float64) float64 {
	const chance, most = 0.8, 100
	if n < 2 || !(noise > 0) {
		return 0
	}
	p := newPower(n)
	if p.of(most, noise) < chance {
		return 0
	}
	low, high := 0.0, math.Log(most)
	for range 30 {
		mid := (low + high) / 2
		if p.of(math.Exp(mid), noise) < chance {
			low = mid
		} else {
			high = mid
		}
	}
	return math.Exp(high)
}
