package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/moby/moby/client"
)

// Read reads the regular files at and below a path of the container, which needs no
// program for it and need not run. The keys are paths from the path's own folder on.
func (c *Container) Read(ctx context.Context, at string) (map[string][]byte, error) {
	r, err := c.run.engine.cli.CopyFromContainer(ctx, c.ID, client.CopyFromContainerOptions{SourcePath: at})
	if err != nil {
		return nil, fmt.Errorf("container %s: %s: %w", c.Name, at, err)
	}
	defer r.Content.Close()
	files := map[string][]byte{}
	for t := tar.NewReader(r.Content); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("container %s: %s: %w", c.Name, at, err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if files[path.Clean(h.Name)], err = io.ReadAll(t); err != nil {
			return nil, fmt.Errorf("container %s: %s: %w", c.Name, at, err)
		}
	}
}

// Remove removes the container before its run ends.
func (c *Container) Remove(ctx context.Context) error {
	return c.run.engine.removeContainer(ctx, c.ID)
}
