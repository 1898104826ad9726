package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"proxylab/docker"
	"proxylab/labs"
	"proxylab/reports"
)

type runCmd struct {
	Lab     string   `arg:"" optional:"" default:"01" help:"The lab's number or name."`
	Size    string   `default:"quick" help:"How much of it: smoke, quick or full."`
	Seed    uint64   `help:"Of the order of trials; drawn when left out."`
	Systems []string `help:"Systems under test, separated by commas; the lab's own when left out."`
	Out     string   `default:"reports/out" help:"Folder of runs."`
}

// Run plays the lab, writes the report, and shows its table.
func (c *runCmd) Run(ctx context.Context) error {
	lab, err := labs.Find("labs", c.Lab)
	if err != nil {
		return err
	}
	c.Seed = cmp.Or(c.Seed, 1+rand.Uint64N(9999))
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
	term.say("%s: %s", lab.Name, lab.Title)
	dir, err := labs.Run(ctx, labs.Options{
		Lab: lab, Size: c.Size, Seed: c.Seed, Systems: c.Systems,
		Source: ".", Out: c.Out, Engine: engine,
		ID: labs.NewID(lab.Name, time.Now()), Command: c.command(lab), Progress: term.show,
	})
	if err != nil {
		return err
	}
	term.show(labs.Event{Step: "report"})
	return writeReport(c.Out, dir, term)
}

// command is what repeats this run, for the report.
func (c *runCmd) command(lab *labs.Lab) string {
	number, _, _ := strings.Cut(lab.Name, "-")
	s := fmt.Sprintf("make lab LAB=%s SIZE=%s SEED=%d", number, c.Size, c.Seed)
	if len(c.Systems) > 0 {
		s += " SYSTEMS=" + strings.Join(c.Systems, ",")
	}
	return s
}

// openEngine finds a container engine, or sets one up where that is allowed.
func openEngine(ctx context.Context, term *terminal) (*docker.Engine, error) {
	return docker.Open(ctx, docker.Options{
		Say:   term.say,
		Ask:   term.asker(),
		Setup: os.Getenv("LAB_SETUP") != "no",
	})
}

// writeReport writes a run's report, points latest at it and shows its table.
func writeReport(out, dir string, term *terminal) error {
	results, err := reports.Write(dir)
	if err != nil {
		return err
	}
	if err := reports.Latest(out, dir); err != nil {
		return err
	}
	term.close()
	fmt.Println()
	if err := reports.Table(os.Stdout, results); err != nil {
		return err
	}
	fmt.Printf("\nreport: %s\n", filepath.Join(dir, "index.html"))
	return nil
}
