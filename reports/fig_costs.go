package reports

import (
	"fmt"

	"proxylab/reports/figure"
	"proxylab/reports/record"
	"proxylab/reports/stat"
)

// costs shows one measure of each system's container, each trial a point.
func (r *run) costs(res record.Results, m measure, id, title, label string) illustration {
	f := figure.Figure{
		ID: id, Title: title,
		Legend: []figure.Entry{
			{Label: "valid trial", Style: figure.Neutral, Marker: true, Hollow: true},
			{Label: "suspect or invalid, not ranked", Style: figure.Reference, Marker: true},
		},
	}
	p := figure.Panel{X: figure.Axis{Kind: figure.Names}, Y: figure.Axis{Label: label, Zero: true}}
	t := table{Caption: title + " by trial", Head: []string{"trial", "system", m.name + " (" + m.unit + ")", "validity"}}
	interval, valid, trials := "95 % interval", 0, 0
	for _, s := range r.measured() {
		var values []float64
		var good, bad []figure.XY
		x := float64(len(p.X.Names))
		for _, tr := range r.trials {
			v, err := m.of(tr)
			if tr.System != s || err != nil {
				continue
			}
			t.Rows = append(t.Rows, []string{tr.ID, s, figures(v), string(tr.Validity)})
			at := figure.XY{X: x - 0.22 + jitter(len(good)+len(bad)), Y: v}
			if tr.Validity == record.Valid {
				good, values = append(good, at), append(values, v)
			} else {
				bad = append(bad, at)
			}
		}
		if len(good)+len(bad) == 0 {
			continue
		}
		valid, trials = valid+len(good), trials+len(good)+len(bad)
		p.X.Names = append(p.X.Names, s)
		style := r.style(s)
		p.Marks = append(p.Marks, figure.Dots{Style: style, Points: good, Hollow: true}, figure.Dots{Style: figure.Reference, Points: bad})
		v := valueOf(summaryOf(res, s), m.key)
		if v.Trials > 0 && v.Confidence < stat.Confidence {
			interval = "range"
		}
		if v.Trials > 0 {
			p.Marks = append(p.Marks, figure.Whisker{Style: style, X: x + 0.1, Low: v.Low, Mid: v.Median, High: v.High},
				figure.Text{X: x + 0.1, Y: v.Median, Text: quantity(v.Median, m.unit)})
		}
		f.Desc += fmt.Sprintf("%s: median %s over %s. ", s, quantity(v.Median, m.unit), plural(v.Trials, "valid trial"))
	}
	f.Note = fmt.Sprintf("each hollow point one trial; the filled one is their median with its %s; %s", interval, validOf(valid, trials))
	f.Panels = []figure.Panel{p}
	return illustration{f, "Lower is cheaper. The whisker holds the true median in at least 95 % of such experiments; with fewer than six trials it " +
		"is only the range from the smallest to the largest. Points far from their median are trials that something disturbed. Whether a difference " +
		"holds, the paired ratios of the first figure say.", t}
}

// jitter spreads the points of one system sideways, the same in every report.
func jitter(i int) float64 { return 0.035 * float64(i*5%7-3) }

func summaryOf(res record.Results, system string) record.Summary {
	for _, s := range res.Summaries {
		if s.System == system {
			return s
		}
	}
	return record.Summary{}
}

func valueOf(s record.Summary, key string) record.Value {
	for _, v := range s.Values {
		if v.Measure == key {
			return v
		}
	}
	return record.Value{}
}
