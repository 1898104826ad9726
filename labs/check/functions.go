package check

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/expr-lang/expr"
)

// functions are what the package's documentation lists.
func functions() []expr.Option {
	return []expr.Option{
		expr.Function("percentile", func(args ...any) (any, error) {
			return percentile(args[0].([]float64), number(args[1]))
		}, new(func([]float64, float64) float64), new(func([]float64, int) float64)),
		expr.Function("byrequests", func(args ...any) (any, error) {
			return byrequests(args[0].(map[string]int), args[1].(int)), nil
		}, new(func(map[string]int, int) []string)),
		expr.Function("follows", func(args ...any) (any, error) {
			return follows(args[0].(Trial), args[1].(map[string]int)), nil
		}, new(func(Trial, map[string]int) string)),
	}
}

// finder is system(name) of an expression.
func finder(systems []System) func(string) (System, error) {
	return func(name string) (System, error) {
		for _, s := range systems {
			if s.Name == name {
				return s, nil
			}
		}
		return System{}, fmt.Errorf("%s was not played", name)
	}
}

func number(v any) float64 {
	if n, ok := v.(int); ok {
		return float64(n)
	}
	return v.(float64)
}

// percentile is the nearest rank: the least value that p % of the list do not exceed.
func percentile(sorted []float64, p float64) (float64, error) {
	if len(sorted) == 0 || !(p > 0 && p <= 100) {
		return 0, fmt.Errorf("no percentile %g of %d answers", p, len(sorted))
	}
	return sorted[int(math.Ceil(p/100*float64(len(sorted))))-1], nil
}

// byrequests elects n origins in a row by weighted turns, stated here by itself so
// that it can judge the systems: before each election every member gains its weight;
// the one with most is elected, the first of equals; it pays what all gained together.
// (mod_lbmethod_byrequests describes the same.)
func byrequests(weights map[string]int, n int) []string {
	names := slices.Sorted(maps.Keys(weights))
	gained := make([]int, len(names))
	var elected []string
	for range n {
		best, all := 0, 0
		for i, name := range names {
			gained[i] += weights[name]
			all += weights[name]
			if gained[i] > gained[best] {
				best = i
			}
		}
		gained[best] -= all
		elected = append(elected, names[best])
	}
	return elected
}

// follows looks for a place in the turns from which they are the trial's sequence. What
// went before the trial has moved the turns on, and they come again after as many
// elections as the weights add up to. It returns "" or where the best place departs.
func follows(t Trial, weights map[string]int) string {
	cycle := 0
	for _, w := range weights {
		cycle += w
	}
	if cycle == 0 || len(t.Sequence) < 2*cycle {
		return fmt.Sprintf("%d answers are fewer than two rounds of %d", len(t.Sequence), cycle)
	}
	groups := together(t.Answers)
	turns := byrequests(weights, cycle+len(t.Sequence))
	furthest, from := -1, 0
	for k := range cycle {
		at := departs(t.Sequence, turns[k:], groups)
		if at == len(t.Sequence) {
			return ""
		}
		if at > furthest {
			furthest, from = at, k
		}
	}
	end := min(furthest+cycle, len(t.Sequence))
	return fmt.Sprintf("from request %d on it was %q, not %q", furthest, t.Sequence[furthest:end], turns[from+furthest:from+end])
}

// together cuts the answers into rows that were on their way at the same time; a value
// is the index behind one.
func together(answers []Answer) []int {
	var ends []int
	last := math.Inf(-1)
	for i, a := range answers {
		if i > 0 && a.Start >= last {
			ends = append(ends, i)
		}
		last = max(last, a.End)
	}
	return append(ends, len(answers))
}

// departs is the index of the first row that is not the turns', in any order; the
// length of the sequence where there is none.
func departs(sequence, turns []string, ends []int) int {
	begin := 0
	for _, end := range ends {
		got, want := slices.Sorted(slices.Values(sequence[begin:end])), slices.Sorted(slices.Values(turns[begin:end]))
		if !slices.Equal(got, want) {
			return begin
		}
		begin = end
	}
	return len(sequence)
}
