package reports

import (
	"cmp"
	"fmt"
	"slices"

	"proxylab/reports/record"
	"proxylab/reports/stat"
)

// rivals returns the pairs of proxies to compare: proxyd and apache first,
// the others in the order of the lab.
func (r *run) rivals() [][2]string {
	var names []string
	for _, s := range r.Systems {
		if s.Name != Direct {
			names = append(names, s.Name)
		}
	}
	first := []string{"proxyd", "apache"}
	rank := func(name string) int {
		if i := slices.Index(first, name); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	var out [][2]string
	for i, a := range names {
		for _, b := range names[i+1:] {
			out = append(out, [2]string{a, b})
		}
	}
	return out
}

// verdicts compares two systems in every measure, block by block, and settles
// what may be claimed of all of them at once.
func (r *run) verdicts(a, b string) []record.Verdict {
	out := make([]record.Verdict, len(measures))
	cs := make([]stat.Comparison, len(measures))
	whys := make([]string, len(measures))
	for i, m := range measures {
		pairs, why := r.pairs(m, a, b)
		if len(pairs) >= stat.MinPairs {
			why = ""
		}
		cs[i], whys[i] = stat.Compare(pairs), why
		var as, bs []float64
		for _, p := range pairs {
			as, bs = append(as, p.A), append(bs, p.B)
		}
		out[i] = record.Verdict{
			Measure: m.key, Unit: m.unit, A: a, B: b, Pairs: cs[i].Pairs,
			MedianA: stat.MedianOf(as).Median, MedianB: stat.MedianOf(bs).Median,
			RankP: stat.MannWhitney(pairs), Detectable: stat.Detectable(len(pairs), stat.Spread(pairs)),
		}
	}
	stat.Settle(cs)
	for i, c := range cs {
		v := &out[i]
		v.Ratio, v.Low, v.High, v.Word, v.P, v.MarginP = c.Ratio, c.Low, c.High, record.Word(c.Word), c.P, c.PMargin
		v.Sentence = measures[i].sentence(*v, cmp.Or(whys[i], c.Reason))
	}
	return out
}

// pairs returns the figures of the blocks where both trials were VALID and
// sent the same schedule, and why a block is missing.
func (r *run) pairs(m measure, a, b string) (pairs []stat.Pair, reason string) {
	byBlock := map[int]*trial{}
	for _, t := range r.valid(b) {
		byBlock[t.Block] = t
	}
	for _, ta := range r.valid(a) {
		tb := byBlock[ta.Block]
		if tb == nil {
			continue
		}
		if ta.ScheduleSHA256 != tb.ScheduleSHA256 {
			reason = fmt.Sprintf("%s and %s were sent different schedules", ta.ID, tb.ID)
			continue
		}
		va, errA := m.of(ta)
		vb, errB := m.of(tb)
		if errA != nil || errB != nil {
			reason = firstError(errA, errB).Error()
			continue
		}
		pairs = append(pairs, stat.Pair{A: va, B: vb})
	}
	return pairs, reason
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// sentence says the verdict to a reader.
func (m measure) sentence(v record.Verdict, reason string) string {
	if v.Pairs == 0 {
		return fmt.Sprintf("%s of %s and %s: not decided, %s.", m.name, v.A, v.B, reason)
	}
	facts := fmt.Sprintf(m.says, v.A, quantity(v.MedianA, m.unit), v.B, quantity(v.MedianB, m.unit))
	if v.High == 0 {
		return fmt.Sprintf("%s: not decided, %s.", facts, reason)
	}
	interval := fmt.Sprintf("%s, %d pairs", ratioInterval(v.Low, v.High), v.Pairs)
	switch v.Word {
	case record.Equivalent:
		return fmt.Sprintf("%s: no difference beyond %g %% (%s times, %s).", facts, 100*stat.Margin, ratio(v.Ratio), interval)
	case record.Inconclusive:
		return fmt.Sprintf("%s: not decided (%s times, %s: %s).", facts, ratio(v.Ratio), interval, reason)
	}
	return fmt.Sprintf("%s: %s times %s (%s).", facts, ratio(v.Ratio), m.amount(), interval)
}

// amount is what a ratio of two figures is a ratio of.
func (m measure) amount() string {
	if m.unit == "ms" {
		return "as long"
	}
	return "as much"
}
