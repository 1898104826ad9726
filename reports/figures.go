package reports

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"proxylab/reports/figure"
	"proxylab/reports/record"
)

// illustration is a figure with what a reader needs beside it.
type illustration struct {
	figure.Figure
	Read  string // how to read it, in one or two sentences
	Table table  // the figures behind it
}

// table is a table of the report, for HTML and Markdown alike.
type table struct {
	Caption string
	Head    []string
	Rows    [][]string // the first cell names the row
	Prose   bool       // cells may break
}

// illustrations are the figures in the order of the report.
func (r *run) illustrations(res record.Results) []illustration {
	return []illustration{
		r.ratios(res),
		r.costs(res, measures[0], "cpu", "CPU time per request", "CPU time per request (µs)"),
		r.costs(res, measures[1], "memory", "Memory", "median anonymous memory (MiB)"),
		r.byPercentile(),
		r.overTime(),
		r.achieved(),
		r.shares(),
	}
}

// style is the system's look in every figure.
func (r *run) style(system string) figure.Style {
	i := 0
	for _, s := range r.Systems {
		switch {
		case s.Name == Direct && system == Direct:
			return figure.Baseline
		case s.Name == system:
			return figure.StyleOf(i)
		case s.Name != Direct:
			i++
		}
	}
	return figure.Baseline
}

// measured are the systems with at least one trial, in the order of the lab.
func (r *run) measured() []string {
	var out []string
	for _, s := range r.Systems {
		for _, t := range r.trials {
			if t.System == s.Name {
				out = append(out, s.Name)
				break
			}
		}
	}
	return out
}

// n says how many trials stand behind a figure of all systems.
func (r *run) n() string {
	valid := 0
	for _, t := range r.trials {
		if t.Validity == record.Valid {
			valid++
		}
	}
	return validOf(valid, len(r.trials))
}

func validOf(valid, trials int) string { return fmt.Sprintf("%d of %d trials valid", valid, trials) }

// writeFigures puts each figure into dir as SVG and PNG.
func (p *page) writeFigures(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i, f := range p.Figures {
		if err := record.WriteFile(filepath.Join(dir, f.ID+".svg"), p.svg[i]); err != nil {
			return err
		}
		var png bytes.Buffer
		if err := f.PNG(&png); err != nil {
			return err
		}
		if err := record.WriteFile(filepath.Join(dir, f.ID+".png"), png.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
