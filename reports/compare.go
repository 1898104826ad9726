package reports

import (
	"cmp"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	"proxylab/reports/record"
	"proxylab/reports/stat"
)

// Change is how one figure of a run stands to the same figure of another one.
type Change struct {
	Of      string // system, or "proxyd ÷ apache"
	Measure string // its name
	Before  string // median with its unit, of the first run
	After   string // of the second one
	Ratio   float64
	Low     float64 // 95 % interval of Ratio, the second run to the first; both 0 when there is none
	High    float64
	Word    string // worse, better, equivalent, inconclusive
	Reason  string // why inconclusive
	Judged  bool   // false for what is shown as a control
}

// Diff is what a comparison of two runs found.
type Diff struct {
	Facts   []string // in what the runs differ, a sentence each
	Changes []Change
}

// The words of a Change besides those of verdicts.
const (
	Worse  = "worse"
	Better = "better"
)

// Worse are the judged changes for the worse.
func (d Diff) Worse() (out []Change) {
	for _, c := range d.Changes {
		if c.Judged && c.Word == Worse {
			out = append(out, c)
		}
	}
	return out
}

// NotComparable is why two runs cannot be held against each other.
type NotComparable struct{ Reasons []string }

func (e *NotComparable) Error() string {
	return "the runs cannot be compared: " + strings.Join(e.Reasons, "; ") +
		"\n\thint: play the same lab in the same size on the same machine; --ratios-only compares what two machines have in common"
}

// Compare holds the run in the folder b against the one in the folder a: each
// system's valid trials against its own of the other run, measure by measure
// (Welch's t on logarithms, Holm over all of them). direct, and the ratios of two
// systems within a run, are shown as controls: where direct moved, the machine did.
//
// With ratiosOnly the machines may differ; the ratios of two systems are what is
// judged then. Runs of different labs, loads, limits or, without ratiosOnly,
// machines give a [NotComparable].
func Compare(a, b string, ratiosOnly bool) (Diff, error) {
	before, err := load(a)
	if err != nil {
		return Diff{}, err
	}
	after, err := load(b)
	if err != nil {
		return Diff{}, err
	}
	if reasons := hindrances(before, after, ratiosOnly); len(reasons) > 0 {
		return Diff{}, &NotComparable{reasons}
	}
	var rows []row
	if !ratiosOnly {
		rows = before.alone(after)
	}
	rows = append(rows, before.quotientsOf(after, ratiosOnly)...)
	d := Diff{Facts: differences(before.Run, after.Run)}
	var judged []stat.Comparison
	for _, r := range rows {
		if r.judged {
			judged = append(judged, r.c)
		}
	}
	if len(judged) == 0 {
		return Diff{}, &NotComparable{[]string{"they have no proxy in common"}}
	}
	stat.Settle(judged)
	for _, r := range rows {
		if r.judged {
			r.c, judged = judged[0], judged[1:]
		}
		d.Changes = append(d.Changes, r.change())
	}
	return d, nil
}

// row is a change before it is told.
type row struct {
	of            string
	m             measure
	before, after string
	c             stat.Comparison // A is the second run
	judged        bool
}

func (r row) change() Change {
	c := Change{Of: r.of, Measure: r.m.name, Before: r.before, After: r.after, Ratio: r.c.Ratio, Low: r.c.Low, High: r.c.High, Word: string(r.c.Word), Reason: r.c.Reason, Judged: r.judged}
	switch r.c.Word {
	case stat.ALower:
		c.Word = Better
		if r.m.more {
			c.Word = Worse
		}
	case stat.BLower:
		c.Word = Worse
		if r.m.more {
			c.Word = Better
		}
	}
	return c
}

// alone compares each system that both runs have.
func (r *run) alone(after *run) (rows []row) {
	for _, s := range r.Systems {
		if !slices.ContainsFunc(after.Systems, func(o record.System) bool { return o.Name == s.Name }) {
			continue
		}
		for _, m := range measures {
			olds, news := m.values(r.valid(s.Name)), m.values(after.valid(s.Name))
			if s.Name == Direct && (len(olds) == 0 || len(news) == 0) {
				continue // it has no container
			}
			rows = append(rows, row{s.Name, m, medianOf(olds, m), medianOf(news, m), stat.CompareGroups(news, olds), s.Name != Direct})
		}
	}
	return rows
}

func medianOf(values []float64, m measure) string {
	if len(values) == 0 {
		return "–"
	}
	return quantity(stat.MedianOf(values).Median, m.unit)
}

// quotientsOf compares how two systems stood to each other within each run.
func (r *run) quotientsOf(after *run, judged bool) (rows []row) {
	has := after.rivals()
	for _, pair := range r.rivals() {
		if !slices.Contains(has, pair) {
			continue
		}
		for _, m := range measures {
			olds, news := r.quotients(m, pair), after.quotients(m, pair)
			text := func(values []float64) string {
				if len(values) == 0 {
					return "–"
				}
				return ratio(stat.MedianOf(values).Median)
			}
			rows = append(rows, row{pair[0] + " ÷ " + pair[1], m, text(olds), text(news), stat.CompareGroups(news, olds), judged})
		}
	}
	return rows
}

func (r *run) quotients(m measure, pair [2]string) (out []float64) {
	pairs, _ := r.pairs(m, pair[0], pair[1])
	for _, p := range pairs {
		if p.B > 0 {
			out = append(out, p.A/p.B)
		}
	}
	return out
}

// hindrances are why two runs cannot be held against each other.
func hindrances(a, b *run, ratiosOnly bool) (reasons []string) {
	differ := func(what, x, y string) {
		if x != y {
			reasons = append(reasons, fmt.Sprintf("%s: %s and %s", what, cmp.Or(x, "unknown"), cmp.Or(y, "unknown")))
		}
	}
	differ("different labs", a.About.Lab, b.About.Lab)
	if !reflect.DeepEqual(a.Load, b.Load) {
		reasons = append(reasons, fmt.Sprintf("different loads: sizes %s and %s, %s and %s", a.About.Size, b.About.Size,
			strings.Join(phaseLines(a.Load), ", "), strings.Join(phaseLines(b.Load), ", ")))
	}
	if a.About.Seed == b.About.Seed {
		reasons = append(reasons, schedulesApart(a, b)...)
	}
	if !ratiosOnly {
		m, n := a.Machine, b.Machine
		differ("different processors", m.CPUModel, n.CPUModel)
		differ("different architectures", m.Arch, n.Arch)
		differ("different numbers of CPUs", fmt.Sprint(m.CPUs), fmt.Sprint(n.CPUs))
		differ("different operating systems", m.OS, n.OS)
	}
	for _, s := range a.Systems {
		for _, o := range b.Systems {
			if s.Name == o.Name && (s.CPUs != o.CPUs || s.Memory != o.Memory || s.Flavour != o.Flavour) {
				reasons = append(reasons, fmt.Sprintf("%s had other limits or another flavour: %g and %g CPUs, %s and %s", s.Name, s.CPUs, o.CPUs, bytesSize(s.Memory), bytesSize(o.Memory)))
			}
		}
	}
	return reasons
}

// schedulesApart finds that the same seed made another schedule.
func schedulesApart(a, b *run) []string {
	sent := map[string]string{}
	for _, t := range a.trials {
		sent[t.ID] = t.ScheduleSHA256
	}
	for _, t := range b.trials {
		if h, ok := sent[t.ID]; ok && h != t.ScheduleSHA256 {
			return []string{fmt.Sprintf("different schedules: trial %s was sent other requests, with the same seed", t.ID)}
		}
	}
	return nil
}

// differences are facts that may explain a change.
func differences(a, b record.Run) (out []string) {
	told := func(what, x, y string) {
		if x != y {
			out = append(out, fmt.Sprintf("%s: %s, then %s", what, cmp.Or(x, "unknown"), cmp.Or(y, "unknown")))
		}
	}
	told("commit", a.About.Commit, b.About.Commit)
	told("seed", fmt.Sprint(a.About.Seed), fmt.Sprint(b.About.Seed))
	told("processor", a.Machine.CPUModel, b.Machine.CPUModel)
	told("CPUs", fmt.Sprint(a.Machine.CPUs), fmt.Sprint(b.Machine.CPUs))
	told("kernel", a.Machine.Kernel, b.Machine.Kernel)
	told("engine", a.Machine.Engine, b.Machine.Engine)
	told("built with", a.Machine.Go, b.Machine.Go)
	for _, s := range a.Systems {
		i := slices.IndexFunc(b.Systems, func(o record.System) bool { return o.Name == s.Name })
		if i < 0 {
			out = append(out, fmt.Sprintf("%s is in the first run alone", s.Name))
			continue
		}
		told(s.Name, s.Version, b.Systems[i].Version)
	}
	for _, s := range b.Systems {
		if !slices.ContainsFunc(a.Systems, func(o record.System) bool { return o.Name == s.Name }) {
			out = append(out, fmt.Sprintf("%s is in the second run alone", s.Name))
		}
	}
	return out
}

// Write shows the comparison on a terminal.
func (d Diff) Write(w io.Writer) error {
	for _, f := range d.Facts {
		fmt.Fprintln(w, f)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for part, title := range []string{"judged", "controls, not judged"} {
		first := true
		for _, c := range d.Changes {
			if c.Judged != (part == 0) {
				continue
			}
			if first {
				fmt.Fprintf(tw, "\n%s\tmeasure\tfirst run\tsecond run\tsecond ÷ first\n", title)
				first = false
			}
			told := "–"
			if c.High != 0 {
				told = ratio(c.Ratio) + " (" + ratioInterval(c.Low, c.High) + ")"
			}
			word := c.Word
			if c.High == 0 && c.Reason != "" {
				word += ": " + c.Reason
			}
			fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", c.Of, c.Measure, c.Before, c.After, told, word)
		}
	}
	return tw.Flush()
}
