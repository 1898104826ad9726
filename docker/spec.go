package docker

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
)

// ContainerSpec says what to start.
type ContainerSpec struct {
	Name       string // also its alias on its networks
	Image      string // one that the engine has
	Cmd        []string
	Env        map[string]string
	Files      map[string]File // absolute path in the container, copied before the start
	Networks   []Network       // at least one
	Address    int             // host number on the back network, 2 to 127; 0 for any
	Limits     Limits
	Publish    []string // container ports ("9000") published on the engine's host, on 127.0.0.1 where that is us
	Ready      *Ready   // nil: not waited for
	StopSignal string   // "" for the image's
	Labels     map[string]string
}

// Limits of a container; zero values are no limit.
type Limits struct {
	CPUs   float64 // cores' worth of time, in periods of 5 ms
	Memory int64   // bytes, without swap
	Cpuset string  // "0", "0-1"
}

// period is the CFS period in µs. With the usual 100 ms, a container that has
// used up its share sleeps for most of that, and throttling would be the p99.
const period = 5000

// openFiles is enough for a load generator with ten thousand connections. Where
// the engine has fewer itself, a container gets what the engine has.
const openFiles = 65536

var containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// check finds what the engine would say less clearly.
func (r *Run) check(s ContainerSpec) error {
	var faults []string
	bad := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if !containerName.MatchString(s.Name) {
		bad("name %q is not letters, digits, dots, hyphens and underscores", s.Name)
	}
	if len(s.Networks) == 0 {
		bad("it is on no network")
	}
	for _, n := range s.Networks {
		if _, ok := r.nets[n]; !ok {
			bad("network %q is neither front nor back", n)
		}
	}
	if s.Address != 0 && (s.Address < 2 || s.Address > 127) {
		bad("address %d is not between 2 and 127", s.Address)
	}
	if s.Address != 0 && !slices.Contains(s.Networks, Back) {
		bad("address %d is on the back network, and the container is not", s.Address)
	}
	for _, p := range s.published() {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			bad("port %q is not a number between 1 and 65535", p)
		}
	}
	for path := range s.Files {
		if !strings.HasPrefix(path, "/") {
			bad("file %q is not an absolute path", path)
		}
	}
	if s.Limits.CPUs != 0 && s.Limits.CPUs < 0.2 {
		bad("%g CPUs are less than the engine's least quota of 1 ms in a period of 5 ms", s.Limits.CPUs)
	}
	if faults != nil {
		return fmt.Errorf("container %s: %s", s.Name, strings.Join(faults, "; "))
	}
	return nil
}

// joins are its networks with back first: testcontainers creates a container on
// the first one, and only there can an address be chosen.
func (s ContainerSpec) joins() []Network {
	list := slices.Clone(s.Networks)
	slices.Sort(list) // "back" < "front"
	return slices.Compact(list)
}

// published are the ports to publish: readiness is asked through one, too.
func (s ContainerSpec) published() []string {
	list := slices.Clone(s.Publish)
	if s.Ready != nil && !slices.Contains(list, s.Ready.Port) {
		list = append(list, s.Ready.Port)
	}
	return list
}

// configure sets what testcontainers leaves to the engine's own types.
func (r *Run) configure(q *testcontainers.ContainerRequest, s ContainerSpec) {
	exposed, bindings := network.PortSet{}, network.PortMap{}
	for _, p := range s.published() {
		port := network.MustParsePort(p + "/tcp")
		exposed[port] = struct{}{}
		bindings[port] = []network.PortBinding{{HostIP: r.engine.stand.publish, HostPort: "0"}}
	}
	var config *container.Config
	var hc *container.HostConfig
	q.ConfigModifier = func(c *container.Config) {
		config = c
		c.StopSignal = s.StopSignal
	}
	q.HostConfigModifier = func(h *container.HostConfig) {
		hc = h
		h.NetworkMode = container.NetworkMode(q.Networks[0])
		h.Resources = s.Limits.resources()
		if !r.engine.keepRlimits.Load() {
			h.Ulimits = []*container.Ulimit{{Name: "nofile", Soft: openFiles, Hard: openFiles}}
		}
		h.SecurityOpt = []string{"no-new-privileges:true"}
		h.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyDisabled}
		h.LogConfig = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "64m", "max-file": "1"}}
	}
	// testcontainers publishes whatever the image exposes, on all addresses,
	// where nothing is asked for; this hook runs after that.
	q.LifecycleHooks = []testcontainers.ContainerLifecycleHooks{{
		PreCreates: []testcontainers.ContainerRequestHook{func(context.Context, testcontainers.ContainerRequest) error {
			config.ExposedPorts, hc.PortBindings = exposed, bindings
			return nil
		}},
	}}
}

// resources puts limits in the engine's words.
func (l Limits) resources() container.Resources {
	r := container.Resources{CpusetCpus: l.Cpuset}
	if l.CPUs > 0 {
		r.CPUPeriod = period
		r.CPUQuota = int64(l.CPUs*period + 0.5)
	}
	if l.Memory > 0 {
		r.Memory, r.MemorySwap = l.Memory, l.Memory // the sum of both: no swap
	}
	return r
}
