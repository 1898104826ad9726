package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"proxylab/apache"
	"proxylab/docker"
	"proxylab/labs"
)

type listCmd struct{}

// Run shows one line a lab.
func (listCmd) Run() error {
	all, err := labs.List("labs")
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, l := range all {
		fmt.Fprintf(w, "%s\t%s\n", l.Name, l.Goal)
		for _, size := range l.SizeNames() {
			fmt.Fprintf(w, "\t%s: %d trials of each system, about %s of load\n", size, l.Sizes[size].Blocks, l.Duration(size).Round(time.Second))
		}
	}
	return w.Flush()
}

type lintCmd struct{}

// Run reads every lab.yaml; the faults of all come at once.
func (lintCmd) Run() error {
	all, err := labs.List("labs")
	if err != nil {
		return err
	}
	fmt.Printf("%d lab(s) in order\n", len(all))
	return nil
}

type reportCmd struct {
	Run_ string `arg:"" optional:"" name:"run" default:"reports/out/latest" help:"Folder of the run."`
}

// Run writes the report again from what was recorded. latest stays where it
// is: it points at the newest run, and this one may be old, or lie elsewhere.
func (c *reportCmd) Run() error {
	dir, err := filepath.EvalSymlinks(c.Run_)
	if err != nil {
		return fmt.Errorf("%w\n\thint: `make lab` makes a run; its folder is below reports/out", err)
	}
	return writeReport(dir, newTerminal(os.Stderr))
}

type apacheStepsCmd struct {
	Lang    string `default:"en" help:"Language: en or es."`
	Variant string `default:"debian" help:"Of the machine: debian (sudo, systemctl), or service (root, no systemd)."`
}

// Run prints the steps from which the image is built.
func (c *apacheStepsCmd) Run() error {
	text, err := apache.Steps(apache.Lang(c.Lang), apache.Variant(c.Variant))
	if err != nil {
		return err
	}
	_, err = os.Stdout.WriteString(text)
	return err
}

type cleanCmd struct {
	All bool `help:"Also what belongs to runs that are going on."`
}

// Run removes what killed runs left in the engine.
func (c *cleanCmd) Run(ctx context.Context) error {
	engine, err := openEngine(ctx, newTerminal(os.Stderr))
	if err != nil {
		return err
	}
	defer engine.Close()
	remove := engine.CleanDead
	if c.All {
		remove = func(ctx context.Context) (docker.Removed, error) { return engine.Clean(ctx, "") }
	}
	r, err := remove(ctx)
	fmt.Printf("removed %d containers, %d networks, %d images of cut builds\n", r.Containers, r.Networks, r.Images)
	return err
}
