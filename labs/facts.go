package labs

import (
	"context"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"proxylab/docker"
	"proxylab/loadtest"
	"proxylab/reports/record"
)

// begin writes down all that is known before the first trial.
func (p *play) begin(ctx context.Context, f docker.Facts) record.Run {
	run := record.Run{
		Schema: record.Schema,
		About: record.About{
			ID: p.ID, Lab: p.Lab.Name, Title: p.Lab.Title, Size: p.Size, Seed: p.Seed,
			Command: p.Command, Commit: commit(ctx, p.Source), Started: time.Now().Round(time.Millisecond),
			Rules: rules(),
			Notes: []string{p.cores.note, "Memory over time is read from the engine once a second; CPU time is the difference of two readings around each trial."},
		},
		Machine: record.Machine{
			OS: f.OS, Kernel: f.Kernel, Arch: f.Arch, CPUModel: f.CPUModel, CPUs: f.CPUs, MemoryBytes: f.MemoryBytes,
			Engine: f.Engine, CgroupVersion: f.CgroupVersion, StorageDriver: f.StorageDriver, Go: runtime.Version(),
		},
		Load: record.Load{
			WarmUp:      p.Lab.Load.WarmUp.For.Seconds(),
			Connections: p.Lab.Load.Connections,
			Timeout:     p.Lab.Load.Timeout.Seconds(),
		},
	}
	for _, t := range p.Lab.Load.Targets {
		run.Load.Targets = append(run.Load.Targets, t.Method+" "+t.Path)
	}
	run.Load.Phases = levels(p.phases())
	return run
}

// phases are the lab's phases, stretched to the size.
func (p *play) phases() []loadtest.Phase {
	return stretch(p.Lab.Load.Phases, p.Lab.Sizes[p.Size].Time)
}

// length is that of all phases together.
func length(phases []loadtest.Phase) (d time.Duration) {
	for _, ph := range phases {
		d += ph.For
	}
	return d
}

// levels writes phases for the record, on one axis of time, stairs as their
// levels.
func levels(phases []loadtest.Phase) []record.Phase {
	var out []record.Phase
	var start time.Duration
	for _, ph := range phases {
		n := 1
		if ph.Shape == loadtest.Stairs {
			n = ph.Steps
		}
		for i := range n {
			from, to := start+ph.For*time.Duration(i)/time.Duration(n), start+ph.For*time.Duration(i+1)/time.Duration(n)
			r := record.Phase{Shape: string(ph.Shape), Start: from.Seconds(), End: to.Seconds(), From: ph.Rate, To: ph.Rate}
			switch ph.Shape {
			case loadtest.Ramp:
				r.To = ph.To
			case loadtest.Stairs:
				r.From = ph.Rate + (ph.To-ph.Rate)*float64(i)/float64(n-1)
				r.To = r.From
			}
			out = append(out, r)
		}
		start += ph.For
	}
	return out
}

// commit is the checkout's revision, or "" where there is none.
func commit(ctx context.Context, source string) string {
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = source
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	rev, err := git("rev-parse", "--short=12", "HEAD")
	if err != nil {
		return ""
	}
	if changed, err := git("status", "--porcelain"); err != nil || changed != "" {
		rev += "-dirty"
	}
	return rev
}
