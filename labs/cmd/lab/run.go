package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"proxylab/docker"
	"proxylab/labs"
	"proxylab/reports"
	"proxylab/reports/record"
)

type runCmd struct {
	Lab     string   `arg:"" optional:"" default:"01" help:"The lab's number or name."`
	Size    string   `default:"quick" help:"How much of it: smoke, quick or full."`
	Seed    uint64   `help:"Of the order of trials; drawn when left out."`
	Systems []string `help:"Systems under test, separated by commas; the lab's own when left out; proxyd,proxyd compares one with itself."`
	Mine    string   `placeholder:"PROXY" help:"Your own proxy, the system mine: a folder with a Dockerfile, a static binary, or an image."`
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
	o := labs.Options{
		Lab: lab, Size: c.Size, Seed: c.Seed, Systems: c.Systems, Mine: c.Mine, Source: ".", Out: c.Out,
		ID: labs.NewID(lab.Name, time.Now()), Command: c.command(lab), Progress: term.show,
	}
	// What can be seen now must not come to light after minutes.
	if err := errors.Join(o.Check(), reports.CheckLatest(c.Out)); err != nil {
		return err
	}
	engine, err := openEngine(ctx, term)
	if err != nil {
		return err
	}
	defer engine.Close()
	o.Engine = engine
	if _, err := engine.CleanDead(ctx); err != nil {
		return err
	}
	term.say("%s: %s", lab.Name, lab.Title)
	dir, err := labs.Run(ctx, o)
	if err != nil {
		if dir != "" {
			term.say("the trials that were done are kept; to play the others: make resume RUN=%s; for a report without them: make report RUN=%s", dir, dir)
		}
		return err
	}
	// Before the report, so that make report writes it where this one fails.
	if err := reports.Latest(c.Out, dir); err != nil {
		return labs.DiskHint(err, c.Out)
	}
	term.show(labs.Event{Step: "report"})
	checks, err := lab.SelfCheck(dir)
	if err == nil && checks.Of > 0 {
		err = record.WriteChecks(dir, checks)
	}
	if err := errors.Join(err, writeReport(dir, term)); err != nil || checks.Of == 0 {
		return err
	}
	fmt.Println()
	return told(checks)
}

// command is what repeats this run, for the report.
func (c *runCmd) command(lab *labs.Lab) string {
	number, _, _ := strings.Cut(lab.Name, "-")
	s := fmt.Sprintf("make lab LAB=%s SIZE=%s SEED=%d", number, c.Size, c.Seed)
	if len(c.Systems) > 0 {
		s += " SYSTEMS=" + strings.Join(c.Systems, ",")
	}
	if c.Mine != "" {
		s += " MINE=" + c.Mine
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

// writeReport writes a run's report and shows its table.
func writeReport(dir string, term *terminal) error {
	results, err := reports.Write(dir)
	if err != nil {
		return labs.DiskHint(err, dir)
	}
	term.close()
	fmt.Println()
	if err := reports.Table(os.Stdout, results); err != nil {
		return err
	}
	fmt.Printf("\nreport: %s\n", filepath.Join(dir, "index.html"))
	return nil
}
