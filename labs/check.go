package labs

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"proxylab/labs/systems"
	"proxylab/loadtest"
	"proxylab/proxy/site"
)

// check returns what is wrong with the values of a lab, apart from its site.
func (l *Lab) check() []site.Fault {
	var faults []site.Fault
	bad := func(key, text, hint string) {
		faults = append(faults, site.Fault{Place: key, Text: text, Hint: hint})
	}

	if l.Title == "" {
		bad("title", "missing", "the question this lab answers")
	}
	if len(l.Systems) == 0 {
		bad("systems", "no system under test", "known are "+strings.Join(systems.Names(), ", "))
	}
	for i, name := range l.Systems {
		key := fmt.Sprintf("systems[%d]", i)
		if _, err := systems.ByName(name); err != nil {
			bad(key, strconv.Quote(name)+" is no system", "known are "+strings.Join(systems.Names(), ", "))
		}
		if slices.Contains(l.Systems[:i], name) {
			bad(key, name+" stands here twice", "each system is played once a block")
		}
	}
	if l.Origins < 1 || l.Origins > maxOrigins {
		bad("origins", fmt.Sprintf("%d is not between 1 and %d", l.Origins, maxOrigins), "3 suits most labs")
	}
	if l.Limits.CPUs < 0.1 || l.Limits.CPUs > 64 {
		bad("limits.cpus", fmt.Sprintf("%g is not between 0.1 and 64", l.Limits.CPUs), "1 is one core's worth of CPU time")
	}
	var err error
	if l.Limits.memoryBytes, err = parseMemory(l.Limits.Memory); err != nil {
		bad("limits.memory", err.Error(), "for example 256MiB")
	}
	l.checkLoad(bad)
	if len(l.Sizes) == 0 {
		bad("sizes", "no size", "quick: {blocks: 6, time: 1}")
	}
	for name, s := range l.Sizes {
		if s.Blocks < 1 || s.Time <= 0 {
			bad("sizes."+name, "blocks and time must be above 0", "blocks: 6 plays each system six times; time: 1 leaves the phases as long as they are")
		}
	}
	return faults
}

// checkLoad holds the load to the rules of package loadtest, as the plans that
// will be made of it.
func (l *Lab) checkLoad(bad func(key, text, hint string)) {
	plan := loadtest.Plan{
		Bases: []string{"http://origin-1:" + originPort}, Phases: l.Load.Phases,
		Connections: l.Load.Connections, Timeout: l.Load.Timeout,
	}
	for _, t := range l.Load.Targets {
		plan.Targets = append(plan.Targets, loadtest.Target{Method: t.Method, Path: t.Path, Body: t.Body, Weight: t.Weight, Size: -1})
	}
	report := func(plan loadtest.Plan, place func(string) string) bool {
		var faults loadtest.Faults
		if !errors.As(plan.Validate(), &faults) {
			return true
		}
		for _, f := range faults {
			bad(place(f.Place), f.What, f.Hint)
		}
		return false
	}
	if report(plan, func(place string) string { return "load." + strings.TrimPrefix(place, "plan.") }) {
		plan.Phases = []loadtest.Phase{l.Load.WarmUp}
		report(plan, func(place string) string { return "load.warmup" + strings.TrimPrefix(place, "plan.phases[0]") })
	}
}

// checkMembers holds the site's members against the origins of the topology.
func (l *Lab) checkMembers() []site.Fault {
	var faults []site.Fault
	if l.Origins < 1 {
		return nil // told already
	}
	for i, b := range l.Site.Balancers {
		for j, m := range b.Members {
			if _, err := originNumber(m.URL, l.Origins); err != nil {
				faults = append(faults, site.Fault{
					Place: fmt.Sprintf("site.balancers[%d].members[%d].url", i, j), Text: err.Error(),
					Hint: fmt.Sprintf("http://origin-1:%s to http://origin-%d:%s", originPort, l.Origins, originPort),
				})
			}
		}
	}
	return faults
}

// originNumber tells which origin of the topology a member's URL names.
func originNumber(member string, origins int) (int, error) {
	u, err := url.Parse(member)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimPrefix(u.Hostname(), "origin-"))
	if err != nil || !strings.HasPrefix(u.Hostname(), "origin-") || n < 1 || n > origins || u.Port() != originPort {
		return 0, fmt.Errorf("%s is none of the lab's %d origins", member, origins)
	}
	return n, nil
}

// parseMemory reads a size with a binary unit.
func parseMemory(s string) (int64, error) {
	for unit, factor := range map[string]int64{"MiB": 1 << 20, "GiB": 1 << 30} {
		if number, ok := strings.CutSuffix(s, unit); ok {
			n, err := strconv.ParseInt(number, 10, 32)
			if err == nil && n > 0 && n*factor >= 16<<20 {
				return n * factor, nil
			}
		}
	}
	return 0, fmt.Errorf("%q is no size of at least 16MiB", s)
}
