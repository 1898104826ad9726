package labs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"proxylab/loadtest"
	"proxylab/reports/record"
)

// checkFaults holds the faults of a lab to its origins and its schedule.
func (l *Lab) checkFaults(bad func(key, text, hint string)) {
	end := length(l.Load.Phases)
	for i, f := range l.Faults {
		key := fmt.Sprintf("faults[%d]", i)
		if _, err := faultKind(f.Kind); err != nil {
			bad(key+".kind", fmt.Sprintf("%q is no fault", f.Kind), "one of "+strings.Join(FaultKinds(), ", "))
		}
		if f.Origin < 1 || f.Origin > l.Origins {
			bad(key+".origin", fmt.Sprintf("%d is not between 1 and %d, the lab's origins", f.Origin, l.Origins), "the number in origin-1")
		}
		switch {
		case f.At < 0 || f.At >= end:
			bad(key+".at", fmt.Sprintf("%v is not within the schedule of %v", f.At, end), "time since its start")
		case f.For < 0 || f.At+f.For >= end:
			bad(key+".for", fmt.Sprintf("%v from %v on does not end within the schedule of %v", f.For, f.At, end), "what comes after the fault is part of what is seen")
		}
		if i > 0 && f.At < l.Faults[i-1].At+l.Faults[i-1].For {
			bad(key+".at", fmt.Sprintf("%v is before the fault above it is over, at %v", f.At, l.Faults[i-1].At+l.Faults[i-1].For), "one fault after the other: what each did could not be told apart")
		}
	}
}

// faults are the lab's, stretched to the size.
func (p *play) faults() []Fault {
	out := slices.Clone(p.Lab.Faults)
	factor := p.Lab.Sizes[p.Size].Time
	for i := range out {
		out[i].At, out[i].For = time.Duration(float64(out[i].At)*factor), time.Duration(float64(out[i].For)*factor)
	}
	return out
}

// canFail finds out, before any load, whether this machine can do what the lab
// wants done.
func (p *play) canFail(ctx context.Context, t *topology) error {
	var seen []string
	for _, f := range p.Lab.Faults {
		if slices.Contains(seen, f.Kind) {
			continue
		}
		seen = append(seen, f.Kind)
		p.step("can this machine do it: " + f.Kind)
		k, err := faultKind(f.Kind)
		if err == nil {
			err = k.can(ctx, t.origins[f.Origin-1])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// suffer sends the plan while the lab's faults befall the origins. All that was
// begun is mended when it returns.
func (p *play) suffer(ctx context.Context, t *topology, s *underTest, plan loadtest.Plan, meter func(loadtest.Sample)) ([]loadtest.Sample, loadtest.End, []FaultEvent, error) {
	faults := p.faults()
	if len(faults) == 0 {
		samples, end, err := s.load(ctx, plan, meter)
		return samples, end, nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	clock := newPlanClock()
	var events []FaultEvent
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, f := range faults {
			ev, err := t.befall(ctx, f, clock)
			if err != nil {
				cancel(fmt.Errorf("fault %s of origin-%d: %w", f.Kind, f.Origin, err))
				return
			}
			events = append(events, ev)
		}
	})
	samples, end, err := s.load(ctx, plan, func(s loadtest.Sample) {
		clock.see(s)
		meter(s)
	})
	if err != nil {
		cancel(err) // nothing more will come to set the clock by
	}
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil { // what came first: load, fault, or the caller
		return nil, end, nil, cause
	}
	return samples, end, events, nil
}

func (t *topology) names() (out []string) {
	for i := range t.origins {
		out = append(out, fmt.Sprintf("origin-%d", i+1))
	}
	return out
}

// told writes down faults with what clients noticed of each: of the requests that
// were due before the next one.
func told(samples []loadtest.Sample, events []FaultEvent, origins []string) (out []record.Fault) {
	if len(events) == 0 {
		return nil
	}
	samples = slices.Clone(samples)
	loadtest.SortSamples(samples)
	for i, ev := range events {
		part := samples
		if i+1 < len(events) {
			part = samples[:sent(samples, events[i+1].Began)]
		}
		if i > 0 {
			part = part[min(len(part), sent(samples, events[i-1].Mended)):]
		}
		o := outageOf(part, ev, origins)
		f := record.Fault{Kind: ev.Kind, Origin: origins[ev.Origin-1], Began: ev.Began.Seconds(), There: ev.There.Seconds(), Ended: ev.Ended.Seconds(), Mended: ev.Mended.Seconds(),
			Detected: unless(o.Detected), Outage: o.Length.Seconds(), Back: unless(o.Back), Even: unless(o.Even)}
		for _, s := range part {
			if !s.Right && s.End >= ev.Began {
				f.Lost++
			}
		}
		out = append(out, f)
	}
	return out
}

// unless is a time in seconds, nil for never.
func unless(d time.Duration) *float64 {
	if d == never {
		return nil
	}
	return new(d.Seconds())
}

// unharmed leaves out what failed once a fault had begun: that is what is measured.
// An answer of the right status with other bytes stays; no fault here makes one.
func unharmed(samples []loadtest.Sample, faults []record.Fault) []loadtest.Sample {
	if len(faults) == 0 {
		return samples
	}
	began := time.Duration(faults[0].Began * float64(time.Second))
	return slices.DeleteFunc(slices.Clone(samples), func(s loadtest.Sample) bool {
		return !s.Right && s.End >= began && (s.Err != "" || s.Status >= 500)
	})
}

// answered counts right answers by the origin that they name.
func answered(samples []loadtest.Sample) map[string]int64 {
	out := map[string]int64{}
	for _, s := range samples {
		if name := answeredBy(s); name != "" {
			out[name]++
		}
	}
	return out
}
