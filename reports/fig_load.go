package reports

import (
	"fmt"

	"proxylab/reports/figure"
	"proxylab/reports/stat"
)

// achieved shows what came back against what was asked, level by level.
func (r *run) achieved() illustration {
	f := figure.Figure{
		ID:      "achieved-rate",
		Title:   "Achieved against offered rate",
		Note:    "each point one level of the schedule; " + r.n(),
		Columns: 3, ShareY: true, Height: 195,
		Legend: []figure.Entry{
			{Label: "achieved = offered", Style: figure.Reference, Line: true},
			{Label: "median of the trials", Style: figure.Neutral, Marker: true},
			{Label: "one trial", Style: figure.Neutral, Marker: true, Hollow: true, Faint: true},
		},
	}
	t := table{
		Caption: "Achieved against offered rate (requests per second)",
		Head:    []string{"level (s)", "system", "offered", "achieved", "achieved, lowest to highest", "trials"},
	}
	for i, s := range r.measured() {
		p := figure.Panel{Title: s, X: figure.Axis{Label: "offered (requests/s)", Zero: true}, Y: figure.Axis{Zero: true}}
		if i%f.Columns == 0 {
			p.Y.Label = "right answers/s"
		}
		style := r.style(s)
		var points, medians []figure.XY
		for k, l := range r.levels {
			var offered, achieved []float64
			for _, tr := range r.valid(s) {
				x, y := float64(tr.offered[k])/l.seconds(), float64(tr.achieved[k])/l.seconds()
				offered, achieved = append(offered, x), append(achieved, y)
				points = append(points, figure.XY{X: x, Y: y})
			}
			o, a := stat.MedianOf(offered), stat.MedianOf(achieved)
			if o.N == 0 {
				continue
			}
			medians = append(medians, figure.XY{X: o.Median, Y: a.Median})
			t.Rows = append(t.Rows, []string{
				fmt.Sprintf("%s–%s", given(l.start.Seconds()), given(l.end.Seconds())), s, figures(o.Median), figures(a.Median),
				least(achieved) + "–" + most(achieved), fmt.Sprint(o.N),
			})
			f.Desc += fmt.Sprintf("%s at %s offered: %s achieved. ", s, figures(o.Median), figures(a.Median))
		}
		if end := farthest(medians); end > 0 {
			p.Marks = append(p.Marks, figure.Line{Style: figure.Reference, Points: []figure.XY{{}, {X: end, Y: end}}})
		}
		p.Marks = append(p.Marks, figure.Dots{Style: style, Points: points, Hollow: true, Faint: true},
			figure.Dots{Style: style, Points: medians})
		f.Panels = append(f.Panels, p)
	}
	return illustration{f, "On the dashed line a system keeps up with what is asked of it. Where it bends below, it is saturated, and " +
		"its latencies there measure the queue rather than the system.", t}
}

func farthest(points []figure.XY) float64 {
	end := 0.0
	for _, p := range points {
		end = max(end, p.X)
	}
	return end
}
