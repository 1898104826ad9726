package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Usage is what a container used since its start, by its cgroup. Counters start
// again with the container.
type Usage struct {
	Read             time.Time // by the engine's clock
	CPUSeconds       float64
	ThrottledSeconds float64
	ThrottledPeriods int64 // periods of 5 ms in which it was stopped for having used up its share
	MemoryBytes      int64 // anonymous: not page cache
}

// Usage takes one reading. The engine's collector wakes once a second while it is
// asked: a first reading comes at once, a second one within that second comes at
// the collector's next turn. Read says when the figures were taken, which is
// after the call in either case.
func (c *Container) Usage(ctx context.Context) (Usage, error) {
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
		CPUSeconds:       float64(s.CPUStats.CPUUsage.TotalUsage) / 1e9,
		ThrottledSeconds: float64(s.CPUStats.ThrottlingData.ThrottledTime) / 1e9,
		ThrottledPeriods: int64(s.CPUStats.ThrottlingData.ThrottledPeriods),
	}
	for _, key := range []string{"total_rss", "rss", "anon"} {
		if v, ok := s.MemoryStats.Stats[key]; ok {
			u.MemoryBytes = int64(v)
			break
		}
	}
	return u, true
}
