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
			Notes: []string{p.cores.note},
		},
		Machine: record.Machine{
			OS: f.OS, Kernel: f.Kernel, Arch: f.Arch, CPUModel: f.CPUModel, CPUs: f.CPUs, MemoryBytes: f.MemoryBytes,
			Engine: f.Engine, CgroupVersion: f.CgroupVersion, StorageDriver: f.StorageDriver, Go: runtime.Version(),
		},
		Load: record.Load{
			Arrivals:    string(p.Lab.Load.Arrivals),
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

// length is that of all phases together.
func length(phases []loadtest.Phase) (d time.Duration) {
	for _, ph := range phases {
		d += ph.For
	}
	return d
}

// levels writes phases for the record, on one axis of time, stairs and spikes as
// their levels.
func levels(phases []loadtest.Phase) []record.Phase {
	var out []record.Phase
	var start time.Duration
	for _, ph := range phases {
		add := func(from, to time.Duration, low, high float64) {
			if to > from {
				out = append(out, record.Phase{Shape: string(ph.Shape), Start: (start + from).Seconds(), End: (start + to).Seconds(), From: low, To: high})
			}
		}
		switch ph.Shape {
		case loadtest.Ramp, loadtest.Sine:
			add(0, ph.For, ph.Rate, ph.To)
		case loadtest.Stairs:
			n := time.Duration(ph.Steps)
			for i := range n {
				rate := ph.Rate + (ph.To-ph.Rate)*float64(i)/float64(n-1)
				add(ph.For*i/n, ph.For*(i+1)/n, rate, rate)
			}
		case loadtest.Spike:
			add(0, ph.At, ph.Rate, ph.Rate)
			add(ph.At, ph.At+ph.Lasts, ph.To, ph.To)
			add(ph.At+ph.Lasts, ph.For, ph.Rate, ph.Rate)
		case loadtest.Replay:
			add(0, ph.For, mean(ph), mean(ph))
		default:
			add(0, ph.For, ph.Rate, ph.Rate)
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
