// Command loadgen is the load generator. In a container it waits for plans on a
// control port; by hand it runs one plan from a file, and writes samples for the
// tools of vegeta:
//
//	loadgen --control :9000
//	loadgen run plan.json > samples.csv
//	loadgen export samples/01-proxyd.csv.gz | vegeta report
//	loadgen null --listen :8080
//
// The null server answers whatever is asked with next to no work: the rate that the
// generator reaches against it is the most that it can be asked for.
//
// Package loadtest says what a plan is and what comes out.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"proxylab/loadtest"
)

type cli struct {
	Serve  serve  `cmd:"" default:"withargs" help:"Wait for plans on a control port (the default)."`
	Run    run    `cmd:"" help:"Run one plan; samples and the end record go to standard output."`
	Export export `cmd:"" help:"Write samples as vegeta's results, for vegeta report and vegeta plot."`
	Null   null   `cmd:"" help:"Answer whatever is asked with next to no work: what bounds the generator."`
}

type serve struct {
	Control string `default:":9000" placeholder:"ADDR" help:"Address of the control port (${default})."`
}

type run struct {
	Plan string `arg:"" help:"Plan as JSON; - for standard input."`
}

func main() {
	// A hit leaves about 10 KB of garbage behind and the live heap is a few MB:
	// by default half of the collector's work would be to run too often.
	debug.SetGCPercent(800)
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	var c cli
	k := kong.Parse(&c, kong.Name("loadgen"), kong.Description("Sends requests by a plan in an open loop."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// Run serves until SIGTERM, which also stops a run.
func (s serve) Run(ctx context.Context) error {
	l, err := net.Listen("tcp", s.Control)
	if err != nil {
		return fmt.Errorf("--control %s: %w", s.Control, err)
	}
	server := &http.Server{
		Handler:           new(loadtest.Server),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	fmt.Fprintln(os.Stderr, "loadgen: control on", l.Addr())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(last)
}

// Run runs the plan; after a signal what has come is written, and the exit
// status is not 0.
func (r run) Run(ctx context.Context) error {
	plan, err := r.read()
	if err != nil {
		return fmt.Errorf("%s: %w", r.Plan, err)
	}
	var g loadtest.Generator
	out := bufio.NewWriter(os.Stdout)
	if err := g.Stream(ctx, plan, out, out.Flush); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("stopped by a signal before the end of the plan")
	}
	return out.Flush() // the error of an earlier write, a full disk say, stays
}

func (r run) read() (loadtest.Plan, error) {
	if r.Plan == "-" {
		return loadtest.DecodePlan(os.Stdin)
	}
	f, err := os.Open(r.Plan)
	if err != nil {
		return loadtest.Plan{}, errors.Unwrap(err)
	}
	defer f.Close()
	return loadtest.DecodePlan(f)
}
