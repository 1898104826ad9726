package record

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
)

// Check returns what in the run contradicts itself, or nil.
func (r Run) Check() error {
	var c complaints
	if r.Schema != Schema {
		c.add("schema", "%d is not %d", r.Schema, Schema)
	}
	if len(r.Systems) == 0 {
		c.add("systems", "none, a run has at least one")
	}
	systems := map[string]bool{}
	for i, s := range r.Systems {
		at := fmt.Sprintf("systems[%d]", i)
		if s.Name == "" {
			c.add(at+".name", "is empty")
		}
		if systems[s.Name] {
			c.add(at+".name", "%q is there twice", s.Name)
		}
		systems[s.Name] = true
		for j, f := range s.Config {
			c.local(fmt.Sprintf("%s.config[%d]", at, j), f)
		}
	}
	for i, p := range r.Load.Phases {
		p.check(&c, fmt.Sprintf("load.phases[%d]", i))
	}
	c.parity(r.Parity, systems)
	c.trials(r.Trials, systems)
	return errors.Join(c...)
}

func (c *complaints) parity(rows []Parity, systems map[string]bool) {
	asked := map[string]bool{}
	for i, p := range rows {
		at := fmt.Sprintf("parity[%d]", i)
		if p.Question == "" || asked[p.Question] {
			c.add(at+".question", "%q is empty or there twice", p.Question)
		}
		asked[p.Question] = true
		for _, name := range slices.Sorted(maps.Keys(p.Answers)) {
			if !systems[name] {
				c.add(at+".answers", "%q is not among systems", name)
			}
		}
	}
}

func (p Phase) check(c *complaints, at string) {
	if !(p.Start >= 0) || !(p.End > p.Start) || math.IsInf(p.End, 0) {
		c.add(at, "%g s to %g s is no stretch of time", p.Start, p.End)
	}
	if !(p.From >= 0) || !(p.To >= 0) || math.IsInf(p.From+p.To, 0) {
		c.add(at, "%g to %g requests/s is no rate", p.From, p.To)
	}
}

func (c *complaints) trials(trials []Trial, known map[string]bool) {
	type slot struct {
		block  int
		system string
	}
	ids, slots := map[string]bool{}, map[slot]bool{}
	for i, t := range trials {
		at := fmt.Sprintf("trials[%d]", i)
		if t.ID == "" || ids[t.ID] {
			c.add(at+".id", "%q is empty or there twice", t.ID)
		}
		ids[t.ID] = true
		if !known[t.System] {
			c.add(at+".system", "%q is not among systems", t.System)
		}
		s := slot{t.Block, t.System}
		if slots[s] {
			c.add(at, "block %d has %s twice", t.Block, t.System)
		}
		slots[s] = true
		t.check(c, at)
	}
}

func (t Trial) check(c *complaints, at string) {
	switch t.Validity {
	case Valid:
	case Suspect, Invalid:
		if len(t.Reasons) == 0 {
			c.add(at+".reasons", "none for a trial that is %s", t.Validity)
		}
	default:
		c.add(at+".validity", "unknown validity %q", t.Validity)
	}
	if t.Right+t.Wrong+t.Failed != t.Requests {
		c.add(at, "%d right, %d wrong and %d failed are not %d requests", t.Right, t.Wrong, t.Failed, t.Requests)
	}
	if t.Samples == "" {
		if t.Validity == Valid {
			c.add(at+".samples", "is empty for a trial that is %s", t.Validity)
		}
		return
	}
	c.local(at+".samples", t.Samples)
}

// complaints collects faults with their places.
type complaints []error

func (c *complaints) add(place, format string, args ...any) {
	*c = append(*c, fmt.Errorf("%s: "+format, append([]any{place}, args...)...))
}

// local keeps the paths of a record inside the run's folder: a run that came
// from somebody else must not make a report show other files.
func (c *complaints) local(place, path string) {
	if !filepath.IsLocal(filepath.FromSlash(path)) {
		c.add(place, "%q leaves the run's folder", path)
	}
}
