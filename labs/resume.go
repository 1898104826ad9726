package labs

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"proxylab/reports/record"
)

// Resume goes on with the run in the folder dir after an interruption: the trials
// that its record has stay as they are, the others are played, in the order that the
// seed gives. Of Options it takes what the record does not say: Source, Engine,
// Progress and ID of the containers. The lab is the one below Source as it is now.
//
// What was begun is finished, or nothing: another lab, load, machine, image of a system
// or limit of one, or samples that were changed, are an error that says so. So is a run whose
// rates were measured (calibrate, saturation): they belong to containers that are gone.
// A change of the lab's site, faults or origins is not noticed.
func Resume(ctx context.Context, o Options, dir string) error {
	before, err := record.Read(dir)
	if err != nil {
		return err
	}
	if o.Lab, err = Find(filepath.Join(o.Source, "labs"), before.About.Lab); err != nil {
		return err
	}
	o.Size, o.Seed, o.Command, o.Systems = before.About.Size, before.About.Seed, before.About.Command, nil
	for _, s := range before.Systems {
		o.Systems = append(o.Systems, s.Name)
	}
	p := &play{Options: o, dir: dir, before: &before}
	if err := p.choose(); err != nil {
		return err
	}
	if len(p.missing()) == 0 {
		return nil
	}
	facts, err := o.Engine.Facts(ctx)
	if err != nil {
		return err
	}
	p.cores = divide(facts.CPUs, o.Lab.Limits.CPUs)
	p.run = p.begin(ctx, facts)
	if err := p.sameRun(); err != nil {
		return err
	}
	return DiskHint(p.play(ctx), dir)
}

// slot is the place of one trial.
type slot struct {
	block  int // from 1
	system int // index among the systems
}

func (p *play) trialID(s slot) string {
	return fmt.Sprintf("%02d-%s", s.block, p.systems[s.system].Name)
}

// missing are the trials yet to be played, in their order.
func (p *play) missing() (out []slot) {
	var done []record.Trial
	if p.before != nil {
		done = p.before.Trials
	}
	for block, order := range p.order(len(p.systems)) {
		for _, i := range order {
			s := slot{block + 1, i}
			if !slices.ContainsFunc(done, func(t record.Trial) bool { return t.ID == p.trialID(s) }) {
				out = append(out, s)
			}
		}
	}
	return out
}

// sameRun holds what is known before any container against the record.
func (p *play) sameRun() error {
	var bad []string
	if p.before.About.Lab != p.Lab.Name {
		bad = append(bad, fmt.Sprintf("it is of lab %s, not %s", p.before.About.Lab, p.Lab.Name))
	}
	if p.before.Calibration != nil || len(p.before.Knees) > 0 {
		bad = append(bad, "its rates were measured with containers that are gone")
	} else if !reflect.DeepEqual(p.before.Load, p.run.Load) {
		bad = append(bad, "the lab's load was changed since")
	}
	if m := p.run.Machine; p.before.Machine != m {
		bad = append(bad, fmt.Sprintf("it ran on another machine or engine: %+v, this is %+v", p.before.Machine, m))
	}
	changed, err := record.Changed(p.dir)
	if err != nil {
		return err
	}
	for _, what := range changed {
		bad = append(bad, what)
	}
	slices.Sort(bad)
	return p.cannot(bad)
}

func (p *play) cannot(bad []string) error {
	if len(bad) == 0 {
		return nil
	}
	return fmt.Errorf("%s cannot be resumed: %s\n\thint: a report of the trials that were done: make report RUN=%s; a new run: %s",
		p.dir, strings.Join(bad, "; "), p.dir, p.Command)
}

// rejoin holds the systems that run now against those of the record, and goes on
// where it ended.
func (p *play) rejoin(t *topology) error {
	var bad []string
	for i, s := range t.systems {
		was, is := p.before.Systems[i], s.fact
		is.Config = was.Config // the addresses in them are new ones
		if !reflect.DeepEqual(was, is) {
			bad = append(bad, fmt.Sprintf("%s is another one: image %s, version %s, was image %s, version %s", is.Name, is.ImageID, is.Version, was.ImageID, was.Version))
		}
	}
	if err := p.cannot(bad); err != nil {
		return err
	}
	note := fmt.Sprintf("It was interrupted after %d trials and resumed at %s, with new containers.", len(p.before.Trials), time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	if now := p.run.About.Commit; now != p.before.About.Commit {
		note += fmt.Sprintf(" The checkout was at %s then; the images are the same.", now)
	}
	p.run = *p.before
	p.run.About.Notes = append(slices.Clone(p.run.About.Notes), note)
	return nil
}
