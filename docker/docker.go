// Package docker runs containers on a container engine: images, the two
// networks of a run, containers with limits, their figures, and the cleaning
// up after all of it. It knows containers, not proxies.
//
// A typical use:
//
//	e, err := docker.Open(ctx, docker.Options{Say: say, Setup: true})
//	goos, goarch := e.Platform()
//	app, err := docker.Binary(ctx, ".", "./labs/origin/cmd/origin", goos, goarch)
//	img, err := e.Build(ctx, docker.BuildSpec{Name: "origin", Dockerfile: "static.Dockerfile",
//		Files: map[string]docker.File{"app": {Data: app, Mode: 0o755}}})
//	run, err := e.NewRun(ctx, "20261123-101500")
//	defer run.Close()
//	c, err := run.Start(ctx, docker.ContainerSpec{Name: "origin1", Image: img.Ref,
//		Networks: []docker.Network{docker.Back}, Address: 11,
//		Publish: []string{"9000"}, Ready: &docker.Ready{Port: "9000", Path: "/healthz", Body: "ok\n"}})
//
// # The networks of a run
//
//	front  clients and systems; leads to the outside as any bridge does
//	back   systems and origins; no way to the outside (nothing is masqueraded),
//	       and the engine lets nothing pass between two bridges, so that a
//	       container on front alone cannot reach one on back
//
// Both are bridges with a /24 of their own, chosen at random from private
// space where neither the host nor the engine uses it. On back, host numbers
// 2 to 127 are for fixed addresses (ContainerSpec.Address), the rest is
// handed out by the engine.
//
// # What stays behind
//
// Nothing. Containers and networks carry the labels of labels.go: the run, the
// process that owns it, and the guard. Run.Close removes by label; Guard is the
// parent process that does so when the working process could not; and
// Engine.CleanDead finds what both left, because a machine lost power.
//
// # Time limits
//
// Calls obey their context. Those that clean up have limits of their own and
// work when the context is gone.
package docker

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// Options say how Open may behave.
type Options struct {
	Say   func(format string, args ...any) // one line of progress to the user
	Ask   func(question string) bool       // nil where there is no terminal
	Setup bool                             // may install and start an engine (false for LAB_SETUP=no)
}

// Engine is a reachable container engine. Its methods may be called from
// several goroutines.
type Engine struct {
	cli      *client.Client
	provider *testcontainers.DockerProvider
	say      func(format string, args ...any)
	stand    standpoint
	mtu      string // of the engine's default bridge, "" where unknown
	os, arch string // in Go's words
	version  string // Docker 20.10.24

	keepRlimits atomic.Bool // the engine may not raise the limit on open files
}

// Open finds the engine: DOCKER_HOST, the docker command's context, the usual
// sockets of Docker and podman. Where none answers and Options permit it, one
// is installed and started (see setup.go).
func Open(ctx context.Context, o Options) (*Engine, error) {
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	cli, err := connect(ctx)
	if err != nil {
		if cli, err = setUp(ctx, o, err); err != nil {
			return nil, err
		}
	}
	e := &Engine{cli: cli, say: o.Say}
	if err := e.learn(ctx); err != nil {
		cli.Close()
		return nil, err
	}
	if e.provider, err = newProvider(ctx, cli, e.stand); err != nil {
		cli.Close()
		return nil, err
	}
	return e, nil
}

// Close ends the connection to the engine, and removes testcontainers' reaper
// where it ran.
func (e *Engine) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanLimit)
	defer cancel()
	dismissReaper(ctx, e.cli, session.id)
	return e.cli.Close()
}

// Platform says what binaries must be built for.
func (e *Engine) Platform() (goos, goarch string) { return e.os, e.arch }

// learn asks the engine what does not change while it runs.
func (e *Engine) learn(ctx context.Context) error {
	v, err := e.cli.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return fmt.Errorf("the engine's version: %w", err)
	}
	e.os, e.arch = v.Os, v.Arch
	if e.os != "linux" {
		return fmt.Errorf("the engine runs %s containers, the lab needs linux ones\n\thint: Docker Desktop: switch to Linux containers", v.Os)
	}
	e.version = "Docker " + v.Version
	for _, c := range v.Components {
		if strings.Contains(c.Name, "Podman") {
			e.version = "Podman " + v.Version
		}
	}
	bridge := e.defaultBridge(ctx)
	e.mtu = bridge.mtu
	e.stand, err = stand(e.cli.DaemonHost(), os.Getenv("TESTCONTAINERS_HOST_OVERRIDE"), inContainer(), bridge.gateway, ownAddresses())
	return err
}
