package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Ready says how a container tells that it is ready: GET Path on Port answers 200
// with exactly this body. The port is published for it where it is not anyway.
type Ready struct {
	Port, Path, Body string
	Within           time.Duration // 20 s by default
}

const (
	readyWithin = 20 * time.Second
	readyEvery  = 15 * time.Millisecond
)

// Wait waits until the container is ready, or fails with the last lines of its
// log as soon as it has ended or Within is over.
func (c *Container) Wait(ctx context.Context, r Ready) error { return c.wait(ctx, r) }

func (c *Container) wait(ctx context.Context, r Ready) error {
	within := r.Within
	if within == 0 {
		within = readyWithin
	}
	limit, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	ended := c.run.engine.cli.ContainerWait(limit, c.ID, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	probe := newProbe(c.Addr(r.Port), r)
	defer probe.close()
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		if probe.ready(limit) {
			return nil
		}
		select {
		case <-ended.Result:
			return c.unready(fmt.Errorf("container %s: ended before it was ready (%s)", c.Name, probe))
		case err := <-ended.Error:
			if limit.Err() == nil {
				return fmt.Errorf("container %s: %w", c.Name, err)
			}
		case <-limit.Done():
		case <-tick.C:
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return c.unready(fmt.Errorf("container %s: not ready within %s (%s): %s", c.Name, within, probe, probe.last))
	}
}

// probe asks for readiness again and again.
type probe struct {
	Ready
	addr   string
	client http.Client
	last   string // what the last try came to
}

func newProbe(addr string, r Ready) *probe {
	return &probe{Ready: r, addr: addr, last: "nothing was asked", client: http.Client{
		// No proxy, no redirect, and a connection of its own each time: a
		// kept one may lead into a process that is gone.
		Transport:     &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: time.Second}).DialContext},
		Timeout:       2 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (p *probe) String() string { return "GET " + p.Path + " on port " + p.Port }
func (p *probe) close()         { p.client.CloseIdleConnections() }

func (p *probe) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+p.Path, nil)
	if err != nil {
		p.last = err.Error()
		return false
	}
	resp, err := p.client.Do(req)
	if err != nil {
		if ctx.Err() == nil { // else the time was over in the middle; the try before says more
			p.last = err.Error()
		}
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(len(p.Body))+512))
	switch {
	case err != nil:
		p.last = err.Error()
	case resp.StatusCode != http.StatusOK:
		p.last = "answered " + resp.Status
	case string(body) != p.Body:
		p.last = fmt.Sprintf("answered 200 with body %.80q, not %q", body, p.Body)
	default:
		return true
	}
	return false
}

// unready adds what one needs to find out why: exit code, log, hint. The context
// of the start may be over.
func (c *Container) unready(cause error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var b strings.Builder
	r, err := c.run.engine.cli.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if err == nil && r.Container.State != nil {
		s := r.Container.State
		if !s.Running {
			fmt.Fprintf(&b, "\nexit code %d", s.ExitCode)
		}
		if hint := exitHint(s); hint != "" {
			b.WriteString("\n\thint: " + hint)
		}
	}
	log, err := c.Logs(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("%w%s", cause, &b), err)
	}
	return fmt.Errorf("%w%s\nlast lines of its log:\n%s", cause, &b, indent(lastLines(log, 20)))
}

// Ended is nil for a container that runs; else an error with its exit code and
// the last lines of its log.
func (c *Container) Ended(ctx context.Context) error {
	r, err := c.run.engine.cli.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if err != nil {
		return fmt.Errorf("container %s: %w", c.Name, err)
	}
	if r.Container.State == nil || r.Container.State.Running {
		return nil
	}
	return c.unready(fmt.Errorf("container %s has ended", c.Name))
}

// exitHint reads an end as the shell and the kernel write it: 128 and the
// number of a signal.
func exitHint(s *container.State) string {
	switch {
	case s.OOMKilled:
		return "it used more memory than its limit"
	case s.Running:
		return "it runs; does it listen on all addresses, not on 127.0.0.1 alone, and on this port?"
	case s.ExitCode == 126 || s.ExitCode == 127:
		return "its program is missing in the image or may not be executed"
	case s.ExitCode == 137:
		return "it was killed from outside"
	case s.ExitCode == 0:
		return "its program ended by itself; a server should stay in the foreground"
	}
	return "the log says why its program ended"
}
