// Command bench compares proxies as bare processes pinned to cores; make bench
// builds and runs it in the root of the repository. Package proxylab/labs/bench
// says what is measured, and how.
//
//	bench --install
//	bench --cases=hit
//	bench --runs=5 --seconds=3 --systems=proxyd,nginx --cases=1k/conns=64 --json=bench.json
//
// Standard error gets a line for each trial, in the format of Go's benchmarks;
// standard output gets Markdown at the end.
//
// Exit status: 0 done, 1 interrupted or a system failed in a case, 2 wrong usage.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"proxylab/labs/bench"
)

type cli struct {
	Runs    int      `default:"5" help:"How often each trial is played."`
	Seconds int      `default:"2" help:"Length of a measurement."`
	Systems []string `placeholder:"NAME" help:"proxyd, nginx, haproxy, varnish, apache, apache-disk, apache-socache, httputil; all that are found by default."`
	Cases   []string `placeholder:"NAME" help:"Cases by the names of the table, or the beginning of one (hit); all by default."`
	JSON    string   `name:"json" placeholder:"FILE" help:"Write every trial there."`
	Install bool     `help:"Fetch missing Debian packages into .build/bench-root; the host stays as it is."`
	Host    bool     `help:"Stay in the host's network, with its firewall and congestion control; else one of its own, where root runs this."`
}

const folder = ".build"

func main() {
	if bench.Child(os.Args[1:]) {
		return
	}
	var c cli
	parser := kong.Must(&c, kong.Name("bench"), kong.Description("CPU time that a request costs a proxy."))
	if _, err := parser.Parse(os.Args[1:]); err != nil {
		complain(err)
		os.Exit(2)
	}
	cases, err := c.check()
	if err != nil {
		complain(err)
		os.Exit(2)
	}
	if err := c.run(cases); err != nil {
		complain(err)
		os.Exit(1)
	}
}

func (c *cli) check() ([]bench.Case, error) {
	if c.Runs < 1 || c.Seconds < 1 {
		return nil, fmt.Errorf("%d runs of %d s: less than one\n\thint: --runs=5 --seconds=2 are the defaults", c.Runs, c.Seconds)
	}
	return bench.CasesNamed(c.Cases)
}

func (c *cli) run(cases []bench.Case) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if c.Install {
		if err := bench.Install(ctx, os.Stderr, folder, c.Systems); err != nil {
			return err
		}
	}
	if !c.Host {
		if err := bench.OwnNetwork(); err != nil {
			fmt.Fprintf(os.Stderr, "in the host's network, with what its rules cost: %v\n", err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	result, err := bench.Run(ctx, bench.Options{
		Runs: c.Runs, Length: time.Duration(c.Seconds) * time.Second,
		Systems: c.Systems, Cases: cases,
		Folder: folder, Self: self, Log: os.Stderr,
	})
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if result == nil {
		return err
	}
	fmt.Print(result.Markdown())
	if c.JSON == "" {
		return err
	}
	text, writing := json.MarshalIndent(result, "", "  ")
	if writing == nil {
		writing = os.WriteFile(c.JSON, append(text, '\n'), 0o644)
	}
	return errors.Join(err, writing)
}

// complain writes an error as error: and hint: lines.
func complain(err error) {
	fmt.Fprintln(os.Stderr, "error: "+strings.ReplaceAll(err.Error(), "\n\thint: ", "\nhint: "))
}
