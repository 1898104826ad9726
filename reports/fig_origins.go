package reports

import (
	"fmt"
	"maps"
	"slices"

	"proxylab/reports/figure"
)

// shares shows how the origins shared the requests, by their own counters.
func (r *run) shares() illustration {
	f := figure.Figure{
		ID:      "share-per-origin",
		Title:   "Share of requests per origin server",
		Note:    "as the origins themselves counted, valid trials together; " + r.n(),
		Columns: 3, ShareY: true, Height: 195,
		Legend: []figure.Entry{{Label: "even share", Style: figure.Reference, Line: true}},
	}
	t := table{
		Caption: "Requests per origin server",
		Head:    []string{"system", "origin", "requests", "share", "largest difference between origins in one trial"},
	}
	for i, s := range r.measured() {
		total, sum, apart := map[string]int64{}, int64(0), int64(0)
		for _, tr := range r.valid(s) {
			for o, n := range tr.Origins {
				total[o] += n
				sum += n
			}
			apart = max(apart, difference(tr.Origins))
		}
		p := figure.Panel{Title: s, X: figure.Axis{Kind: figure.Names}, Y: figure.Axis{Zero: true}}
		if i%f.Columns == 0 {
			p.Y.Label = "share of requests (%)"
		}
		for x, o := range slices.Sorted(maps.Keys(total)) {
			p.X.Names = append(p.X.Names, o)
			part := 0.0
			if sum > 0 {
				part = 100 * float64(total[o]) / float64(sum)
			}
			p.Marks = append(p.Marks, figure.Bar{Style: r.style(s), X: float64(x), Width: 0.62, Height: part},
				figure.Text{X: float64(x), Y: part, Text: fmt.Sprintf("%.1f %%", part), Above: true})
			t.Rows = append(t.Rows, []string{s, o, whole(total[o]), fmt.Sprintf("%.2f %%", part), whole(apart)})
			f.Desc += fmt.Sprintf("%s, %s: %.1f %%. ", s, o, part)
		}
		if n := float64(len(total)); n > 0 {
			p.Marks = append(p.Marks, figure.Line{Style: figure.Reference, Points: []figure.XY{{X: -0.5, Y: 100 / n}, {X: n - 0.5, Y: 100 / n}}})
			p.Y.Max = 100 / n * 1.25
		}
		f.Panels = append(f.Panels, p)
	}
	return illustration{f, "byrequests with equal load factors gives each origin server the same share. Bars of unequal height point to a " +
		"member that was in error for a while, or to a balancer that counts otherwise.", t}
}

func difference(counts map[string]int64) int64 {
	if len(counts) == 0 {
		return 0
	}
	all := slices.Collect(maps.Values(counts))
	return slices.Max(all) - slices.Min(all)
}
