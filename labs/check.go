package labs

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"proxylab/labs/systems"
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
	if !(l.Limits.CPUs >= 0.2 && l.Limits.CPUs <= 64) { // NaN is neither
		bad("limits.cpus", fmt.Sprintf("%g is not between 0.2 and 64", l.Limits.CPUs), "1 is one core's worth of CPU time")
	}
	var err error
	if l.Limits.memoryBytes, err = parseMemory(l.Limits.Memory); err != nil {
		bad("limits.memory", err.Error(), "for example 256MiB")
	}
	for key, v := range map[string]float64{"limits.origin_cpus": l.Limits.OriginCPUs, "limits.generator_cpus": l.Limits.GeneratorCPUs} {
		if v != 0 && !(v >= 0.2 && v <= 64) {
			bad(key, fmt.Sprintf("%g is not between 0.2 and 64", v), "leave it out for no limit")
		}
	}
	l.checkLoad(bad)
	l.checkMeasured(bad)
	l.checkFaults(bad)
	if len(l.Sizes) == 0 {
		bad("sizes", "no size", "quick: {blocks: 6, time: 1}")
	}
	l.checkSizes(bad, len(faults) == 0)
	return faults
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
