package reports

import (
	"fmt"

	"proxylab/reports/figure"
	"proxylab/reports/record"
	"proxylab/reports/stat"
)

// faulty returns the faults of a system's valid trials, those of the same place in
// the lab together.
func (r *run) faulty(system string) (out [][]record.Fault) {
	for _, t := range r.valid(system) {
		for i, f := range t.Faults {
			for len(out) <= i {
				out = append(out, nil)
			}
			out[i] = append(out[i], f)
		}
	}
	return out
}

// faultTable shows what clients noticed of each fault, the median over the trials.
func (r *run) faultTable() table {
	t := table{Caption: "What clients noticed of each fault, median of the valid trials", Head: []string{
		"fault", "system", "trials", "lasted (s)", "detected after (s)", "outage (s)", "requests lost", "back after (s)", "even shares after (s)",
	}}
	for _, s := range r.measured() {
		for _, fs := range r.faulty(s) {
			row := []string{fmt.Sprintf("%s of %s at %s s", fs[0].Kind, fs[0].Origin, figures(fs[0].Began)), s, fmt.Sprint(len(fs))}
			for _, of := range []func(record.Fault) *float64{
				func(f record.Fault) *float64 { return new(f.Mended - f.Began) },
				func(f record.Fault) *float64 { return f.Detected },
				func(f record.Fault) *float64 { return &f.Outage },
				func(f record.Fault) *float64 { return new(float64(f.Lost)) },
				func(f record.Fault) *float64 { return f.Back },
				func(f record.Fault) *float64 { return f.Even },
			} {
				row = append(row, medianUnlessNever(fs, of))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// medianUnlessNever is the median of what came about; where it did not in some
// trials, they are counted, for a median of the others alone would flatter.
func medianUnlessNever(fs []record.Fault, of func(record.Fault) *float64) string {
	var values []float64
	for _, f := range fs {
		if v := of(f); v != nil {
			values = append(values, *v)
		}
	}
	switch n := len(fs) - len(values); {
	case len(values) == 0:
		return "never"
	case n > 0:
		return fmt.Sprintf("%s, never in %d", figures(stat.MedianOf(values).Median), n)
	}
	return figures(stat.MedianOf(values).Median)
}

// faultBands are the stretches of a system's trials in which an origin failed.
func (r *run) faultBands(system string) (out []figure.Span) {
	for _, fs := range r.faulty(system) {
		var began, mended []float64
		for _, f := range fs {
			began, mended = append(began, f.Began), append(mended, f.Mended)
		}
		out = append(out, figure.Span{From: stat.MedianOf(began).Median, To: stat.MedianOf(mended).Median})
	}
	return out
}

// faultNote explains the bands where there are some.
func (r *run) faultNote() string {
	for _, s := range r.measured() {
		if len(r.faulty(s)) > 0 {
			return "Grey stripes are the time in which an origin failed, from the fault’s begin until it was ready again. "
		}
	}
	return ""
}
