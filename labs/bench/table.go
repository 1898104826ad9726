package bench

import (
	"fmt"
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
)

// of is the median of a figure over the runs, N being 0 where there is none.
func (r *Result) of(m measure, where, system string) stat.Estimate {
	var values []float64
	for _, t := range r.Trials {
		if v := m(t); t.Case == where && t.System == system && v > 0 {
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

// Markdown is the whole output: what was measured, the table, the claims.
func (r *Result) Markdown() string {
	var b strings.Builder
	b.WriteString(r.Machine.Markdown())
	fmt.Fprintf(&b, "\nMedians of %d interleaved runs of %g s; in parentheses %s. Ratios are proxyd to the system, within a run.\n\n",
		r.Runs, r.Seconds, interval(r.Runs))
	if len(r.Missing) > 0 {
		fmt.Fprintf(&b, "Not found, and so not here or replaced by Go: %s (%s).\n\n",
			strings.Join(r.Missing, ", "), installHint(r.Missing))
	}
	b.WriteString("| case | system | CPU µs/request | proxyd ÷ it | requests/s | p50 µs | cores busy | resident MB |\n")
	b.WriteString("|---|---|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range r.Cases {
		for _, s := range r.Systems {
			if c.plays(s) {
				r.row(&b, c, s)
			}
		}
	}
	b.WriteString("\n")
	r.claims(&b)
	return b.String()
}

// row writes a line of the table.
func (r *Result) row(b *strings.Builder, c Case, system string) {
	m := cpu
	if c.Idle {
		m = resident
	}
	ratio := r.ratio(m, side{c.Name, "proxyd"}, side{c.Name, system})
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", c.Name, system,
		spread("%.1f", r.of(cpu, c.Name, system)), spread("%.2f", ratio),
		cell("%.0f", r.of(rate, c.Name, system)), spread("%.0f", r.of(p50, c.Name, system)),
		cell("%.2f", r.of(busy, c.Name, system)), cell("%.1f", r.of(resident, c.Name, system)))
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
