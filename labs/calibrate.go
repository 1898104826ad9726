package labs

import (
	"context"
	"fmt"
	"math"
	"net"
	"time"

	"proxylab/docker"
	"proxylab/loadtest"
	"proxylab/reports/record"
)

// Calibrate is what is measured before the first trial, and what is chosen by it.
type Calibrate struct {
	For   time.Duration `yaml:"for"`   // of one measurement; 0: none is made
	Quota string        `yaml:"quota"` // "choose": the systems' CPU quota, limits.cpus at most; "" keeps limits.cpus
	Rates string        `yaml:"rates"` // "percent": the phases' rates are percent of what the slowest system can do; "" takes them as they are
}

// nullServer is the name of the container that bounds the generator.
const nullServer = "null"

// Of a calibration.
const (
	probeClients = 16   // of a closed loop: enough to keep every core of a small machine busy
	floorShare   = 0.2  // of the null ceiling, for the noise floor: nothing waits there but for the machine
	floorMost    = 1000 // and at most so many requests per second
)

// costs is what a request takes of each part, and what there is to take.
type costs struct {
	cores     float64            // of the machine
	apart     bool               // generator and origins have cores of their own
	ceiling   float64            // requests per second of generator and origins without a system
	generator float64            // CPU seconds a request
	origins   float64            // CPU seconds a request
	systems   map[string]float64 // CPU seconds a request
}

// What the choice of a quota keeps back.
const (
	coresUsed  = 0.8 // share of the machine that may be busy when a system is at its quota
	ceilingMay = 0.6 // share of the ceiling that a system may ask of generator and origins
	leastQuota = 0.2 // what the engine can do
	quotaStep  = 0.05
)

// quota is the CPU quota at which every system is slower than the generator and
// the origins: at the rate r that its quota q allows the cheapest of them, r = q/c,
//
//	q + r·(generator + origins) ≤ 0.8·cores   where all share the cores, and
//	r ≤ 0.6·ceiling
//
// The quota is most at most, and the least that the engine can do at least.
func (c costs) quota(most float64) float64 {
	cheapest := math.Inf(1)
	for _, s := range c.systems {
		cheapest = min(cheapest, s)
	}
	if math.IsInf(cheapest, 1) || cheapest <= 0 {
		return most
	}
	q := ceilingMay * c.ceiling * cheapest
	if !c.apart {
		q = min(q, coresUsed*c.cores/(1+(c.generator+c.origins)/cheapest))
	}
	q = math.Floor(q/quotaStep+1e-9) * quotaStep
	return min(most, max(leastQuota, q))
}

// capacity is the rate that the dearest system can do with the quota, and the
// generator and the origins without strain.
func (c costs) capacity(quota float64) float64 {
	r := ceilingMay * c.ceiling
	for _, s := range c.systems {
		if s > 0 {
			r = min(r, quota/s)
		}
	}
	return r
}

// calibrate measures what generator, origins and systems need for a request, and
// chooses by it what the lab leaves to it.
func (p *play) calibrate(ctx context.Context, t *topology) error {
	if p.Lab.Calibrate.For == 0 {
		return nil
	}
	rec := &record.Calibration{Seconds: p.Lab.Calibrate.For.Seconds(), Clients: probeClients}
	c := costs{cores: float64(p.run.Machine.CPUs), apart: p.cores.system != "", systems: map[string]float64{}}
	p.step("calibrate: the null ceiling and the noise floor")
	if err := p.nullCeiling(ctx, t, rec); err != nil {
		return fmt.Errorf("null ceiling: %w", err)
	}
	p.step("calibrate: the origins without a proxy")
	probe, err := p.probe(ctx, t, p.baseline(t))
	if err != nil {
		return fmt.Errorf("direct baseline: %w", err)
	}
	c.ceiling, c.generator, c.origins = probe.rate, probe.generator, probe.origins
	rec.DirectCeiling, rec.GeneratorCPU, rec.OriginsCPU = c.ceiling, 1e6*c.generator, 1e6*c.origins
	for _, s := range t.systems {
		if s.Direct {
			continue
		}
		p.step("calibrate: " + s.Name)
		if probe, err = p.probe(ctx, t, s); err != nil {
			return fmt.Errorf("calibrate %s: %w", s.Name, t.blame(s, err))
		}
		c.systems[s.Name] = probe.system
		rec.Systems = append(rec.Systems, record.SystemCost{System: s.Name, CPU: 1e6 * probe.system, Rate: probe.rate})
	}
	rec.Quota = p.Lab.Limits.CPUs
	if p.Lab.Calibrate.Quota == choose {
		rec.Quota = c.quota(p.Lab.Limits.CPUs)
		for _, s := range t.systems {
			if s.container == nil {
				continue
			}
			if err := s.container.SetCPUs(ctx, rec.Quota); err != nil {
				return err
			}
			s.fact.CPUs = rec.Quota
		}
	}
	rec.Capacity = c.capacity(rec.Quota)
	if p.Lab.Calibrate.Rates == percent {
		p.scale = rec.Capacity / 100
	}
	p.run.Calibration = rec
	p.run.About.Notes = append(p.run.About.Notes, calibrationNote(rec))
	return p.settle()
}

// calibrationNote is a calibration for the reader of the report.
func calibrationNote(c *record.Calibration) string {
	text := fmt.Sprintf("Calibration: the generator did %.0f requests/s against a null server and %.0f/s against the origins without a proxy; "+
		"at %.0f/s against the null server its response time was %.3g ms in the middle and %.3g ms at p99, the noise floor. The systems had a quota of %.2g CPUs, "+
		"with which the dearest can do about %.0f requests/s.",
		c.NullCeiling, c.DirectCeiling, c.FloorRate, c.FloorP50, c.FloorP99, c.Quota, c.Capacity)
	return text
}

// baseline is the origins without a system, as direct has them.
func (p *play) baseline(t *topology) *underTest {
	u := &underTest{generator: t.back}
	u.Name, u.Direct = "direct", true
	for _, o := range t.origins {
		u.bases = append(u.bases, "http://"+net.JoinHostPort(o.IP(docker.Back), originPort))
	}
	return u
}

// probed is what one closed loop showed.
type probed struct {
	rate                       float64 // right answers per second
	system, generator, origins float64 // CPU seconds a request
}

// probe asks as fast as answers come. That is no latency of anybody, but what
// can be done, and what it costs.
func (p *play) probe(ctx context.Context, t *topology, s *underTest) (probed, error) {
	plan := p.asks(p.Seed)
	plan.Arrivals, plan.Targets, plan.Bases = "", p.truth(), s.bases
	plan.Phases = []loadtest.Phase{{Shape: loadtest.Closed, Clients: probeClients, For: p.Lab.Calibrate.For}}
	before, err := t.read(ctx, s)
	if err != nil {
		return probed{}, err
	}
	samples, end, err := s.load(ctx, plan, nil)
	if err != nil {
		return probed{}, err
	}
	after, err := t.read(ctx, s)
	if err != nil {
		return probed{}, err
	}
	sum := loadtest.Summary(samples)
	if sum.Right == 0 {
		return probed{}, fmt.Errorf("none of %d answers was right", sum.Requests)
	}
	n := float64(sum.Requests)
	got := probed{
		rate: float64(sum.Right) / end.Seconds, generator: end.CPUSeconds / n,
		system: (after.system.CPUSeconds - before.system.CPUSeconds) / n,
	}
	for i := range after.origins {
		got.origins += (after.origins[i].CPUSeconds - before.origins[i].CPUSeconds) / n
	}
	return got, nil
}

// nullCeiling is what the generator does against a server that does nothing, and
// what it sees there at a rate that strains nobody.
func (p *play) nullCeiling(ctx context.Context, t *topology, rec *record.Calibration) error {
	u := &underTest{generator: t.front, bases: []string{"http://" + net.JoinHostPort(t.null.IP(docker.Front), originPort)}}
	plan := loadtest.Plan{
		Bases: u.bases, Targets: []loadtest.Target{{Path: "/", Size: -1}}, Connections: p.Lab.Load.Connections, Timeout: p.Lab.Load.Timeout,
		Phases: []loadtest.Phase{{Shape: loadtest.Closed, Clients: probeClients, For: p.Lab.Calibrate.For}},
	}
	samples, end, err := u.load(ctx, plan, nil)
	if err != nil {
		return err
	}
	rec.NullCeiling = float64(loadtest.Summary(samples).Right) / end.Seconds
	rec.FloorRate = math.Ceil(min(floorMost, floorShare*rec.NullCeiling))
	plan.Phases = []loadtest.Phase{{Shape: loadtest.Constant, Rate: rec.FloorRate, For: p.Lab.Calibrate.For}}
	if samples, _, err = u.load(ctx, plan, nil); err != nil {
		return err
	}
	p50, ok50 := loadtest.ResponsePercentile(samples, 50)
	p99, ok99 := loadtest.ResponsePercentile(samples, 99)
	if !ok50 || !ok99 {
		return fmt.Errorf("%d of %d answers were right", loadtest.Summary(samples).Right, len(samples))
	}
	rec.FloorP50, rec.FloorP99 = p50.Seconds()*1e3, p99.Seconds()*1e3
	return nil
}

// settle writes down the phases as they have become, once their rates are known.
func (p *play) settle() error {
	plan := p.asks(p.Seed)
	plan.Bases, plan.Targets, plan.Phases = []string{"http://origin-1:" + originPort}, p.truth(), p.phases()
	if err := plan.Validate(); err != nil {
		return fmt.Errorf("the load at the rates that were measured: %w", err)
	}
	p.run.Load.Phases = levels(p.phases())
	return nil
}
