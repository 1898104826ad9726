package reports

import (
	"fmt"

	"proxylab/reports/figure"
	"proxylab/reports/record"
	"proxylab/reports/stat"
)

// ratios shows every verdict's interval against 1.
func (r *run) ratios(res record.Results) illustration {
	f := figure.Figure{
		ID:     "ratios",
		Title:  "How the systems compare, measure by measure",
		Note:   "ratio of paired trials, geometric mean with 95 % interval; below 1 the first system has less",
		Desc:   "For each measure the ratio of the first system to the second with its interval. The table holds the same figures.",
		Height: 225,
		Legend: []figure.Entry{
			{Label: "1: no difference", Style: figure.Reference, Line: true},
			{Label: "within 5 %: equivalent", Style: figure.Reference, Block: true},
		},
	}
	t := table{
		Caption: "Ratios of paired trials",
		Head:    []string{"measure", "systems", "ratio", "95 % interval", "pairs", "verdict"},
	}
	for _, pair := range r.rivals() {
		f.Panels = append(f.Panels, ratioPanel(res.Verdicts, pair[0], pair[1], r.style(pair[0])))
	}
	for _, v := range res.Verdicts {
		row := []string{measureOf(v.Measure).name, v.A + " to " + v.B, "–", "–", fmt.Sprint(v.Pairs), plain(v)}
		if v.Ratio > 0 {
			row[2] = ratio(v.Ratio)
		}
		if v.High > 0 {
			row[3] = ratioInterval(v.Low, v.High)
		}
		t.Rows = append(t.Rows, row)
	}
	return illustration{f, "A whisker that lies wholly below the line at 1 means that the first system has less of it in every " +
		"likely case; one that crosses the line and leaves the grey band decides nothing. Less is better, except for the last two. The scale is " +
		"logarithmic: half and double stand equally far from 1.", t}
}

func ratioPanel(verdicts []record.Verdict, a, b string, style figure.Style) figure.Panel {
	p := figure.Panel{
		Title: fmt.Sprintf("%s to %s", a, b),
		X:     figure.Axis{Kind: figure.Names},
		Y:     figure.Axis{Kind: figure.Log, Label: fmt.Sprintf("%s ÷ %s", a, b)},
	}
	for _, m := range measures {
		p.X.Names = append(p.X.Names, m.short)
	}
	end := float64(len(measures)) - 0.5
	p.Marks = append(p.Marks,
		figure.Band{Low: 1 / (1 + stat.Margin), High: 1 + stat.Margin},
		figure.Line{Style: figure.Reference, Points: []figure.XY{{X: -0.5, Y: 1}, {X: end, Y: 1}}})
	i := 0
	for _, v := range verdicts {
		if v.A != a || v.B != b {
			continue
		}
		x := float64(i)
		i++
		if v.High > 0 {
			p.Marks = append(p.Marks, figure.Whisker{Style: style, X: x, Low: v.Low, Mid: v.Ratio, High: v.High},
				figure.Text{X: x, Y: v.Ratio, Text: ratio(v.Ratio), Down: v.Ratio < 1})
		}
	}
	return p
}

func measureOf(key string) measure {
	for _, m := range measures {
		if m.key == key {
			return m
		}
	}
	return measure{name: key}
}
