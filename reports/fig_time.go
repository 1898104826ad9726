package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"proxylab/reports/figure"
	"proxylab/reports/stat"
)

// overTime shows response times along the schedule, a panel each system.
func (r *run) overTime() illustration {
	systems := r.measured()
	width, tail := r.binning(systems)
	dashed := figure.Reference
	dashed.Color = figure.Neutral.Color
	f := figure.Figure{
		ID:      "latency-over-time",
		Title:   "Response time over time",
		Note:    fmt.Sprintf("by planned start, in steps of %g s; all valid trials of a system together; %s", width.Seconds(), r.n()),
		Columns: 3, ShareY: true, Height: 210,
		Legend: []figure.Entry{
			{Label: "median", Style: figure.Neutral, Line: true},
			{Label: fmt.Sprintf("p%g", tail), Style: dashed, Line: true},
			{Label: "median of one trial", Style: figure.Neutral, Line: true, Faint: true},
		},
	}
	t := table{
		Caption: "Response time over time (ms)",
		Head:    []string{"from (s)", "system", "answers", "median", fmt.Sprintf("p%g", tail)},
	}
	for i, s := range systems {
		p := figure.Panel{Title: s, X: figure.Axis{Label: "time (s)", Zero: true}, Y: figure.Axis{Kind: figure.Log}}
		if i%f.Columns == 0 {
			p.Y.Label = "response time (ms)"
		}
		style := r.style(s)
		for _, b := range r.faultBands(s) {
			p.Marks = append(p.Marks, b) // under the lines
		}
		for _, tr := range r.valid(s) {
			line, _ := lines(bin([]*trial{tr}, width), width, tail)
			p.Marks = append(p.Marks, figure.Line{Style: style, Points: line, Faint: true})
		}
		bins := bin(r.valid(s), width)
		median, high := lines(bins, width, tail)
		style.Dashes = nil
		dashed.Color = style.Color
		p.Marks = append(p.Marks, figure.Line{Style: dashed, Points: high}, figure.Line{Style: style, Points: median})
		f.Panels = append(f.Panels, p)
		t.Rows = append(t.Rows, binRows(s, bins, width, tail)...)
		f.Desc += fmt.Sprintf("%s: %d steps. ", s, len(bins))
	}
	return illustration{f, "A flat line is a system at ease with the rate; steps upward follow the rate; a spike in one faint line " +
		"alone was an accident of one trial. Times may also fall as the rate rises: a machine that idles between requests sleeps deeper and " +
		"wakes later. The scale is logarithmic. " + r.faultNote() + "The load: " + strings.Join(phaseLines(r.Load), "; ") + ".", t}
}

// binning chooses the shortest step that gives the p99 answers enough, so long
// as there are at least eight steps; else the p90 stands in.
func (r *run) binning(systems []string) (width time.Duration, tail float64) {
	var length time.Duration
	rate := 0.0
	for _, s := range systems {
		answers := 0
		for _, t := range r.valid(s) {
			answers += len(t.answers)
			length = max(length, t.length)
		}
		if length > 0 && answers > 0 {
			if perSecond := float64(answers) / length.Seconds(); rate == 0 || perSecond < rate {
				rate = perSecond
			}
		}
	}
	width = 100 * time.Millisecond
	for _, tail = range []float64{99, 90} {
		for _, ms := range []time.Duration{100, 200, 250, 500, 1000, 2000, 5000, 10000, 20000, 60000} {
			if w := ms * time.Millisecond; 8*w <= length {
				width = w
				// Half of the mean rate: the first levels of stairs are slower.
				if stat.Enough(int64(rate/2*w.Seconds()), tail) {
					return width, tail
				}
			}
		}
	}
	return width, tail
}

// bin sorts the trials' response times into steps by planned start.
func bin(trials []*trial, width time.Duration) [][]time.Duration {
	var bins [][]time.Duration
	for _, t := range trials {
		for _, a := range t.answers {
			i := int(a.planned / width)
			for len(bins) <= i {
				bins = append(bins, nil)
			}
			bins[i] = append(bins[i], a.response)
		}
	}
	for _, b := range bins {
		slices.Sort(b)
	}
	return bins
}

// at returns the percentile of sorted values in ms, where they are enough.
func at(sorted []time.Duration, p float64) (float64, bool) {
	if !stat.Enough(int64(len(sorted)), p) {
		return 0, false
	}
	return milliseconds(sorted[int(float64(len(sorted)-1)*p/100)]), true
}

func lines(bins [][]time.Duration, width time.Duration, tail float64) (median, high []figure.XY) {
	for i, b := range bins {
		x := (time.Duration(i)*width + width/2).Seconds()
		if v, ok := at(b, 50); ok {
			median = append(median, figure.XY{X: x, Y: v})
		}
		if v, ok := at(b, tail); ok {
			high = append(high, figure.XY{X: x, Y: v})
		}
	}
	return median, high
}

func binRows(system string, bins [][]time.Duration, width time.Duration, tail float64) [][]string {
	var rows [][]string
	for i, b := range bins {
		row := []string{given((time.Duration(i) * width).Seconds()), system, whole(int64(len(b))), "–", "–"}
		for j, p := range []float64{50, tail} {
			if v, ok := at(b, p); ok {
				row[3+j] = figures(v)
			}
		}
		rows = append(rows, row)
	}
	return rows
}
