package reports

import (
	"fmt"
	"math"

	"proxylab/reports/figure"
	"proxylab/reports/record"
	"proxylab/reports/stat"
)

// byPercentile shows both clocks' distributions down to the tail.
func (r *run) byPercentile() illustration {
	f := figure.Figure{
		ID:      "latency-by-percentile",
		Title:   "Latency by percentile",
		Note:    "right answers of all valid trials merged; a curve ends where fewer than 10 answers lie beyond; " + r.n(),
		Columns: 2, ShareY: true,
		Panels: []figure.Panel{
			{Title: "response time, from the planned start"},
			{Title: "service time, from the actual send"},
		},
	}
	t := table{Caption: "Latency by percentile (ms)", Head: []string{"system", "clock", "answers"}}
	for _, p := range shown {
		t.Head = append(t.Head, fmt.Sprintf("p%g", p))
	}
	for i, clock := range []string{record.Response, record.Service} {
		f.Panels[i].X = figure.Axis{Kind: figure.Percentile, Label: "percentile of answers"}
		f.Panels[i].Y = figure.Axis{Kind: figure.Log}
		for _, s := range r.measured() {
			h := merged(r.valid(s), clock)
			f.Panels[i].Marks = append(f.Panels[i].Marks, figure.Line{Style: r.style(s), Points: curve(h)})
			t.Rows = append(t.Rows, percentileRow(s, clock, h))
			if i == 0 {
				f.Legend = append(f.Legend, figure.Entry{Label: s, Style: r.style(s), Line: true})
				f.Desc += describe(s, h)
			}
		}
	}
	f.Panels[0].Y.Label = "latency (ms)"
	return illustration{f, "Go up from a percentile: that share of the answers came at least this quickly. Each labelled step to the " +
		"right looks at a tail ten times rarer; the times are on a logarithmic scale. A response time far above the service time means that requests had to wait to be sent.", t}
}

// curve reads the histogram at points that stand evenly on the axis of
// percentiles.
func curve(h *stat.Latency) []figure.XY {
	var out []figure.XY
	const perDecade = 60
	for i := 0; i <= 6*perDecade; i++ {
		p := 100 * (1 - math.Pow(10, -float64(i)/perDecade))
		d, ok := h.Percentile(p)
		if !ok {
			break
		}
		out = append(out, figure.XY{X: p, Y: milliseconds(d)})
	}
	return out
}

func percentileRow(system, clock string, h *stat.Latency) []string {
	row := []string{system, clock, whole(h.Count())}
	for _, p := range shown {
		cell := "–"
		if d, ok := h.Percentile(p); ok {
			cell = figures(milliseconds(d))
		}
		row = append(row, cell)
	}
	return row
}

func describe(system string, h *stat.Latency) string {
	s := system + ":"
	for _, p := range shown {
		if d, ok := h.Percentile(p); ok {
			s += fmt.Sprintf(" p%g %s ms", p, figures(milliseconds(d)))
		}
	}
	return s + ". "
}
