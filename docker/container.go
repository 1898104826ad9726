package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tcexec "github.com/testcontainers/testcontainers-go/exec"
)

// Container is one that was started. Its methods may be called from several
// goroutines.
type Container struct {
	Name string // as in ContainerSpec
	ID   string

	run *Run
	tc  *testcontainers.DockerContainer

	mu     sync.Mutex // guards what a fault changes
	ips    map[Network]string
	ports  map[string]string                    // container port → host:port
	files  *gauge                               // nil for none
	looked bool                                 // for it
	off    map[string]*network.EndpointSettings // by name, the networks that Blackhole took it off
}

// Start creates a container, copies its files into it, starts it, and waits
// until it is ready. Where that fails, the error holds the last lines of its
// log, and the container is removed.
func (r *Run) Start(ctx context.Context, s ContainerSpec) (*Container, error) {
	if err := r.check(s); err != nil {
		return nil, err
	}
	// testcontainers would look for a missing image in a registry.
	if _, ok, err := r.engine.image(ctx, s.Image); err != nil {
		return nil, err
	} else if !ok {
		return nil, fmt.Errorf("container %s: the engine has no image %s", s.Name, s.Image)
	}
	raised := !r.engine.keepRlimits.Load()
	c, err := r.run(ctx, s)
	if err != nil && raised && strings.Contains(err.Error(), "setting rlimit") {
		r.engine.keepRlimits.Store(true)
		// The engine itself has fewer open files and may not hand out more.
		c, err = r.run(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	if err := c.refresh(ctx); err != nil {
		return nil, r.failed(c, err)
	}
	if s.Ready != nil {
		if err := c.wait(ctx, *s.Ready); err != nil {
			return nil, r.failed(c, err)
		}
	}
	return c, nil
}

// run creates a container and starts it.
func (r *Run) run(ctx context.Context, s ContainerSpec) (*Container, error) {
	made, err := r.engine.provider.CreateContainer(ctx, r.request(s))
	c := &Container{Name: s.Name, run: r}
	if made != nil {
		c.tc = made.(*testcontainers.DockerContainer)
		c.ID = c.tc.ID
	}
	if err != nil {
		return nil, r.failed(c, fmt.Errorf("container %s: %w%s", s.Name, err, startHint(err)))
	}
	if err := c.tc.Start(ctx); err != nil {
		return nil, r.failed(c, fmt.Errorf("container %s: %w%s", s.Name, err, startHint(err)))
	}
	return c, nil
}

// failed removes a container that could not be started, also when the caller's
// context is gone.
func (r *Run) failed(c *Container, err error) error {
	if c.ID == "" {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), cleanLimit)
	defer cancel()
	return errors.Join(err, r.engine.removeContainer(ctx, c.ID))
}

func startHint(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "exec format error"):
		return "\n\thint: the program was built for another processor: see Engine.Platform"
	case strings.Contains(text, "no such file or directory"), strings.Contains(text, "executable file not found"):
		return "\n\thint: the image has no such program, or the program is not static and its loader is missing"
	case strings.Contains(text, "cpuset"), strings.Contains(text, "CPUs"):
		return "\n\thint: the cpuset or CPU limit names more than the engine's host has"
	}
	return ""
}

// refresh reads the addresses, which the engine gives anew at each start.
func (c *Container) refresh(ctx context.Context) error {
	r, err := c.run.engine.cli.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if err != nil {
		return fmt.Errorf("container %s: %w", c.Name, err)
	}
	if r.Container.NetworkSettings == nil {
		return fmt.Errorf("container %s: the engine tells nothing about its networks", c.Name)
	}
	ips, ports := map[Network]string{}, map[string]string{}
	for n, w := range c.run.nets {
		if ep := r.Container.NetworkSettings.Networks[w.name]; ep != nil && ep.IPAddress.IsValid() {
			ips[n] = ep.IPAddress.String()
		}
	}
	for port, bindings := range r.Container.NetworkSettings.Ports {
		if len(bindings) > 0 {
			ports[port.Port()] = net.JoinHostPort(c.run.engine.stand.reach, bindings[0].HostPort)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ips, c.ports = ips, ports
	c.files, c.looked = nil, false // it may have been started anew
	return nil
}

// IP is the container's address on a network, "" where it is not on it or does
// not run.
func (c *Container) IP(n Network) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ips[n]
}

// Addr is the host:port by which this program reaches a published port, "" for
// one that is not published. It changes with Restart.
func (c *Container) Addr(port string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ports[port]
}

// Logs is all that the container wrote to standard output and standard error.
func (c *Container) Logs(ctx context.Context) (string, error) {
	r, err := c.run.engine.cli.ContainerLogs(ctx, c.ID, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return "", fmt.Errorf("log of container %s: %w", c.Name, err)
	}
	defer r.Close()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, r); err != nil {
		return text.String(), fmt.Errorf("log of container %s: %w", c.Name, err)
	}
	return text.String(), nil
}

// Output is what the container wrote to standard output alone, since it was created.
func (c *Container) Output(ctx context.Context) (string, error) {
	r, err := c.run.engine.cli.ContainerLogs(ctx, c.ID, client.ContainerLogsOptions{ShowStdout: true})
	if err != nil {
		return "", fmt.Errorf("output of container %s: %w", c.Name, err)
	}
	defer r.Close()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, io.Discard, r); err != nil {
		return text.String(), fmt.Errorf("output of container %s: %w", c.Name, err)
	}
	return text.String(), nil
}

// Exec runs a command in the container; out is its standard output and standard
// error.
func (c *Container) Exec(ctx context.Context, cmd ...string) (code int, out string, err error) {
	code, r, err := c.tc.Exec(ctx, cmd, tcexec.Multiplexed())
	if err != nil {
		return code, "", fmt.Errorf("container %s: %s: %w", c.Name, strings.Join(cmd, " "), err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return code, string(data), fmt.Errorf("container %s: %s: %w", c.Name, strings.Join(cmd, " "), err)
	}
	return code, string(data), nil
}

// Pause freezes all its processes.
func (c *Container) Pause(ctx context.Context) error {
	_, err := c.run.engine.cli.ContainerPause(ctx, c.ID, client.ContainerPauseOptions{})
	return c.did("pausing", err)
}

// Unpause lets them go on.
func (c *Container) Unpause(ctx context.Context) error {
	_, err := c.run.engine.cli.ContainerUnpause(ctx, c.ID, client.ContainerUnpauseOptions{})
	return c.did("unpausing", err)
}

// Kill sends a signal to its process 1: KILL, TERM, HUP. It does not wait.
func (c *Container) Kill(ctx context.Context, signal string) error {
	_, err := c.run.engine.cli.ContainerKill(ctx, c.ID, client.ContainerKillOptions{Signal: signal})
	return c.did("killing", err)
}

// Stop ends it by its stop signal, and by KILL after 10 s.
func (c *Container) Stop(ctx context.Context) error {
	return c.did("stopping", c.tc.Stop(ctx, new(10*time.Second)))
}

// Restart starts it again, after stopping it where it runs. Fixed addresses
// stay, others and published ports may change. It does not wait for readiness:
// see Wait.
func (c *Container) Restart(ctx context.Context) error {
	_, err := c.run.engine.cli.ContainerRestart(ctx, c.ID, client.ContainerRestartOptions{})
	if err != nil {
		return c.did("restarting", err)
	}
	return c.refresh(ctx)
}

func (c *Container) did(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s container %s: %w", what, c.Name, err)
	}
	return nil
}

// request puts a ContainerSpec in testcontainers' words.
func (r *Run) request(s ContainerSpec) testcontainers.ContainerRequest {
	labels := maps.Clone(r.labels)
	maps.Copy(labels, s.Labels)
	maps.Copy(labels, r.labels) // ours cannot be overwritten
	q := testcontainers.ContainerRequest{
		Image: s.Image, Name: r.name(s.Name), Cmd: s.Cmd, Env: s.Env, Labels: labels,
		NetworkAliases: map[string][]string{},
	}
	for _, path := range slices.Sorted(maps.Keys(s.Files)) {
		f := s.Files[path]
		q.Files = append(q.Files, testcontainers.ContainerFile{
			Reader: bytes.NewReader(f.Data), ContainerFilePath: path, FileMode: f.mode(),
		})
	}
	for _, n := range s.joins() {
		name := r.nets[n].name
		q.Networks = append(q.Networks, name)
		q.NetworkAliases[name] = []string{s.Name}
	}
	if s.Address != 0 {
		q.EndpointSettingsModifier = func(eps map[string]*network.EndpointSettings) {
			if ep := eps[r.nets[Back].name]; ep != nil {
				ep.IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: host(r.nets[Back].subnet, s.Address)}
			}
		}
	}
	r.configure(&q, s)
	return q
}
