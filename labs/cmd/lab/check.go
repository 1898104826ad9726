package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"proxylab/labs"
	"proxylab/reports/record"
)

type checkCmd struct {
	Run_ string `arg:"" optional:"" name:"run" default:"reports/out/latest" help:"Folder of the run."`
}

// Run holds the records to the checks that the lab has now, and changes nothing.
func (c *checkCmd) Run() error {
	dir, err := filepath.EvalSymlinks(c.Run_)
	if err != nil {
		return fmt.Errorf("%w\n\thint: `make lab` makes a run; its folder is below reports/out", err)
	}
	run, err := record.Read(dir)
	if err != nil {
		return err
	}
	lab, err := labs.Find("labs", run.About.Lab)
	if err != nil {
		return err
	}
	checks, err := lab.SelfCheck(dir)
	if err != nil {
		return err
	}
	if checks.Of == 0 {
		return fmt.Errorf("%s has no checks\n\thint: checks: in its lab.yaml; `go doc proxylab/labs/check` tells how", lab.Name)
	}
	return told(checks)
}

// told prints what a self-check found. Its error says how many claims did not pass.
func told(c record.Checks) error {
	var b strings.Builder
	missed := 0
	for _, one := range c.Checks {
		word := "passed"
		if !one.Passed {
			word = "NOT PASSED"
			missed++
		}
		fmt.Fprintf(&b, "%s, %d of %d: %s\n", word, one.Points, one.Of, one.Claim)
		for _, line := range one.Shows {
			fmt.Fprintf(&b, "    %s\n", line)
		}
		fmt.Fprintf(&b, "    why: %s\n", one.Reason)
		if !one.Passed {
			fmt.Fprintf(&b, "    hint: %s\n", one.Hint)
		}
	}
	fmt.Fprintf(&b, "self-check: %d of %d points\n", c.Points, c.Of)
	if _, err := os.Stdout.WriteString(b.String()); err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%d of %d checks did not pass", missed, len(c.Checks))
	}
	return nil
}
