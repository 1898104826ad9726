package bench

import (
	"fmt"
	"slices"
	"strings"

	"proxylab/reports/stat"
)

// measure reads one figure of a trial; 0 where the trial has none.
type measure func(Trial) float64

var (
	cpu      measure = func(t Trial) float64 { return t.CPU }
	p50      measure = func(t Trial) float64 { return t.P50 }
	rate     measure = func(t Trial) float64 { return t.PerSecond }
	busy     measure = func(t Trial) float64 { return t.Busy }
	resident measure = func(t Trial) float64 { return float64(t.Resident) / 1e6 }
	overhead measure = func(t Trial) float64 { return t.Overhead }
	firstHit measure = func(t Trial) float64 { return t.FirstHit }
	hits     measure = func(t Trial) float64 { return float64(t.Requests) }
)

// of is the median of a figure over the runs, N being 0 where there is none.
func (r *Result) of(m measure, where, system string) stat.Estimate {
	var values []float64
	for _, t := range r.Trials {
		if v := m(t); t.Case == where && t.System == system && v != 0 {
			values = append(values, v)
		}
	}
	return stat.MedianOf(values)
}

// side is a system in a case.
type side struct{ where, system string }

// ratio is the median of a figure of a to that of b, each pair from one run.
func (r *Result) ratio(m measure, a, b side) stat.Estimate {
	var ratios []float64
	for _, t := range r.Trials {
		if t.Case != a.where || t.System != a.system {
			continue
		}
		for _, u := range r.Trials {
			if u.Case == b.where && u.System == b.system && u.Run == t.Run && m(t) > 0 && m(u) > 0 {
				ratios = append(ratios, m(t)/m(u))
			}
		}
	}
	return stat.MedianOf(ratios)
}

// table is how some of the cases are written.
type table struct {
	has     func(Case) bool
	ratio   measure // whose ratio is shown
	columns []column
}

// column is a figure; one without a measure is the ratio.
type column struct {
	title, format string
	measure       measure
	spread        bool
}

var tables = []table{
	{func(c Case) bool { return c.Objects == 0 }, cpu, []column{
		{"CPU µs/request", "%.1f", cpu, true}, {"proxyd ÷ it", "%.2f", nil, true}, {"requests/s", "%.0f", rate, false},
		{"p50 µs", "%.0f", p50, true}, {"cores busy", "%.2f", busy, false}, {"resident MB", "%.1f", resident, false},
	}},
	{func(c Case) bool { return c.Objects > 0 && !c.Start }, overhead, []column{
		{"bytes beside each body of 1 KB", "%.0f", overhead, true}, {"proxyd ÷ it", "%.2f", nil, true}, {"resident MB", "%.1f", resident, false},
	}},
	{func(c Case) bool { return c.Start }, firstHit, []column{
		{"first hit after ms", "%.0f", firstHit, true}, {"hits within 2 s, no miss", "%.0f", hits, false}, {"resident MB", "%.1f", resident, false},
	}},
}

// Markdown is the whole output: what was measured, the tables, the claims.
func (r *Result) Markdown() string {
	var b strings.Builder
	b.WriteString(r.Machine.Markdown())
	fmt.Fprintf(&b, "\nMedians of %d interleaved runs of %g s; in parentheses %s. Ratios are proxyd to the system, within a run.\n\n",
		r.Runs, r.Seconds, interval(r.Runs))
	if len(r.Missing) > 0 {
		fmt.Fprintf(&b, "Not found, and so not here or replaced by Go: %s (%s).\n\n",
			strings.Join(r.Missing, ", "), installHint(r.Missing))
	}
	for _, t := range tables {
		if slices.ContainsFunc(r.Cases, t.has) {
			r.write(&b, t)
			b.WriteString("\n")
		}
	}
	r.claims(&b)
	return b.String()
}

// write writes one of the tables: a row for each system that takes part in a case
// of it, or would, but for a reason.
func (r *Result) write(b *strings.Builder, t table) {
	b.WriteString("| case | system |")
	rule := "|---|---|"
	for _, c := range t.columns {
		b.WriteString(" " + c.title + " |")
		rule += "--:|"
	}
	b.WriteString("\n" + rule + "\n")
	for _, c := range r.Cases {
		for _, s := range systems {
			if !t.has(c) || !slices.Contains(r.Systems, s.name) {
				continue
			}
			ok, reason := s.plays(c)
			failed := r.failed(c.Name, s.name)
			switch {
			case failed != "":
				note(b, c, s, "failed: "+failed, len(t.columns))
			case ok:
				r.row(b, t, c, s.name)
			case reason != "":
				note(b, c, s, "left out: "+reason, len(t.columns))
			}
		}
	}
}

// row writes the figures of a system in a case.
func (r *Result) row(b *strings.Builder, t table, c Case, system string) {
	fmt.Fprintf(b, "| %s | %s |", c.Name, system)
	for _, col := range t.columns {
		var e stat.Estimate
		switch {
		case col.measure != nil:
			e = r.of(col.measure, c.Name, system)
		case c.Idle:
			e = r.ratio(resident, side{c.Name, "proxyd"}, side{c.Name, system})
		default:
			e = r.ratio(t.ratio, side{c.Name, "proxyd"}, side{c.Name, system})
		}
		text := cell(col.format, e)
		if col.spread {
			text = spread(col.format, e)
		}
		fmt.Fprintf(b, " %s |", text)
	}
	b.WriteString("\n")
}

// note writes a row that has a reason in place of figures.
func note(b *strings.Builder, c Case, s system, reason string, columns int) {
	fmt.Fprintf(b, "| %s | %s | %s |%s\n", c.Name, s.name, strings.ReplaceAll(reason, "|", "/"), strings.Repeat(" |", columns-1))
}

// spread writes a median with its interval.
func spread(format string, e stat.Estimate) string {
	if e.N < 2 {
		return cell(format, e)
	}
	return fmt.Sprintf(format+" ("+format+"–"+format+")", e.Median, e.Low, e.High)
}

func cell(format string, e stat.Estimate) string {
	if e.N == 0 {
		return "–"
	}
	return fmt.Sprintf(format, e.Median)
}

// interval says what the parentheses of so many runs hold; see stat.MedianOf.
func interval(runs int) string {
	if runs < 6 {
		return "smallest and largest"
	}
	return "the 95 % interval of the median"
}
