package docker

import (
	"context"
	"fmt"

	"github.com/moby/moby/client"
)

// SetCPUs gives a running container another CPU quota, in cores, in the same
// periods as [Limits] has. Its other limits stay.
func (c *Container) SetCPUs(ctx context.Context, cpus float64) error {
	if !(cpus >= 0.2) {
		return fmt.Errorf("container %s: %g CPUs are less than the engine's least quota of 1 ms in a period of 5 ms", c.Name, cpus)
	}
	r := Limits{CPUs: cpus}.resources()
	if _, err := c.run.engine.cli.ContainerUpdate(ctx, c.ID, client.ContainerUpdateOptions{Resources: &r}); err != nil {
		return fmt.Errorf("container %s: %g CPUs: %w", c.Name, cpus, err)
	}
	return nil
}
