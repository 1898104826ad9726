package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// Removed says what a cleaning took away.
type Removed struct {
	Containers, Networks, Images int
}

// selection says which labelled things a cleaning is about.
type selection struct {
	filter client.Filters // what the engine selects
	also   func(labels map[string]string) bool
}

func byLabel(l string) selection {
	return selection{client.Filters{}.Add("label", l), func(map[string]string) bool { return true }}
}

func byRun(id string) selection { return byLabel(labelRun + "=" + id) }

// own selects a run's parts without those of another process's run of the same id.
func (r *Run) own() selection {
	s := byRun(r.id)
	s.also = func(l map[string]string) bool {
		return l[labelHost] == r.labels[labelHost] && l[labelOwner] == r.labels[labelOwner]
	}
	return s
}

// byDeadOwner selects what was made by processes that are gone.
func byDeadOwner() selection {
	return selection{client.Filters{}.Add("label", labelRun), func(l map[string]string) bool {
		return ownerDead(l[labelHost], l[labelOwner])
	}}
}

// Clean removes the containers and networks of one run, or with run "" those of
// all runs, also of runs that are going on, and what cut builds left.
func (e *Engine) Clean(ctx context.Context, run string) (Removed, error) {
	if run != "" {
		return e.clean(ctx, byRun(run))
	}
	r, err := e.clean(ctx, byLabel(labelRun))
	n, err2 := e.cleanBuilds(ctx, true)
	r.Containers += n.Containers
	r.Images += n.Images
	return r, errors.Join(err, err2, cleanTemp(os.TempDir()))
}

// CleanDead removes what processes left that are gone: killed with their guard,
// or with the machine. Runs that are going on are not touched.
func (e *Engine) CleanDead(ctx context.Context) (Removed, error) {
	r, err := e.clean(ctx, byDeadOwner())
	n, err2 := e.cleanBuilds(ctx, false)
	r.Containers += n.Containers
	r.Images += n.Images
	return r, errors.Join(err, err2, cleanTemp(os.TempDir()))
}

// clean removes containers, then networks. A creation that was on its way when
// its process died may end after the first look, and a removal may meet another
// one, so it looks again until there is nothing.
func (e *Engine) clean(ctx context.Context, s selection) (Removed, error) {
	gone := seen{map[string]bool{}, map[string]bool{}}
	for {
		n, err := e.sweep(ctx, s, gone)
		sum := Removed{Containers: len(gone.containers), Networks: len(gone.networks)}
		if err == nil && n == 0 {
			return sum, nil
		}
		if err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return sum, err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// seen is the ids of what a cleaning has met: a container whose removal takes
// its time is met more than once and counts once.
type seen struct{ containers, networks map[string]bool }

// sweep looks once, and removes what it sees; n says how much that was.
func (e *Engine) sweep(ctx context.Context, s selection, gone seen) (n int, err error) {
	cs, err := e.cli.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: s.filter})
	if err != nil {
		return n, err
	}
	var ids []string
	for _, c := range cs.Items {
		if s.also(c.Labels) {
			ids = append(ids, c.ID)
			gone.containers[c.ID] = true
		}
	}
	err = e.removeAll(ctx, ids)
	n = len(ids)
	ns, err2 := e.cli.NetworkList(ctx, client.NetworkListOptions{Filters: s.filter})
	if err2 != nil {
		return n, errors.Join(err, err2)
	}
	for _, w := range ns.Items {
		if s.also(w.Labels) {
			n++
			gone.networks[w.ID] = true
			err = errors.Join(err, e.removeNetwork(ctx, w))
		}
	}
	return n, err
}

// removeAll removes containers side by side: each takes the engine 0.1 to 0.5 s.
func (e *Engine) removeAll(ctx context.Context, ids []string) error {
	errs := make([]error, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() { errs[i] = e.removeContainer(ctx, id) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// removeContainer removes one, running, paused or dead.
func (e *Engine) removeContainer(ctx context.Context, id string) error {
	_, err := e.cli.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	switch {
	case err == nil, errdefs.IsNotFound(err):
		return nil
	case errdefs.IsConflict(err): // its removal is going on
		return e.awaitRemoval(ctx, id)
	}
	return fmt.Errorf("removing container %.12s: %w", id, err)
}

func (e *Engine) awaitRemoval(ctx context.Context, id string) error {
	w := e.cli.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionRemoved})
	select {
	case <-w.Result:
		return nil
	case err := <-w.Error:
		if errdefs.IsNotFound(err) {
			return nil
		}
		return err
	}
}

// removeNetwork removes one; what is not ours but hangs on it is let go first.
func (e *Engine) removeNetwork(ctx context.Context, w network.Summary) error {
	_, err := e.cli.NetworkRemove(ctx, w.ID, client.NetworkRemoveOptions{})
	if err == nil || errdefs.IsNotFound(err) {
		return nil
	}
	if r, err2 := e.cli.NetworkInspect(ctx, w.ID, client.NetworkInspectOptions{}); err2 == nil {
		for id := range r.Network.Containers {
			_, _ = e.cli.NetworkDisconnect(ctx, w.ID, client.NetworkDisconnectOptions{Container: id, Force: true})
		}
		_, err = e.cli.NetworkRemove(ctx, w.ID, client.NetworkRemoveOptions{})
	}
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("removing network %s: %w", w.Name, err)
	}
	return nil
}

// settled is the age from which a part of a build cannot belong to one that is
// going on.
const settled = 10 * time.Minute

// cleanBuilds removes what cut builds left: containers of single steps, and
// images without a name. Without all, it spares what another process's build may
// be working on.
func (e *Engine) cleanBuilds(ctx context.Context, all bool) (Removed, error) {
	var n Removed
	f := client.Filters{}.Add("label", labelBuild)
	cs, err := e.cli.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: f})
	if err != nil {
		return n, err
	}
	var ids []string
	for _, c := range cs.Items {
		_, ofRun := c.Labels[labelRun]
		old := c.State != container.StateRunning && time.Since(time.Unix(c.Created, 0)) > settled
		if !ofRun && (all || old) {
			ids = append(ids, c.ID)
		}
	}
	n.Containers = len(ids)
	if err := e.removeAll(ctx, ids); err != nil {
		return n, err
	}
	f = f.Add("dangling", "true")
	if !all {
		f = f.Add("until", settled.String())
	}
	r, err := e.cli.ImagePrune(ctx, client.ImagePruneOptions{Filters: f})
	if err != nil {
		return n, fmt.Errorf("removing images without a name: %w", err)
	}
	n.Images = len(r.Report.ImagesDeleted)
	return n, nil
}
