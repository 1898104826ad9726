package labs

import (
	"errors"
	"fmt"
	"strconv"
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
		Arrivals: l.Load.Arrivals, Connections: l.Load.Connections, Timeout: l.Load.Timeout,
	}
	for _, t := range l.Load.Targets {
		plan.Targets = append(plan.Targets, t.asked())
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
		a := answer(t, 1)
		if last := answer(t, t.Items); t.Items > 1 && (last.Status != a.Status || last.XXH64 != a.XXH64) {
			bad(fmt.Sprintf("load.targets[%d].items", i), fmt.Sprintf("item 1 and item %d have different answers", t.Items),
				"all items of a target must have the same one: put {item} into the query, as /size/1024?item={item}")
		}
		if strings.Contains(t.Path, "/status/") {
			continue // an error is what is asked for
		}
		if a.Status >= 400 {
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

// checkMeasured holds calibrate and saturation to what they can be.
func (l *Lab) checkMeasured(bad func(key, text, hint string)) {
	c, s := l.Calibrate, l.Saturation
	within := func(key string, d time.Duration) {
		if d != 0 && (d < 100*time.Millisecond || d > time.Minute) {
			bad(key, fmt.Sprintf("%v is not between 100ms and 1m", d), "1s suits most labs")
		}
	}
	within("calibrate.for", c.For)
	within("saturation.for", s.For)
	word := func(key, got, want string) {
		if got != "" && got != want {
			bad(key, strconv.Quote(got)+" is unknown", want+", or leave it out")
		}
		if got != "" && c.For == 0 {
			bad(key, "nothing is measured that it could be chosen by", "calibrate.for says how long to measure")
		}
	}
	word("calibrate.quota", c.Quota, choose)
	word("calibrate.rates", c.Rates, percent)
	if s.For == 0 {
		if s != (Saturation{}) {
			bad("saturation.for", "missing", "how long each level is, as 2s")
		}
		return
	}
	if c.Rates != "" {
		bad("calibrate.rates", "rates are percent of the lowest knee where there is a saturation search", "leave it out")
	}
	if !(s.Start >= 1 && s.Start <= s.Most && s.Most <= loadtest.MaxRate) {
		bad("saturation.start", fmt.Sprintf("%g is not between 1 and saturation.most, %g", s.Start, s.Most), "leave it out for 100")
	}
	if !(s.Precision >= 1.01 && s.Precision <= 2) {
		bad("saturation.precision", fmt.Sprintf("%g is not between 1.01 and 2", s.Precision), "1.1: the ends of the interval are a tenth apart")
	}
	if s.Repeat < 1 || s.Repeat > 9 {
		bad("saturation.repeat", fmt.Sprintf("%d is not between 1 and 9", s.Repeat), "leave it out for 3")
	}
}
