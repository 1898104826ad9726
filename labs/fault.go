package labs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"proxylab/docker"
	"proxylab/labs/origin"
	"proxylab/loadtest"
)

// Fault is what befalls one origin, at a time of the plan.
type Fault struct {
	Kind   string        `yaml:"kind"`   // one of [FaultKinds]
	Origin int           `yaml:"origin"` // from 1
	At     time.Duration `yaml:"at"`     // since the start of the schedule
	For    time.Duration `yaml:"for"`    // from then on; longer where it takes the engine longer to bring it about
}

// kind is a fault of the container or of the origin in it.
type kind struct {
	name      string
	container docker.Fault
	origin    origin.Fault
}

var kinds = []kind{
	{name: "kill", container: docker.Kill},
	{name: "stop", container: docker.Stop},
	{name: "restart", container: docker.Stop},
	{name: "pause", container: docker.Pause},
	{name: "blackhole", container: docker.Blackhole},
	{name: "resets", origin: origin.Fault{Reset: true}},
	{name: "503s", origin: origin.Fault{Status: 503}},
	{name: "slow", origin: origin.Fault{Delay: origin.Duration(300 * time.Millisecond)}},
}

// FaultKinds are the faults there are:
//
//	kill       SIGKILL, then a start
//	stop       the container's stop signal, then a start when it is over
//	restart    the same; without a length it is one restart
//	pause      its processes are frozen
//	blackhole  it is off its networks
//	resets     it resets each connection on which a request comes
//	503s       it answers each request with 503
//	slow       it answers each request 300 ms later
func FaultKinds() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

func faultKind(name string) (kind, error) {
	for _, k := range kinds {
		if k.name == name {
			return k, nil
		}
	}
	return kind{}, fmt.Errorf("%q is no fault\n\thint: %s", name, strings.Join(FaultKinds(), ", "))
}

// FaultEvent is a fault that was, on the plan's clock.
type FaultEvent struct {
	Fault
	Began  time.Duration // it was brought about from here on
	There  time.Duration // and was there from here at the latest
	Ended  time.Duration // it was mended from here on
	Mended time.Duration // and the origin was seen ready here
}

// befall brings the fault about when it is due on the plan's clock, and mends it.
// Where ctx ends first, it is mended nevertheless.
func (t *topology) befall(ctx context.Context, f Fault, clock *planClock) (FaultEvent, error) {
	ev := FaultEvent{Fault: f}
	k, err := faultKind(f.Kind)
	if err != nil {
		return ev, err
	}
	c := t.origins[f.Origin-1]
	if err := clock.until(ctx, f.At); err != nil {
		return ev, err
	}
	ev.Began = clock.now()
	if err := k.begin(ctx, c); err != nil {
		return ev, err
	}
	ev.There = clock.now()
	waited := clock.until(ctx, ev.Began+f.For)
	ev.Ended = clock.now()
	if err := k.mend(context.WithoutCancel(ctx), c); err != nil {
		return ev, err
	}
	ev.Mended = clock.now()
	return ev, waited
}

func (k kind) begin(ctx context.Context, c *docker.Container) error {
	if k.container != "" {
		return c.Fail(ctx, k.container)
	}
	return tellFault(ctx, c, k.origin)
}

// mend ends it and waits until the origin is ready.
func (k kind) mend(ctx context.Context, c *docker.Container) error {
	if k.container == "" {
		return tellFault(ctx, c, origin.Fault{})
	}
	if err := c.Mend(ctx, k.container); err != nil {
		return err
	}
	return c.Wait(ctx, originReady)
}

// can says why this machine cannot do it; nil where it can.
func (k kind) can(ctx context.Context, c *docker.Container) error {
	if k.container == "" {
		return nil
	}
	if err := c.Can(ctx, k.container); err != nil {
		return fmt.Errorf("fault %s: this machine cannot do it: %w", k.name, err)
	}
	return c.Wait(ctx, originReady)
}

// tellFault makes an origin fail, or be well again.
func tellFault(ctx context.Context, c *docker.Container, f origin.Fault) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+c.Addr(controlPort)+"/fault", bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := control.Do(req)
	if err != nil {
		return fmt.Errorf("fault of %s: %w", c.Name, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(text))
	}
	if err != nil {
		return fmt.Errorf("fault of %s: %w", c.Name, err)
	}
	return nil
}

// planClock is the plan's clock as seen from here. The generator has a clock of its
// own, maybe on another machine; what it tells is when each sample ended, and that
// was before the sample came: zero is the earliest that fits all of them. Since
// samples come ten times a second, and the last ones of a batch ended just before it
// left, that is right to a few ms after the first tenths of a second.
type planClock struct {
	mu    sync.Mutex
	zero  time.Time
	known chan struct{} // closed with the first sample
}

func newPlanClock() *planClock { return &planClock{known: make(chan struct{})} }

// see learns from a sample that has just come.
func (c *planClock) see(s loadtest.Sample) {
	zero := time.Now().Add(-s.End)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.zero.IsZero() {
		close(c.known)
	}
	if c.zero.IsZero() || zero.Before(c.zero) {
		c.zero = zero
	}
}

// now is the time since the start of the schedule; 0 before the first sample.
func (c *planClock) now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.zero.IsZero() {
		return 0
	}
	return time.Since(c.zero)
}

// until waits for a time of the plan; 0 is the first sample. The error is why ctx ended
// before it.
func (c *planClock) until(ctx context.Context, at time.Duration) error {
	select {
	case <-c.known:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		left := at - c.now()
		if left <= 0 {
			return nil
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
