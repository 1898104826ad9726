package labs

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"proxylab/docker"
	"proxylab/labs/origin"
	"proxylab/labs/systems"
	"proxylab/loadtest"
	"proxylab/proxy/site"
	"proxylab/reports/record"
)

// The fixed points of every topology. Origins keep their addresses on the
// back network, so that one that restarts is found again.
const (
	originPort   = "8080"
	controlPort  = "9000" // of origins and generators, published for this program alone
	firstOrigin  = 11     // host number of origin-1 on the back network
	maxOrigins   = 32
	originMemory = 256 << 20
)

// topology is the containers of one run.
type topology struct {
	origins []*docker.Container
	front   *docker.Container // the generator among the clients
	back    *docker.Container // the generator of direct, which reaches the origins; nil without direct
	null    *docker.Container // a server that does nothing, for the calibration; nil without one
	systems []*underTest
}

// underTest is a system that runs and is ready.
type underTest struct {
	systems.System
	container *docker.Container // nil for direct
	generator *docker.Container // what sends it load
	bases     []string          // what the generator asks
	fact      record.System
	config    systems.Configuration
}

// slack is how much later than by plan a generator may end: it is busy, not frozen.
const slack = 30 * time.Second

// load sends a plan from the system's generator. One that died or is frozen is
// an error, not a wait for ever.
func (s *underTest) load(ctx context.Context, plan loadtest.Plan, onSample func(loadtest.Sample)) ([]loadtest.Sample, loadtest.End, error) {
	limit := length(plan.Phases) + plan.Timeout + slack
	late := fmt.Errorf("no end within %v\n\thint: something outside this run froze it, or the machine is very busy", limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	client := loadtest.Client{Addr: s.generator.Addr(controlPort)}
	samples, end, err := client.Run(ctx, plan, onSample)
	if err != nil && context.Cause(ctx) == late {
		err = fmt.Errorf("generator %s: %w", s.generator.Name, late)
	}
	return samples, end, err
}

// blame finds why a trial failed: a container that has ended says more than
// what its end did to the others.
func (t *topology) blame(s *underTest, err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, c := range append([]*docker.Container{s.container, s.generator}, t.origins...) {
		if c == nil {
			continue // direct has no container
		}
		if ended := c.Ended(ctx); ended != nil {
			return ended
		}
	}
	return err
}

// images are the images of one run.
type images struct {
	origin, generator docker.Image
	systems           map[string]docker.Image
}

// build makes the images that the chosen systems need, one after the other:
// each is a step that the user sees.
func (p *play) build(ctx context.Context) (images, error) {
	im := images{systems: map[string]docker.Image{}}
	var err error
	p.step("image origin")
	if im.origin, err = systems.GoImage(ctx, p.Engine, p.Source, "origin", "./labs/origin/cmd/origin"); err != nil {
		return im, err
	}
	p.step("image loadgen")
	if im.generator, err = systems.GoImage(ctx, p.Engine, p.Source, "loadgen", "./loadtest/cmd/loadgen"); err != nil {
		return im, err
	}
	for _, s := range p.systems {
		if s.Direct {
			continue
		}
		p.step("image " + s.Name)
		if im.systems[s.Name], err = s.Image(ctx, p.Engine, p.Source); err != nil {
			return im, fmt.Errorf("image of %s: %w", s.Name, err)
		}
	}
	return im, nil
}

// raise starts every container of the run: the origins first, because the
// systems get their addresses.
func (p *play) raise(ctx context.Context, run *docker.Run, im images) (*topology, error) {
	t := &topology{origins: make([]*docker.Container, p.Lab.Origins)}
	p.step(fmt.Sprintf("%d origins and the load generator", p.Lab.Origins))
	g, gctx := errgroup.WithContext(ctx)
	for i := range t.origins {
		g.Go(func() (err error) {
			t.origins[i], err = run.Start(gctx, p.originSpec(i+1, im.origin))
			return err
		})
	}
	g.Go(func() (err error) {
		t.front, err = run.Start(gctx, p.generatorSpec("loadgen", im.generator, docker.Front))
		return err
	})
	calibrated := p.Lab.Calibrate.For > 0
	if calibrated {
		g.Go(func() (err error) {
			t.null, err = run.Start(gctx, p.nullSpec(im.generator))
			return err
		})
	}
	if calibrated || slices.ContainsFunc(p.systems, func(s systems.System) bool { return s.Direct }) {
		g.Go(func() (err error) {
			t.back, err = run.Start(gctx, p.generatorSpec("loadgen-direct", im.generator, docker.Front, docker.Back))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	declared := p.declared(t.origins)
	if err := p.parity(ctx, run, t, im, declared); err != nil {
		return nil, err
	}
	for _, s := range p.systems {
		u, err := p.start(ctx, run, t, s, im.systems[s.Name], declared)
		if err != nil {
			return nil, err
		}
		t.systems = append(t.systems, u)
	}
	return t, nil
}

func (p *play) originSpec(n int, image docker.Image) docker.ContainerSpec {
	name := fmt.Sprintf("origin-%d", n)
	return docker.ContainerSpec{
		Name:     name,
		Image:    image.Ref,
		Cmd:      []string{"--name", name, "--listen", ":" + originPort, "--control", ":" + controlPort},
		Networks: []docker.Network{docker.Back},
		Address:  firstOrigin + n - 1,
		Limits:   docker.Limits{CPUs: p.Lab.Limits.OriginCPUs, Memory: originMemory, Cpuset: p.cores.origins},
		Publish:  []string{controlPort},
		Ready:    &originReady,
	}
}

// originReady is how an origin tells that it is ready.
var originReady = docker.Ready{Port: controlPort, Path: "/ready", Body: origin.ReadyBody}

func (p *play) generatorSpec(name string, image docker.Image, networks ...docker.Network) docker.ContainerSpec {
	return docker.ContainerSpec{
		Name:     name,
		Image:    image.Ref,
		Cmd:      []string{"--control", ":" + controlPort},
		Networks: networks,
		Limits:   docker.Limits{CPUs: p.Lab.Limits.GeneratorCPUs, Cpuset: p.cores.generator},
		Publish:  []string{controlPort},
		Ready:    &docker.Ready{Port: controlPort, Path: "/ready", Body: loadtest.ReadyBody},
	}
}

// nullSpec is the server that does nothing, on the cores of the origins.
func (p *play) nullSpec(image docker.Image) docker.ContainerSpec {
	return docker.ContainerSpec{
		Name:     nullServer,
		Image:    image.Ref,
		Cmd:      []string{"null", "--listen", ":" + originPort},
		Networks: []docker.Network{docker.Front},
		Limits:   docker.Limits{Memory: originMemory, Cpuset: p.cores.origins},
		Publish:  []string{originPort},
		Ready:    &docker.Ready{Port: originPort, Path: "/", Body: "ok\n"},
	}
}

// declared is the lab's site with the origins' addresses in the place of
// their names: no system then spends time on names.
func (p *play) declared(origins []*docker.Container) *site.Site {
	s := *p.Lab.Site
	s.Listen = ":" + systems.Port
	s.Balancers = slices.Clone(s.Balancers)
	for i := range s.Balancers {
		members := slices.Clone(s.Balancers[i].Members)
		for j := range members {
			n, _ := originNumber(members[j].URL, len(origins)) // held by Parse
			members[j].URL = "http://" + net.JoinHostPort(origins[n-1].IP(docker.Back), originPort)
		}
		s.Balancers[i].Members = members
	}
	return &s
}

// start brings one system up, with the site rendered for it.
func (p *play) start(ctx context.Context, run *docker.Run, t *topology, s systems.System, image docker.Image, declared *site.Site) (*underTest, error) {
	u := &underTest{System: s, generator: t.front, fact: record.System{Name: s.Name, Flavour: s.Flavour}}
	if s.Direct {
		u.generator, u.bases = t.back, p.baseline(t).bases
		return u, nil
	}
	p.step("start " + s.Name)
	var err error
	if u.config, err = s.Configure(declared, p.machine()); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	spec := docker.ContainerSpec{
		Name:     s.Name,
		Image:    image.Ref,
		Cmd:      u.config.Cmd,
		Env:      u.config.Env,
		Files:    map[string]docker.File{},
		Networks: []docker.Network{docker.Front, docker.Back},
		Limits:   docker.Limits{CPUs: p.Lab.Limits.CPUs, Memory: p.Lab.Limits.memoryBytes, Cpuset: p.cores.system},
		Publish:  []string{systems.Port},
		Ready:    &docker.Ready{Port: systems.Port, Path: fmt.Sprintf("/size/%d", readySize), Body: string(origin.SizeBytes(readySize))},
	}
	for _, f := range u.config.Files {
		spec.Files[f.Path] = docker.File{Data: f.Data, Mode: 0o644}
	}
	if u.container, err = run.Start(ctx, spec); err != nil {
		return nil, err
	}
	u.bases = []string{"http://" + net.JoinHostPort(u.container.IP(docker.Front), systems.Port)}
	u.fact.Differs = u.config.Differs
	u.fact.Image, u.fact.ImageID = image.Ref, image.ID
	u.fact.CPUs, u.fact.Memory, u.fact.Cpuset = spec.Limits.CPUs, spec.Limits.Memory, spec.Limits.Cpuset
	u.fact.Version, err = version(ctx, u)
	return u, err
}

// machine is what each system may use and whom it will serve.
func (p *play) machine() systems.Machine {
	return systems.Machine{CPUs: p.Lab.Limits.CPUs, Memory: p.Lab.Limits.memoryBytes, Clients: p.Lab.Load.Connections}
}

// version asks the program itself, in its container; the first line is it.
func version(ctx context.Context, u *underTest) (string, error) {
	if u.Version == nil {
		return "", nil
	}
	code, out, err := u.container.Exec(ctx, u.Version...)
	if err != nil {
		return "", err
	}
	if code != 0 {
		return "", fmt.Errorf("%s: %s exited with status %d: %s", u.Name, strings.Join(u.Version, " "), code, out)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
	return strings.TrimPrefix(line, "Server version: "), nil
}
