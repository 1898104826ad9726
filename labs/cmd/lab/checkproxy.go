package main

import (
	"context"
	"errors"
	"os"
	"time"

	"proxylab/labs"
	"proxylab/labs/acceptance"
	"proxylab/labs/systems"
)

type checkProxyCmd struct {
	Proxy string   `arg:"" help:"A folder with a Dockerfile, a static binary, or an image."`
	Only  []string `help:"Names of checks, separated by commas; all when left out."`
}

// Run examines a student's own proxy; points that are lost make the exit status 1.
func (c *checkProxyCmd) Run(ctx context.Context) error {
	mine, err := systems.FindMine(c.Proxy)
	if err != nil {
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
	results, err := labs.Accept(ctx, labs.AcceptanceOptions{
		Mine: mine, Source: ".", Only: c.Only, Engine: engine,
		ID: labs.NewID("check-proxy", time.Now()), Say: term.say,
	})
	term.close()
	if err != nil {
		return err
	}
	if err := acceptance.Write(os.Stdout, results); err != nil {
		return err
	}
	if earned, points, _, _ := acceptance.Totals(results); earned < points {
		return errors.New("not all of the course's demands are met")
	}
	return nil
}
