// Package reports makes a report of a run: records in, statistics, figures,
// one HTML file, Markdown and JSON out.
//
//	res, err := reports.Write("reports/out/20261123-101500-01-side-by-side")
//	reports.Table(os.Stdout, res)
//	err = reports.Latest("reports/out", "reports/out/20261123-101500-01-side-by-side")
//
// Write reads run.json, samples/, config/ and, where the lab has checks,
// checks.json of the folder (see package record) and puts beside them:
//
//	results.json        the run, a summary of each system, a verdict of each measure
//	index.html          one file without outside requests: answer, trust, figures, trials, configurations
//	report.md           the same as Markdown, with links to the figures
//	figures/*.svg,*.png each figure by itself
//
// The same folder gives the same bytes again: nothing depends on the clock,
// the host or the order of a map.
//
// The way through the files: load.go reads, measure.go says what is measured,
// verdict.go and summary.go conclude, fig_*.go draw, page.go gathers it for
// page.html.tmpl and report.md.tmpl.
package reports

import (
	"bytes"
	"fmt"
	"path/filepath"

	"proxylab/reports/record"
)

// Direct is the system that is no proxy: the baseline, never ranked.
const Direct = "direct"

// Write makes the report of the run in the folder dir and returns what
// results.json says.
func Write(dir string) (record.Results, error) {
	r, err := load(dir)
	if err != nil {
		return record.Results{}, err
	}
	res := r.results()
	p, err := newPage(r, res)
	if err != nil {
		return record.Results{}, err
	}
	if err := p.writeFigures(filepath.Join(dir, "figures")); err != nil {
		return record.Results{}, err
	}
	for name, render := range map[string]func(*bytes.Buffer) error{
		"index.html": p.html,
		"report.md":  p.markdown,
	} {
		var buf bytes.Buffer
		if err := render(&buf); err != nil {
			return record.Results{}, fmt.Errorf("%s: %w", name, err)
		}
		if err := record.WriteFile(filepath.Join(dir, name), buf.Bytes()); err != nil {
			return record.Results{}, err
		}
	}
	return res, record.WriteResults(dir, res)
}

// results concludes from the run.
func (r *run) results() record.Results {
	res := record.Results{Run: r.Run}
	res.Trials = make([]record.Trial, len(r.trials))
	for i, t := range r.trials {
		res.Trials[i] = t.Trial
	}
	for _, s := range r.Systems {
		res.Summaries = append(res.Summaries, r.summary(s.Name))
	}
	for _, p := range r.rivals() {
		res.Verdicts = append(res.Verdicts, r.verdicts(p[0], p[1])...)
	}
	return res
}
