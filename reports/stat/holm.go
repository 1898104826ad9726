package stat

import (
	"cmp"
	"fmt"
	"slices"
)

// Holm returns the p-values adjusted for being asked together, in their order
// (Holm 1979): the smallest times their number, the next times one less, and
// none below one before it. What stays at or below α may be claimed with a
// chance of at most α that any of the claims is false.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out := make([]float64, len(p))
	floor := 0.0
	for rank, i := range order {
		floor = max(floor, min(1, p[i]*float64(len(p)-rank)))
		out[i] = floor
	}
	return out
}

// Settle takes back what a comparison claims by itself but not among the others:
// eight measures of two equal systems have eight chances to look different. P and
// PMargin are replaced by what [Holm] makes of them, differences and equivalences
// each among their own kind: of one measure only one of the two claims can be
// false. The intervals stay those of the measure by itself.
func Settle(cs []Comparison) {
	differ, margin := make([]float64, len(cs)), make([]float64, len(cs))
	for i, c := range cs {
		differ[i], margin[i] = c.P, c.PMargin
	}
	differ, margin = Holm(differ), Holm(margin)
	for i := range cs {
		c := &cs[i]
		c.P, c.PMargin = differ[i], margin[i]
		p, claim := c.P, "different"
		if c.Word == Equivalent {
			p, claim = c.PMargin, "equivalent"
		}
		if c.Word != Inconclusive && p > 1-Confidence {
			c.Reason = fmt.Sprintf("by itself it would be %s; with %s asked at once p is %.2g, by Holm", claim, count(len(cs), "measure"), p)
			c.Word = Inconclusive
		}
	}
}
