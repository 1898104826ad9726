package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Usage is what a container used since its start, by its cgroup. Counters start
// again with the container.
type Usage struct {
	Read             time.Time // by the engine's clock
	Source           string    // FromFiles or FromEngine
	CPUSeconds       float64
	ThrottledSeconds float64
	ThrottledPeriods int64 // periods of 5 ms in which it was stopped for having used up its share
	MemoryBytes      int64 // anonymous: not page cache

	// FromFiles alone but for Threads and the bytes; 0 where the machine does not tell.
	Processes     int
	Threads       int
	Sockets       int // in its network namespace
	ReceivedBytes int64
	SentBytes     int64
}

// Work is what a container's processes did since their start, where this machine may
// look at them.
type Work struct {
	Switches int64 // context switches of the threads that live
	Calls    int64 // read and write calls, to files and sockets: what /proc/PID/io counts
}

// Work reads the files of each process; ok is false where that cannot be done.
func (c *Container) Work(ctx context.Context) (w Work, ok bool) {
	if g := c.gauge(ctx); g != nil {
		w.Switches, w.Calls, ok = g.work()
	}
	return w, ok
}

// Usage takes one reading, from the kernel's files where this machine shows them,
// else from the engine.
func (c *Container) Usage(ctx context.Context) (Usage, error) {
	if g := c.gauge(ctx); g != nil {
		if u, err := g.read(); err == nil {
			return u, nil
		}
		c.forgetGauge()
	}
	return c.engineUsage(ctx)
}

// gauge is the container's, found once for each of its lives; nil for none.
func (c *Container) gauge(ctx context.Context) *gauge {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.looked {
		// Where it cannot be asked now, the next reading asks again.
		g, err := c.findGauge(ctx)
		c.files, c.looked = g, err == nil || errors.Is(err, errNoFiles)
	}
	return c.files
}

// forgetGauge is for a container that ended: when it is started again, its
// processes and maybe its cgroup are others.
func (c *Container) forgetGauge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files, c.looked = nil, false
}

// engineUsage asks the engine. The engine's collector wakes once a second while it is
// asked: a first reading comes at once, a second one within that second comes at
// the collector's next turn. Read says when the figures were taken, which is
// after the call in either case.
func (c *Container) engineUsage(ctx context.Context) (Usage, error) {
	r, err := c.run.engine.cli.ContainerStats(ctx, c.ID, client.ContainerStatsOptions{})
	if err != nil {
		return Usage{}, fmt.Errorf("figures of container %s: %w", c.Name, err)
	}
	defer r.Body.Close()
	var s container.StatsResponse
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		return Usage{}, fmt.Errorf("figures of container %s: %w", c.Name, err)
	}
	u, ok := usage(s)
	if !ok {
		return Usage{}, fmt.Errorf("figures of container %s: the engine has none: it does not run", c.Name)
	}
	return u, nil
}

// usage reads the engine's answer; ok is false for a container that does not
// run, which is answered with zeros. Anonymous memory is total_rss with cgroup
// v1, anon with v2.
func usage(s container.StatsResponse) (u Usage, ok bool) {
	if s.Read.IsZero() || s.CPUStats.CPUUsage.TotalUsage == 0 {
		return Usage{}, false
	}
	u = Usage{
		Read:             s.Read,
		Source:           FromEngine,
		Threads:          int(s.PidsStats.Current),
		CPUSeconds:       float64(s.CPUStats.CPUUsage.TotalUsage) / 1e9,
		ThrottledSeconds: float64(s.CPUStats.ThrottlingData.ThrottledTime) / 1e9,
		ThrottledPeriods: int64(s.CPUStats.ThrottlingData.ThrottledPeriods),
	}
	for _, n := range s.Networks {
		u.ReceivedBytes, u.SentBytes = u.ReceivedBytes+int64(n.RxBytes), u.SentBytes+int64(n.TxBytes)
	}
	for _, key := range []string{"total_rss", "rss", "anon"} {
		if v, ok := s.MemoryStats.Stats[key]; ok {
			u.MemoryBytes = int64(v)
			break
		}
	}
	return u, true
}
