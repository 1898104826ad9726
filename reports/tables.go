package reports

import (
	"fmt"
	"slices"
	"strings"

	"proxylab/reports/record"
	"proxylab/reports/stat"
)

// validity counts the trials of each system by their validity.
func validity(res record.Results) table {
	t := table{Caption: "Validity of trials", Head: []string{"system", "valid", "suspect", "invalid", "right / sent in valid trials"}}
	for _, s := range res.Summaries {
		n := map[record.Validity]int{}
		for _, tr := range res.Trials {
			if tr.System == s.System {
				n[tr.Validity]++
			}
		}
		t.Rows = append(t.Rows, []string{
			s.System, fmt.Sprint(n[record.Valid]), fmt.Sprint(n[record.Suspect]), fmt.Sprint(n[record.Invalid]),
			whole(int64(s.Right)) + " / " + whole(int64(s.Requests)),
		})
	}
	return t
}

// sideBySide puts the systems' figures beside each other.
func sideBySide(res record.Results) table {
	t := table{Caption: "Median of the valid trials, with its interval", Head: []string{"measure"}}
	for _, s := range res.Summaries {
		t.Head = append(t.Head, s.System)
	}
	for _, m := range measures {
		row := []string{m.name + " (" + m.unit + ")"}
		for _, s := range res.Summaries {
			row = append(row, spread(valueOf(s, m.key)))
		}
		t.Rows = append(t.Rows, row)
	}
	for _, p := range shown {
		row, any := []string{fmt.Sprintf("Response time, p%g of all trials merged (ms)", p)}, false
		for _, s := range res.Summaries {
			cell := percentileOf(s, record.Response, p)
			any = any || cell != "–"
			row = append(row, cell)
		}
		if any {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// upkeep shows what else the systems needed, as medians of their valid trials.
func (r *run) upkeep() table {
	t := table{Caption: "What else each system needed, median of its valid trials", Head: []string{
		"system", "CPU throttled (s)", "processes", "threads", "sockets", "received a request (bytes)", "sent a request (bytes)",
		"context switches a request", "read and write calls a request", "source",
	}}
	for _, s := range r.measured() {
		var row []string
		source := ""
		for _, of := range []func(*record.Usage, float64) float64{
			func(u *record.Usage, _ float64) float64 { return u.ThrottledSeconds },
			func(u *record.Usage, _ float64) float64 { return float64(u.Processes) },
			func(u *record.Usage, _ float64) float64 { return float64(u.Threads) },
			func(u *record.Usage, _ float64) float64 { return float64(u.Sockets) },
			func(u *record.Usage, n float64) float64 { return float64(u.ReceivedBytes) / n },
			func(u *record.Usage, n float64) float64 { return float64(u.SentBytes) / n },
			func(u *record.Usage, _ float64) float64 { return u.SwitchesPerRequest },
			func(u *record.Usage, _ float64) float64 { return u.CallsPerRequest },
		} {
			var values []float64
			for _, tr := range r.valid(s) {
				if u := tr.Resources.System; u != nil && tr.Requests > 0 {
					values, source = append(values, of(u, float64(tr.Requests))), u.Source
				}
			}
			cell := "–"
			if m := stat.MedianOf(values).Median; m != 0 || len(row) == 0 && len(values) > 0 {
				cell = figures(m)
			}
			row = append(row, cell)
		}
		if source != "" {
			t.Rows = append(t.Rows, slices.Concat([]string{s}, row, []string{source}))
		}
	}
	return t
}

// tests shows how sure each verdict is, and how small a difference its trials
// would have shown.
func tests(verdicts []record.Verdict) table {
	t := table{Caption: "How sure the verdicts are", Head: []string{
		"measure", "pair", "p of no difference (Holm)", "p of more than 5 % (Holm)", "p of ranks (Mann–Whitney)", "found with a chance of 80 %",
	}}
	for _, v := range verdicts {
		row := []string{measureOf(v.Measure).name, v.A + ", " + v.B, "–", "–", pValue(v.RankP), "–"}
		if v.High != 0 {
			row[2], row[3] = pValue(v.P), pValue(v.MarginP)
		}
		if v.Detectable > 1 {
			row[5] = figures(100*(v.Detectable-1)) + " % more"
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func percentileOf(s record.Summary, clock string, p float64) string {
	for _, q := range s.Percentiles {
		if q.Clock == clock && q.Percentile == p {
			return figures(q.Milliseconds)
		}
	}
	return "–"
}

// trialTable lists every trial, ranked or not.
func (r *run) trialTable() table {
	t := table{Caption: "All trials, in the order they ran", Head: []string{
		"trial", "validity", "sent", "right", "wrong", "failed", "late", "CPU per request (µs)", "throttled (s)", "memory (MiB)", "p50 (ms)", "p99 (ms)",
	}}
	for _, tr := range r.trials {
		row := []string{
			tr.ID, string(tr.Validity), whole(int64(tr.Requests)), whole(int64(tr.Right)),
			whole(int64(tr.Wrong)), whole(int64(tr.Failed)), whole(int64(tr.Late)),
		}
		row = append(row, cell(tr, "cpu_per_request"))
		throttled := "–"
		if u := tr.Resources.System; u != nil {
			throttled = figures(u.ThrottledSeconds)
		}
		row = append(row, throttled, cell(tr, "memory"), cell(tr, "response_p50"), cell(tr, "response_p99"))
		t.Rows = append(t.Rows, row)
	}
	return t
}

func cell(t *trial, key string) string {
	v, err := measureOf(key).of(t)
	if err != nil {
		return "–"
	}
	return figures(v)
}

// phaseLines says in words at which rates every trial sent.
func phaseLines(l record.Load) []string {
	var out []string
	for _, p := range l.Phases {
		rate := given(p.From) + " requests/s"
		if p.From != p.To {
			rate = given(p.From) + " to " + given(p.To) + " requests/s"
		}
		out = append(out, fmt.Sprintf("%s–%s s: %s (%s)", given(p.Start), given(p.End), rate, p.Shape))
	}
	return out
}

// loadLines says in words what every trial sent.
func loadLines(l record.Load) []string {
	out := phaseLines(l)
	if len(l.Targets) > 0 {
		out = append(out, "requests: "+strings.Join(l.Targets, ", "))
	}
	return append(out, fmt.Sprintf("warm-up %s s, at most %s, timeout %s s",
		given(l.WarmUp), plural(l.Connections, "idle connection"), given(l.Timeout)))
}

func machineTable(m record.Machine) table {
	t := table{Caption: "Machine", Prose: true, Head: []string{"what", "value"}}
	for _, row := range [][]string{
		{"processor", fmt.Sprintf("%s, %s", m.CPUModel, plural(m.CPUs, "CPU"))},
		{"memory", bytesSize(m.MemoryBytes)},
		{"system", strings.Join(slices.DeleteFunc([]string{m.OS, m.Kernel, m.Arch}, func(s string) bool { return s == "" }), ", ")},
		{"engine", m.Engine},
		{"cgroup", m.CgroupVersion},
		{"storage driver", m.StorageDriver},
		{"built with", m.Go},
	} {
		if row[1] != "" {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// parity puts beside each other what each proxy was seen to do. The last column
// says whether they do the same.
func parity(r record.Run) table {
	t := table{Caption: "Seen on the wire, before any load", Prose: true, Head: []string{"what was asked"}}
	if len(r.Parity) == 0 {
		return t
	}
	var names []string
	for _, s := range r.Systems {
		if s.Name == Direct {
			continue
		}
		names = append(names, s.Name)
		t.Head = append(t.Head, named(s))
	}
	t.Head = append(t.Head, "alike")
	for _, p := range r.Parity {
		row, alike := []string{p.Question}, "yes"
		for _, name := range names {
			row = append(row, dash(p.Answers[name]))
			if p.Answers[name] != p.Answers[names[0]] {
				alike = "no"
			}
		}
		t.Rows = append(t.Rows, append(row, alike))
	}
	return t
}

// differs lists what systems do otherwise than the declaration, as their own
// packages know it.
func differs(systems []record.System) table {
	t := table{Caption: "Otherwise than the shared declaration", Prose: true, Head: []string{"system", "what it does"}}
	for _, s := range systems {
		for _, d := range s.Differs {
			t.Rows = append(t.Rows, []string{named(s), d})
		}
	}
	return t
}

// named is a system with its flavour, unless its name says that already.
func named(s record.System) string {
	if s.Flavour == "" || strings.HasSuffix(s.Name, "-"+s.Flavour) {
		return s.Name
	}
	return s.Name + " (" + s.Flavour + ")"
}

func versions(systems []record.System) table {
	t := table{Caption: "Systems, versions and limits", Head: []string{"system", "version", "image", "image ID", "CPUs", "memory limit"}}
	for _, s := range systems {
		cpus := "no limit"
		if s.CPUs > 0 {
			cpus = given(s.CPUs)
		}
		if s.Cpuset != "" {
			cpus += ", cores " + s.Cpuset
		}
		limit := bytesSize(s.Memory)
		if s.Image == "" {
			cpus, limit = "–", "–"
		}
		t.Rows = append(t.Rows, []string{named(s), dash(s.Version), dash(s.Image), dash(short(s.ImageID)), cpus, limit})
	}
	return t
}

// short leaves of an image ID what tells images apart; results.json has it all.
func short(id string) string {
	const keep = len("sha256:") + 12
	if len(id) <= keep {
		return id
	}
	return id[:keep] + "…"
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
