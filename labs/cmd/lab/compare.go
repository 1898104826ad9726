package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"proxylab/reports"
)

type compareCmd struct {
	A          string `arg:"" help:"Folder or name of the run to start from."`
	B          string `arg:"" help:"Folder or name of the run to judge."`
	RatiosOnly bool   `help:"Judge how systems stand to each other in each run, which two machines have in common."`
	Out        string `default:"reports/out" help:"Folder of runs, for names."`
}

// Run holds run B against run A. Its exit status is for CI: 0 where nothing is
// worse, 1 where something is, 2 where the two cannot be compared.
func (c *compareCmd) Run() error {
	a, errA := c.folder(c.A)
	b, errB := c.folder(c.B)
	if err := errors.Join(errA, errB); err != nil {
		return status{2, err}
	}
	d, err := reports.Compare(a, b, c.RatiosOnly)
	if err != nil {
		return status{2, err}
	}
	if err := d.Write(os.Stdout); err != nil {
		return err
	}
	var worse []string
	for _, w := range d.Worse() {
		worse = append(worse, w.Of+", "+w.Measure)
	}
	if len(worse) > 0 {
		return fmt.Errorf("worse than before: %s", strings.Join(worse, "; "))
	}
	open := 0
	for _, ch := range d.Changes {
		if ch.Judged && ch.Word != reports.Better && ch.Word != "equivalent" {
			open++
		}
	}
	fmt.Printf("\nnothing is worse; %d of the judged figures are not decided\n", open)
	return nil
}

// folder finds a run by its path, or by its name among the runs.
func (c *compareCmd) folder(run string) (string, error) {
	dir, err := filepath.EvalSymlinks(run)
	if err == nil {
		return dir, nil
	}
	if named, err := filepath.EvalSymlinks(filepath.Join(c.Out, run)); err == nil {
		return named, nil
	}
	return "", fmt.Errorf("%w\n\thint: the folder of a run, or its name in %s", err, c.Out)
}

// status is an error with an exit status of its own.
type status struct {
	code int
	error
}

func (s status) Unwrap() error { return s.error }
