package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"proxylab/labs"
	"proxylab/reports"
)

type resumeCmd struct {
	Run_ string `arg:"" optional:"" name:"run" default:"reports/out/latest" help:"Folder of the run."`
}

// Run plays what the run lacks and writes its report. A run that lacks nothing gets
// its report alone.
func (c *resumeCmd) Run(ctx context.Context) error {
	dir, err := filepath.EvalSymlinks(c.Run_)
	if err != nil {
		return fmt.Errorf("%w\n\thint: the folder of a run that was interrupted, below reports/out", err)
	}
	out := filepath.Dir(dir)
	if err := reports.CheckLatest(out); err != nil {
		return err
	}
	term := newTerminal(os.Stderr)
	defer term.close()
	engine, err := openEngine(ctx, term)
	if err != nil {
		return err
	}
	defer engine.Close()
	if _, err := engine.CleanDead(ctx); err != nil {
		return err
	}
	o := labs.Options{Source: ".", Engine: engine, ID: labs.NewID("resumed", time.Now()), Progress: term.show}
	if err := labs.Resume(ctx, o, dir); err != nil {
		return err
	}
	if err := reports.Latest(out, dir); err != nil {
		return labs.DiskHint(err, out)
	}
	term.show(labs.Event{Step: "report"})
	return writeReport(dir, term)
}
