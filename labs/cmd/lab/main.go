// Command lab plays the labs; make builds and runs it.
//
//	lab list                          the labs, with goal and time
//	lab run [LAB] [--size quick]      play one and write its report
//	lab report [RUN]                  write a run's report anew from its records
//	lab check [RUN]                   the self-check of a run, with points
//	lab resume [RUN]                  play the trials that an interrupted run lacks
//	lab compare A B                   hold run B against run A
//	lab lint                          check every lab.yaml
//	lab check-proxy PROXY             examine a student's own proxy by the course's demands
//	lab apache-steps                  the steps that set Apache up, to repeat by hand
//	lab clean                         remove what a killed run left
//
// Exit status: 0 done, 1 failed (for check: some check did not pass), 2 wrong usage, 130, 143 or 129 interrupted. That of
// compare is 0 where nothing is worse, 1 where something is, 2 where the runs cannot
// be compared.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"proxylab/docker"
)

// cli is the command line. Every command is a struct with a Run method in a
// file of its own name.
type cli struct {
	List        listCmd        `cmd:"" help:"Show the labs, with goal and time."`
	Run         runCmd         `cmd:"" help:"Play a lab and write its report."`
	Report      reportCmd      `cmd:"" help:"Write the report of a run anew from its records."`
	Check       checkCmd       `cmd:"" help:"Hold a run to the checks of its lab."`
	Resume      resumeCmd      `cmd:"" help:"Play the trials that an interrupted run lacks."`
	Compare     compareCmd     `cmd:"" help:"Hold a run against another one."`
	Lint        lintCmd        `cmd:"" help:"Check every lab.yaml."`
	CheckProxy  checkProxyCmd  `cmd:"" help:"Examine your own proxy by the course's demands."`
	ApacheSteps apacheStepsCmd `cmd:"" help:"Show the steps that set Apache up."`
	Clean       cleanCmd       `cmd:"" help:"Remove containers and networks that a killed run left."`
}

func main() {
	var c cli
	parser := kong.Must(&c, kong.Name("lab"), kong.Description("Experiments with reverse proxies."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	command, err := parser.Parse(os.Args[1:])
	if err != nil {
		complain(err)
		os.Exit(2)
	}
	// The guard is a small parent process: it removes the run's containers
	// even when the working process is killed.
	os.Exit(docker.Guard(func(ctx context.Context) int {
		command.BindTo(ctx, (*context.Context)(nil))
		if err := command.Run(); err != nil {
			if ctx.Err() != nil {
				err = errors.New("interrupted")
			}
			complain(err)
			if code, ok := docker.StopCode(ctx); ok {
				return code
			}
			var own status
			if errors.As(err, &own) {
				return own.code
			}
			return 1
		}
		return 0
	}))
}

// complain writes an error as error: and hint: lines.
func complain(err error) {
	text := strings.ReplaceAll(err.Error(), "\n\thint: ", "\nhint: ")
	fmt.Fprintln(os.Stderr, "error: "+text)
}
