package loadtest

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// phases checks each phase and then what they are together.
func (f *faulter) phases(p Plan) {
	f.need(p.Arrivals == "" || p.Arrivals == Even || p.Arrivals == Poisson, "plan.arrivals",
		fmt.Sprintf("unknown arrivals %q", p.Arrivals), "even, the default, or poisson")
	before := len(f.faults)
	for i, ph := range p.Phases {
		f.phase(fmt.Sprintf("plan.phases[%d]", i), ph, p)
	}
	if len(f.faults) > before || len(p.Phases) == 0 {
		return
	}
	s := newSchedule(Plan{Phases: p.Phases, Arrivals: p.Arrivals, Seed: p.Seed})
	if s.clients > 0 {
		return
	}
	sum := s.sum()
	f.need(s.hits >= 1, "plan.phases", "no request falls due in them", "raise a rate or a length")
	f.need(sum <= MaxHits, "plan.phases", fmt.Sprintf("%.0f requests are more than %d", math.Ceil(sum), MaxHits), "split the plan")
	f.need(p.Arrivals != Poisson || sum <= MaxPoisson, "plan.arrivals",
		fmt.Sprintf("%.0f requests are more than the %d that are drawn beforehand", sum, MaxPoisson), "even arrivals have no such bound")
}

func (f *faulter) phase(place string, ph Phase, plan Plan) {
	f.need(ph.For > 0 && ph.For <= MaxFor, place+".for",
		fmt.Sprintf("%v is not above 0 and at most %v", ph.For, MaxFor), "in nanoseconds: 10000000000 is 10 s")
	keys, known := shapeKeys[ph.Shape]
	if !known {
		f.need(false, place+".shape", fmt.Sprintf("unknown shape %q", ph.Shape), "constant, ramp, stairs, spike, sine, replay or closed")
		return
	}
	for _, k := range ph.given() {
		f.need(slices.Contains(keys, k.name), place+"."+k.name,
			fmt.Sprintf("%v has no meaning in shape %s", k.value, ph.Shape), fmt.Sprintf("leave it out; %s has %v", ph.Shape, keys))
	}
	rate := func(name string, v float64) {
		f.need(within(v, 0, MaxRate) || !slices.Contains(keys, name), place+"."+name, fmt.Sprintf("%v is not between 0 and %d", v, MaxRate), "requests per second")
	}
	rate("rate", ph.Rate)
	rate("to", ph.To)
	switch ph.Shape {
	case Stairs:
		f.need(ph.Steps >= 2 && ph.Steps <= MaxSteps, place+".steps",
			fmt.Sprintf("%d is not between 2 and %d", ph.Steps, MaxSteps), "one level alone is shape constant")
	case Spike:
		f.need(ph.At >= 0 && ph.Lasts > 0 && ph.At <= ph.For && ph.Lasts <= ph.For-ph.At, place+".lasts",
			fmt.Sprintf("a spike of %v at %v is not within the phase of %v", ph.Lasts, ph.At, ph.For), "at says where it begins, lasts how long it is")
	case Sine:
		f.need(ph.Period >= time.Millisecond, place+".period", fmt.Sprintf("%v is not 1ms or more", ph.Period), "the length of one wave")
		f.need(ph.To <= 2*ph.Rate, place+".to", fmt.Sprintf("a top of %v around %v would have rates below 0 at the bottom", ph.To, ph.Rate), "at most twice the rate")
	case Replay:
		f.trace(place+".trace", ph, plan)
	case Closed:
		f.need(ph.Clients >= 1 && ph.Clients <= MaxClients, place+".clients", fmt.Sprintf("%d is not between 1 and %d", ph.Clients, MaxClients), "each sends when its last answer is in")
		f.need(len(plan.Phases) == 1 && plan.Arrivals != Poisson, place+".shape", "a closed loop has no plan that others could follow", "one phase alone, without arrivals")
	}
}

// shapeKeys are the keys of each shape besides for.
var shapeKeys = map[Shape][]string{
	Constant: {"rate"},
	Ramp:     {"rate", "to"},
	Stairs:   {"rate", "to", "steps"},
	Spike:    {"rate", "to", "at", "lasts"},
	Sine:     {"rate", "to", "period"},
	Replay:   {"trace"},
	Closed:   {"clients"},
}

type key struct {
	name  string
	value any
}

// given are the keys that the phase has, besides shape and for.
func (p Phase) given() []key {
	var given []key
	add := func(there bool, name string, value any) {
		if there {
			given = append(given, key{name, value})
		}
	}
	add(p.Rate != 0, "rate", p.Rate)
	add(p.To != 0, "to", p.To)
	add(p.Steps != 0, "steps", p.Steps)
	add(p.At != 0, "at", p.At)
	add(p.Lasts != 0, "lasts", p.Lasts)
	add(p.Period != 0, "period", p.Period)
	add(p.Clients != 0, "clients", p.Clients)
	add(len(p.Trace) > 0, "trace", fmt.Sprintf("a trace of %d", len(p.Trace)))
	return given
}

func (f *faulter) trace(place string, ph Phase, plan Plan) {
	f.need(len(ph.Trace) > 0 && len(ph.Trace) <= MaxTrace, place, fmt.Sprintf("%d arrivals are not between 1 and %d", len(ph.Trace), MaxTrace), "a line for each request")
	f.need(plan.Arrivals != Poisson, place, "a trace says itself when its requests come", "leave arrivals out")
	last := time.Duration(0)
	for i, a := range ph.Trace {
		if a.At < last || a.At >= ph.For {
			f.need(false, fmt.Sprintf("%s[%d].at", place, i), fmt.Sprintf("%v is not between the arrival before, %v, and the end, %v", a.At, last, ph.For), "a trace is in order of time and within its phase")
			return
		}
		if a.Target < -1 || a.Target >= len(plan.Targets) {
			f.need(false, fmt.Sprintf("%s[%d].target", place, i), fmt.Sprintf("%d is no target", a.Target), "-1 leaves the choice to the plan")
			return
		}
		last = a.At
	}
}
