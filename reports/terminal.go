package reports

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"proxylab/reports/record"
)

// Table writes the systems side by side and the verdicts, for a terminal.
func Table(w io.Writer, res record.Results) error {
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	line := func(name string, of func(record.Summary) string) {
		cells := []string{name}
		for _, s := range res.Summaries {
			cells = append(cells, of(s))
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	line("", func(s record.Summary) string { return s.System })
	// The medians that the verdicts compare, not the percentiles of all trials merged.
	for _, key := range []string{"cpu_per_request", "memory", "response_p50", "response_p99"} {
		m := measureOf(key)
		line(m.name, func(s record.Summary) string {
			if v := valueOf(s, key); v.Trials > 0 {
				return quantity(v.Median, m.unit)
			}
			return "–"
		})
	}
	line("Right / sent", func(s record.Summary) string {
		return whole(int64(s.Right)) + " / " + whole(int64(s.Requests))
	})
	line("Valid trials", func(s record.Summary) string { return fmt.Sprintf("%d of %d", s.Valid, s.Trials) })
	if len(res.Verdicts) > 0 {
		// A line without tabs ends the columns of the table above.
		fmt.Fprintln(tw)
	}
	for _, v := range res.Verdicts {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", measureOf(v.Measure).name, plain(v), evidence(v))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return doubts(w, res.Trials)
}

// doubts says why trials are not to be believed, so that a table with gaps
// explains itself.
func doubts(w io.Writer, trials []record.Trial) error {
	told := false
	for _, t := range trials {
		if t.Validity == record.Valid {
			continue
		}
		if !told {
			fmt.Fprintln(w)
			told = true
		}
		if _, err := fmt.Fprintf(w, "%s is %s: %s\n", t.ID, t.Validity, strings.Join(t.Reasons, "; ")); err != nil {
			return err
		}
	}
	return nil
}

// evidence is what a verdict rests on, in short.
func evidence(v record.Verdict) string {
	pair := v.A + " ÷ " + v.B
	if v.High == 0 {
		return fmt.Sprintf("%s, %s", pair, plural(v.Pairs, "pair"))
	}
	return fmt.Sprintf("%s = %s (%s, %s)", pair, ratio(v.Ratio), ratioInterval(v.Low, v.High), plural(v.Pairs, "pair"))
}
