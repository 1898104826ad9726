package labs

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"proxylab/loadtest"
)

// Load is what every trial sends.
type Load struct {
	Targets     []Target          `yaml:"targets"`
	WarmUp      loadtest.Phase    `yaml:"warmup"`
	Phases      []loadtest.Phase  `yaml:"phases"`
	Arrivals    loadtest.Arrivals `yaml:"arrivals"`
	Connections int               `yaml:"connections"`
	Timeout     time.Duration     `yaml:"timeout"`
}

// Target is one kind of request, in the words of [loadtest.Target]. What a right
// answer is, the lab asks the origin itself before the first trial.
type Target struct {
	Method  string            `yaml:"method"`
	Path    string            `yaml:"path"`
	Body    int               `yaml:"body"`
	Fields  map[string]string `yaml:"fields"`
	Cookies map[string]string `yaml:"cookies"`
	Weight  float64           `yaml:"weight"`
	Items   int               `yaml:"items"`
	Zipf    float64           `yaml:"zipf"`
	Fresh   bool              `yaml:"fresh"`
	Slow    *loadtest.Slow    `yaml:"slow"`
}

// asked is the target as a plan has it, with any answer being right.
func (t Target) asked() loadtest.Target {
	return loadtest.Target{
		Method: t.Method, Path: t.Path, Body: t.Body, Fields: maps.Clone(t.Fields), Cookies: maps.Clone(t.Cookies),
		Weight: t.Weight, Items: t.Items, Zipf: t.Zipf, Fresh: t.Fresh, Slow: t.Slow, Size: -1,
	}
}

func (l *Load) setDefaults() {
	for i := range l.Targets {
		t := &l.Targets[i]
		t.Method = cmp.Or(t.Method, "GET")
		t.Weight = cmp.Or(t.Weight, 1)
	}
	l.Connections = cmp.Or(l.Connections, 64)
	l.Timeout = cmp.Or(l.Timeout, 5*time.Second)
}

// The words of calibrate.
const (
	choose  = "choose"
	percent = "percent"
)

func (l *Lab) setSearchDefaults() {
	s := &l.Saturation
	if s.For == 0 {
		return
	}
	s.Start, s.Most = cmp.Or(s.Start, 100), cmp.Or(s.Most, 50_000)
	s.Precision, s.Repeat = cmp.Or(s.Precision, 1.1), cmp.Or(s.Repeat, 3)
	if len(l.Load.Phases) == 0 {
		for _, at := range kneePercents {
			l.Load.Phases = append(l.Load.Phases, loadtest.Phase{Shape: loadtest.Constant, Rate: at, For: 5 * time.Second})
		}
	}
}

// asks is a plan of the lab's load, but for bases, targets and phases.
func (p *play) asks(seed uint64) loadtest.Plan {
	return loadtest.Plan{Seed: seed, Arrivals: p.Lab.Load.Arrivals, Connections: p.Lab.Load.Connections, Timeout: p.Lab.Load.Timeout}
}

// phases are the lab's phases, stretched to the size, at the rates that were
// chosen.
func (p *play) phases() []loadtest.Phase {
	return p.scaled(stretch(p.Lab.Load.Phases, p.Lab.Sizes[p.Size].Time))
}

// warmup is the lab's, at the rate that was chosen.
func (p *play) warmup() []loadtest.Phase { return p.scaled([]loadtest.Phase{p.Lab.Load.WarmUp}) }

// scaled turns percents into rates, where something was measured.
func (p *play) scaled(phases []loadtest.Phase) []loadtest.Phase {
	if p.scale == 0 {
		return phases
	}
	out := slices.Clone(phases)
	for i := range out {
		out[i].Rate *= p.scale
		out[i].To *= p.scale
	}
	return out
}

// stretch makes each phase longer or shorter. The waves of a sine stay as they
// are, and there are more of them; a trace is cut, or begins again.
func stretch(phases []loadtest.Phase, factor float64) []loadtest.Phase {
	out := slices.Clone(phases)
	times := func(d time.Duration) time.Duration { return time.Duration(float64(d) * factor) }
	for i := range out {
		ph := &out[i]
		length := ph.For
		ph.For, ph.At, ph.Lasts = times(ph.For), times(ph.At), times(ph.Lasts)
		if ph.Shape == loadtest.Replay {
			ph.Trace = again(ph.Trace, length, ph.For)
		}
	}
	return out
}

// again repeats a trace of one length until another one is full.
func again(trace []loadtest.Arrival, length, full time.Duration) []loadtest.Arrival {
	var out []loadtest.Arrival
	if length <= 0 {
		return trace
	}
	for from := time.Duration(0); from < full; from += length {
		for _, a := range trace {
			if a.At += from; a.At < full {
				out = append(out, a)
			}
		}
	}
	return out
}

// mean is the mean rate of a phase that has no single one.
func mean(ph loadtest.Phase) float64 {
	return math.Round(float64(len(ph.Trace))/ph.For.Seconds()*100) / 100
}
