package docker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// Fault is a way in which a container fails those who talk to it. [Container.Fail]
// begins it, [Container.Mend] ends it.
type Fault string

// The faults that an engine can make of any container.
const (
	// Kill is SIGKILL. The kernel closes its connections; after that, and until it is
	// started again, its address answers nothing.
	Kill Fault = "kill"
	// Stop is its stop signal, and KILL after 10 s; then as Kill.
	Stop Fault = "stop"
	// Pause freezes its processes. The kernel goes on to take connections and bytes
	// for them, as many as its queues hold.
	Pause Fault = "pause"
	// Blackhole takes it off its networks, as if its cables were pulled: nothing
	// arrives, nothing comes back, and no connection is closed.
	Blackhole Fault = "blackhole"
)

// Fail lets the container fail. It returns when the fault is there.
func (c *Container) Fail(ctx context.Context, f Fault) error {
	switch f {
	case Kill:
		return c.Kill(ctx, "KILL")
	case Stop:
		return c.Stop(ctx)
	case Pause:
		return c.Pause(ctx)
	case Blackhole:
		return c.disconnect(ctx)
	}
	return unknownFault(f)
}

// Mend ends a fault that Fail began. After Kill, Stop and Blackhole fixed addresses
// are what they were, others and published ports may be new. It does not wait for
// readiness: see Wait.
func (c *Container) Mend(ctx context.Context, f Fault) error {
	switch f {
	case Kill, Stop:
		return c.Restart(ctx)
	case Pause:
		return c.Unpause(ctx)
	case Blackhole:
		return c.connect(ctx)
	}
	return unknownFault(f)
}

// Can says why the engine cannot make a fault; nil where it can. It lets this
// container fail for a moment to find out, unless every engine can do it: a rootless
// one may freeze nothing, and not every kind of network can be left and joined.
func (c *Container) Can(ctx context.Context, f Fault) error {
	if f == Kill || f == Stop {
		return nil
	}
	if err := c.Fail(ctx, f); err != nil {
		return err
	}
	return c.Mend(ctx, f)
}

func unknownFault(f Fault) error {
	known := []string{string(Kill), string(Stop), string(Pause), string(Blackhole)}
	return fmt.Errorf("%q is no fault\n\thint: %s", f, strings.Join(known, ", "))
}

// disconnect takes the container off its networks and keeps what connect needs.
func (c *Container) disconnect(ctx context.Context) error {
	r, err := c.run.engine.cli.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if err != nil {
		return c.did("disconnecting", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.off != nil {
		return c.did("disconnecting", fmt.Errorf("it is off its networks already"))
	}
	c.off = map[string]*network.EndpointSettings{}
	for name, ep := range r.Container.NetworkSettings.Networks {
		_, err := c.run.engine.cli.NetworkDisconnect(ctx, name, client.NetworkDisconnectOptions{Container: c.ID})
		if err != nil {
			return c.did("disconnecting", err)
		}
		// What was asked for at its creation; the rest is the engine's to give.
		c.off[name] = &network.EndpointSettings{IPAMConfig: ep.IPAMConfig, Aliases: ep.Aliases, DriverOpts: ep.DriverOpts}
	}
	return nil
}

// connect undoes disconnect, also one that failed half way.
func (c *Container) connect(ctx context.Context) error {
	c.mu.Lock()
	for _, name := range slices.Sorted(maps.Keys(c.off)) {
		_, err := c.run.engine.cli.NetworkConnect(ctx, name, client.NetworkConnectOptions{Container: c.ID, EndpointConfig: c.off[name]})
		if err != nil {
			c.mu.Unlock()
			return c.did("connecting", err)
		}
		delete(c.off, name)
	}
	c.off = nil
	c.mu.Unlock()
	return c.refresh(ctx)
}
