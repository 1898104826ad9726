package labs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"proxylab/docker"
	"proxylab/labs/systems"
	"proxylab/reports/record"
)

// Options says what to play, where, and whom to tell.
type Options struct {
	Lab      *Lab
	Size     string   // one of Lab.Sizes
	Seed     uint64   // of the order of trials and the choice of targets
	Systems  []string // nil for the lab's own
	Mine     string   // folder, binary or image of the system "mine"; see [systems.Mine]
	Source   string   // top of this project: the programs are built from it
	Out      string   // folder of runs; the run makes one of its own in it
	Engine   *docker.Engine
	ID       string // of the run and its containers; see [NewID]
	Command  string // what repeats this run
	Progress Progress
}

// Progress is told what a run is doing, as it does it. It is called from one
// goroutine at a time.
type Progress func(Event)

// Event is one piece of progress.
type Event struct {
	Step   string        // what is being done; a new step when it differs from the last one's
	Share  float64       // of the step that is done, 0 to 1; 0 for steps without a measure
	Detail string        // figures of the moment
	Left   time.Duration // until the last trial ends; 0 while unknown
}

// betweenTrials is about what a trial takes besides its load: two readings,
// for which the engine takes up to a second each, and writing down.
const betweenTrials = 2200 * time.Millisecond

// play is one run while it goes on.
type play struct {
	Options
	systems []systems.System
	cores   cores
	dir     string // of the run's records, "" until the gate is passed
	run     record.Run
	before  *record.Run // what a run that is resumed had done; nil for a new one
	started time.Time   // of the first trial that is played now
	kept    int         // trials that were done before
	total   int         // trials of the run
	scale   float64     // rate of one percent, once it is measured; 0: rates are as the lab has them
}

// NewID names a run of a lab: its time, then the lab.
func NewID(lab string, now time.Time) string {
	return now.Format("20060102-150405") + "-" + lab
}

// Run plays a lab and returns the folder with its records (package record).
// Whatever happens, no container or network of the run is left. A run that
// fails before its first trial leaves no folder either; one that fails later
// leaves the records of the trials that were done, and dir is told with err.
func Run(ctx context.Context, o Options) (dir string, err error) {
	p := &play{Options: o}
	if err := p.choose(); err != nil {
		return "", err
	}
	facts, err := o.Engine.Facts(ctx)
	if err != nil {
		return "", err
	}
	p.cores = divide(facts.CPUs, o.Lab.Limits.CPUs)
	p.run = p.begin(ctx, facts)
	if err := writable(o.Out); err != nil {
		return "", err
	}
	err = p.play(ctx)
	if len(p.run.Trials) == 0 && p.dir != "" {
		os.RemoveAll(p.dir)
		p.dir = ""
	}
	return p.dir, DiskHint(err, o.Out)
}

// Check tells what needs no engine to be seen wrong: a size or system that is
// not there.
func (o Options) Check() error { return (&play{Options: o}).choose() }

// writable finds out in time, not after minutes of load, whether records can
// be kept.
func writable(out string) error {
	hint := func(err error) error {
		return fmt.Errorf("%w\n\thint: records are kept there; --out names another folder", err)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return hint(err)
	}
	f, err := os.CreateTemp(out, ".writable-*")
	if err != nil {
		return hint(err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, 64<<10)) // less than any run keeps
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return DiskHint(err, out)
}

// claim makes the run's folder, which no other run has: one that began in the
// same second may have taken the name.
func (p *play) claim() error {
	id := p.ID
	for n := 2; ; n++ {
		p.dir = filepath.Join(p.Out, id)
		err := os.Mkdir(p.dir, 0o755)
		if err == nil {
			p.run.About.ID = id
			return os.Mkdir(filepath.Join(p.dir, "samples"), 0o755)
		}
		p.dir = ""
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		id = fmt.Sprintf("%s-%d", p.ID, n)
	}
}

// choose settles systems and size.
func (p *play) choose() error {
	if _, ok := p.Lab.Sizes[p.Size]; !ok {
		return fmt.Errorf("%s has no size %q\n\thint: it has %s", p.Lab.Name, p.Size, strings.Join(p.Lab.SizeNames(), ", "))
	}
	names := p.Systems
	if len(names) == 0 {
		names = p.Lab.Systems
	}
	for _, name := range names {
		s, err := p.system(name)
		if err != nil {
			return err
		}
		// The same system again is a control: what differs then is noise.
		for n := 2; slices.ContainsFunc(p.systems, func(o systems.System) bool { return o.Name == s.Name }); n++ {
			if s.Direct || n > 9 {
				return fmt.Errorf("%s is named too often\n\thint: proxyd,proxyd compares a system with itself", name)
			}
			s.Name = fmt.Sprintf("%s-%d", name, n)
		}
		p.systems = append(p.systems, s)
	}
	return nil
}

func (p *play) system(name string) (systems.System, error) {
	if name != systems.MineName {
		return systems.ByName(name)
	}
	m, err := systems.FindMine(p.Mine)
	if err != nil {
		return systems.System{}, fmt.Errorf("%s: %w", name, err)
	}
	return m.System(), nil
}

func (p *play) play(ctx context.Context) (err error) {
	im, err := p.build(ctx)
	if err != nil {
		return err
	}
	p.step("networks front and back")
	run, err := p.Engine.NewRun(ctx, p.ID)
	if err != nil {
		return err
	}
	defer func() {
		p.step("remove the containers and networks")
		err = errors.Join(err, run.Close())
	}()
	t, err := p.raise(ctx, run, im)
	if err != nil {
		return err
	}
	if err := p.canFail(ctx, t); err != nil {
		return err
	}
	if err := p.gate(ctx, t); err != nil {
		return err
	}
	if p.before != nil {
		if err := p.rejoin(t); err != nil {
			return err
		}
		return p.trials(ctx, t)
	}
	u, err := t.origins[0].Usage(ctx)
	if err != nil {
		return err
	}
	p.run.About.Notes = append(p.run.About.Notes, sourceNote(u.Source))
	if err := p.claim(); err != nil {
		return err
	}
	if err := p.writeConfigs(t); err != nil {
		return err
	}
	if err := p.calibrate(ctx, t); err != nil {
		return err
	}
	if err := p.saturate(ctx, t); err != nil {
		return err
	}
	for i, s := range t.systems {
		p.run.Systems[i].CPUs = s.fact.CPUs // a calibration may have changed it
	}
	return p.trials(ctx, t)
}

// trials plays the blocks. After each trial run.json is written anew with it behind
// the others, so that what was measured is never lost; samples are written once.
func (p *play) trials(ctx context.Context, t *topology) error {
	targets := p.truth()
	p.total = p.Lab.Sizes[p.Size].Blocks * len(t.systems)
	p.started, p.kept = time.Now(), len(p.run.Trials)
	notes := p.run.About.Notes
	for _, slot := range p.missing() {
		s := t.systems[slot.system]
		tr, err := p.trial(ctx, t, s, slot, targets)
		if err != nil {
			if ctx.Err() == nil {
				err = t.blame(s, err)
			}
			return fmt.Errorf("trial %s: %w", tr.ID, err)
		}
		p.run.Trials = append(p.run.Trials, tr)
		p.run.About.Notes = slices.Concat(notes, p.kneeNotes())
		p.run.About.Ended = time.Now().Round(time.Millisecond)
		if err := errors.Join(record.Seal(p.dir, tr.Samples), record.Write(p.dir, p.run)); err != nil {
			return err
		}
	}
	return nil
}

// order draws, for each block, the order in which the systems have their
// trial. It depends on the seed alone.
func (p *play) order(systems int) [][]int {
	r := rand.New(rand.NewPCG(p.Seed, 0))
	var blocks [][]int
	for range p.Lab.Sizes[p.Size].Blocks {
		blocks = append(blocks, r.Perm(systems))
	}
	return blocks
}

// writeConfigs keeps what each system was given, but for secrets.
func (p *play) writeConfigs(t *topology) error {
	for _, s := range t.systems {
		for _, f := range s.config.Files {
			name := filepath.Base(f.Path)
			path := filepath.Join(p.dir, "config", s.Name, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, f.Record, 0o644); err != nil {
				return err
			}
			s.fact.Config = append(s.fact.Config, name)
			if err := record.Seal(p.dir, filepath.ToSlash(filepath.Join("config", s.Name, name))); err != nil {
				return err
			}
		}
		p.run.Systems = append(p.run.Systems, s.fact)
	}
	return nil
}

// step tells of a step without a measure.
func (p *play) step(what string) { p.Progress(Event{Step: what}) }

// DiskHint adds the hint that a full disk deserves.
func DiskHint(err error, where string) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w\n\thint: the disk under %s is full; old runs there can go, and `make clean` frees what builds left", err, where)
	}
	return err
}
