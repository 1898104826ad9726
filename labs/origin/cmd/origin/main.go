// Command origin is the labs' origin server; package origin says what it
// answers.
//
//	origin --name a --listen :8080 --control :9000
package main

import (
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

	"proxylab/labs/origin"
)

// grace is how long requests under way may take to end after SIGTERM.
const grace = 5 * time.Second

type cli struct {
	Name    string `placeholder:"NAME" help:"Name, for X-Origin and the counts (the host's name)."`
	Listen  string `default:":8080" placeholder:"ADDR" help:"Address to serve on (${default})."`
	Control string `default:":9000" placeholder:"ADDR" help:"Address of the control port (${default})."`
}

func main() {
	debug.SetGCPercent(400) // the live heap is small: collect less often
	var c cli
	kong.Parse(&c, kong.Name("origin"), kong.Description("Answers what the path asks for and counts it."))
	// As process 1 of a container nobody else would handle the signals.
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := c.serve(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// serve answers until ctx ends, and then finishes what runs.
func (c cli) serve(ctx context.Context) error {
	name := c.Name
	if name == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("--name: none given, and the host has none: %w", err)
		}
		name = host
	}
	s := origin.New(name)
	main, err := listen("--listen", c.Listen)
	if err != nil {
		return err
	}
	control, err := listen("--control", c.Control)
	if err != nil {
		return errors.Join(err, main.Close())
	}
	// The idle time is longer than any proxy's, so that it is the proxy that
	// closes: an origin that closes first loses requests that are on their way.
	servers := []*http.Server{
		{Handler: s, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 10 * time.Minute},
		{Handler: s.Control(), ReadHeaderTimeout: 30 * time.Second},
	}
	failed := make(chan error, len(servers))
	for i, l := range []net.Listener{main, control} {
		go func() { failed <- servers[i].Serve(l) }()
	}
	go s.Watch(ctx)
	fmt.Fprintf(os.Stderr, "origin %s: serving on %s, control on %s\n", name, main.Addr(), control.Addr())
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	for _, server := range servers {
		err = errors.Join(err, server.Shutdown(last))
	}
	return err
}

func listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n\thint: choose another port, as %s :8081", flag, addr, err, flag)
	}
	return l, nil
}
