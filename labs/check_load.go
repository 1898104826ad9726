package labs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"proxylab/loadtest"
)

// checkLoad holds the load to the rules of package loadtest, as the plans that
// will be made of it.
func (l *Lab) checkLoad(bad func(key, text, hint string)) {
	plan := l.plan()
	report := func(plan loadtest.Plan, place func(string) string) bool {
		faults := faultsOf(plan)
		for _, f := range faults {
			hint := f.Hint
			if strings.HasSuffix(f.Place, ".for") || strings.HasSuffix(f.Place, ".timeout") {
				hint = "a duration such as 5s or 1500ms" // a plan's are in nanoseconds
			}
			bad(place(f.Place), f.What, hint)
		}
		return len(faults) == 0
	}
	if report(plan, inLab) {
		plan.Phases = []loadtest.Phase{l.Load.WarmUp}
		if report(plan, func(place string) string { return "load.warmup" + strings.TrimPrefix(place, "plan.phases[0]") }) {
			l.checkTargets(bad)
		}
	}
}

// plan is the load as a generator would be asked for it.
func (l *Lab) plan() loadtest.Plan {
	plan := loadtest.Plan{
		Bases: []string{"http://origin-1:" + originPort}, Phases: l.Load.Phases,
		Connections: l.Load.Connections, Timeout: l.Load.Timeout,
	}
	for _, t := range l.Load.Targets {
		plan.Targets = append(plan.Targets, loadtest.Target{Method: t.Method, Path: t.Path, Body: t.Body, Weight: t.Weight, Size: -1})
	}
	return plan
}

func faultsOf(plan loadtest.Plan) loadtest.Faults {
	var faults loadtest.Faults
	errors.As(plan.Validate(), &faults)
	return faults
}

// inLab is the key of a lab for one of a plan.
func inLab(place string) string { return "load." + strings.TrimPrefix(place, "plan.") }

// checkTargets asks the origin program itself: a path that it does not have
// would be answered by every system, "rightly", with its 404.
func (l *Lab) checkTargets(bad func(key, text, hint string)) {
	for i, t := range l.Load.Targets {
		if strings.Contains(t.Path, "/status/") {
			continue // an error is what is asked for
		}
		if a := answer(t.Method, t.Path, t.Body); a.Status >= 400 {
			bad(fmt.Sprintf("load.targets[%d].path", i), fmt.Sprintf("the origins answer %s %s with status %d", t.Method, t.Path, a.Status),
				"`go doc proxylab/labs/origin` lists their paths; /status/N asks for a status")
		}
	}
}

// The most of a size: what is above is a slip.
const (
	maxBlocks = 1000
	maxTime   = 1000
)

// checkSizes holds each size to its bounds and, where the rest of the lab is
// sound, the load as that size stretches it.
func (l *Lab) checkSizes(bad func(key, text, hint string), sound bool) {
	for name, s := range l.Sizes {
		switch {
		case s.Blocks < 1 || s.Blocks > maxBlocks:
			bad("sizes."+name+".blocks", fmt.Sprintf("%d is not between 1 and %d", s.Blocks, maxBlocks), "6 plays each system six times")
		case !(s.Time > 0 && s.Time <= maxTime): // NaN is neither
			bad("sizes."+name+".time", fmt.Sprintf("%g is not above 0 and at most %d", s.Time, maxTime), "1 leaves the phases as long as they are")
		case sound:
			plan := l.plan()
			plan.Phases = stretch(l.Load.Phases, s.Time)
			if faults := faultsOf(plan); len(faults) > 0 {
				bad("sizes."+name+".time", fmt.Sprintf("%g makes a load that cannot be sent", s.Time), inLab(faults[0].Place)+": "+faults[0].What)
			}
		}
	}
}

// stretch makes each phase longer or shorter.
func stretch(phases []loadtest.Phase, factor float64) []loadtest.Phase {
	out := slices.Clone(phases)
	for i := range out {
		out[i].For = time.Duration(float64(out[i].For) * factor)
	}
	return out
}
