package reports

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"proxylab/loadtest"
	"proxylab/reports/record"
)

// page is all that the HTML file and the Markdown say, in the order they say it.
type page struct {
	About     record.About
	When      string // of the run, with its length
	Answers   []answered
	Validity  table
	Schedules string // whether paired trials were sent the same
	Reasons   []string
	Figures   []illustration
	svg       [][]byte
	Systems   table // measures side by side
	Faults    table // what clients noticed of each
	Upkeep    table // what else they needed
	Tests     table // p-values, and what could have been found
	Parity    table // what each proxy was seen to do
	Differs   table // what each does otherwise than the declaration
	Trials    table
	Load      []string
	Methods   []method
	Rules     string // that make a trial suspect or invalid
	Machine   table
	Versions  table
	Configs   []config
	Checks    record.Checks // the lab's own, where it has some
}

// answered is the comparison of one pair.
type answered struct {
	A, B     string
	Headline string
	Verdicts []asked
}

// asked is one verdict beside its question.
type asked struct {
	Question, Word, Class, Sentence string
}

// method says how a measure is taken.
type method struct{ Name, Means string }

// config is what one system was given.
type config struct {
	System  string
	Flavour string
	Files   []configFile
}

type configFile struct{ Name, Text string }

func newPage(r *run, res record.Results) (*page, error) {
	p := &page{
		About:     res.About,
		When:      when(res.About),
		Validity:  validity(res),
		Schedules: r.schedules(),
		Figures:   r.illustrations(res),
		Systems:   sideBySide(res),
		Faults:    r.faultTable(),
		Upkeep:    r.upkeep(),
		Tests:     tests(res.Verdicts),
		Parity:    parity(res.Run),
		Differs:   differs(res.Systems),
		Trials:    r.trialTable(),
		Load:      loadLines(res.Load),
		Rules:     rules(res.About.Rules),
		Machine:   machineTable(res.Machine),
		Versions:  versions(res.Systems),
	}
	p.svg = make([][]byte, len(p.Figures))
	for _, t := range res.Trials {
		for _, reason := range t.Reasons {
			p.Reasons = append(p.Reasons, fmt.Sprintf("%s is %s: %s", t.ID, t.Validity, reason))
		}
	}
	for _, pair := range r.rivals() {
		p.Answers = append(p.Answers, answers(res.Verdicts, pair[0], pair[1]))
	}
	for _, m := range measures {
		p.Methods = append(p.Methods, method{m.name, m.means})
	}
	for i, f := range p.Figures {
		svg, err := f.SVG()
		if err != nil {
			return nil, err
		}
		p.svg[i] = svg
	}
	var err error
	if p.Checks, err = record.ReadChecks(r.dir); err != nil {
		return nil, err
	}
	p.Configs, err = configs(r.dir, res.Systems)
	return p, err
}

// rules are those of the gates that every trial passes, then those that the
// run names itself.
func rules(own []string) string {
	general := fmt.Sprintf("A trial is suspect when the generator sent more than %g %% of its requests over %v behind the plan, or used more "+
		"than %g %% of its CPUs; it is invalid above %g %% and %g %%, when a planned request has no record, when an answer had the wrong status "+
		"or bytes, or when its samples are not those that its record counted.",
		100*loadtest.LateSuspect, loadtest.LateAfter, 100*loadtest.CPUSuspect, 100*loadtest.LateInvalid, 100*loadtest.CPUInvalid)
	return strings.Join(slices.Concat([]string{general}, own, []string{"A reason given under “Can it be trusted?” names the rule."}), " ")
}

func when(a record.About) string {
	s := a.Started.UTC().Format("2 January 2006, 15:04 UTC")
	if d := a.Ended.Sub(a.Started); d > 0 {
		s += ", " + d.Round(time.Second).String() + " long"
	}
	return s
}

func answers(verdicts []record.Verdict, a, b string) answered {
	out := answered{A: a, B: b}
	for _, v := range verdicts {
		if v.A != a || v.B != b {
			continue
		}
		m, class := measureOf(v.Measure), "open"
		switch {
		case v.Word == record.Equivalent:
			class = "same"
		case v.Word != record.Inconclusive && !m.more:
			class = "lower"
		}
		if v.Measure == measures[0].key {
			out.Headline = v.Sentence
		}
		out.Verdicts = append(out.Verdicts, asked{m.asks, plain(v), class, v.Sentence})
	}
	return out
}

// configs reads config/<system>/* as the record names them.
func configs(dir string, systems []record.System) ([]config, error) {
	var out []config
	for _, s := range systems {
		c := config{System: s.Name, Flavour: s.Flavour}
		for _, name := range s.Config {
			path := filepath.Join(dir, "config", s.Name, filepath.FromSlash(name))
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("%w\n\thint: run.json names it among the configuration of %s", err, s.Name)
			}
			c.Files = append(c.Files, configFile{name, strings.ToValidUTF8(string(text), "\uFFFD")})
		}
		if len(c.Files) > 0 {
			out = append(out, c)
		}
	}
	return out, nil
}

// schedules says whether the trials of each block can be compared at all.
func (r *run) schedules() string {
	first := map[int]*trial{}
	hashes := map[string]bool{}
	for _, t := range r.trials {
		if t.Validity != record.Valid {
			continue
		}
		hashes[t.ScheduleSHA256] = true
		if f := first[t.Block]; f == nil {
			first[t.Block] = t
		} else if f.ScheduleSHA256 != t.ScheduleSHA256 {
			return fmt.Sprintf("%s and %s were sent different schedules and are not compared.", f.ID, t.ID)
		}
	}
	switch len(hashes) {
	case 0:
		return "No trial is valid, so nothing is compared."
	case 1:
		for h := range hashes {
			return fmt.Sprintf("All valid trials were sent the same schedule (SHA-256 %.12s…, taken from what was sent).", h)
		}
	}
	return "Within each block all valid trials were sent the same schedule (by SHA-256 of what was sent)."
}
