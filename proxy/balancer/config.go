package balancer

import (
	"fmt"
	"slices"
	"time"
)

// Config declares a balancer.
type Config struct {
	Name          string
	Method        string  // lbmethod: one of Methods
	ForceRecovery bool    // members in error are tried again at once when there is no other (forcerecovery)
	NoFailover    bool    // a session whose member is not usable gets no other (nofailover)
	HashBound     float64 // hash: no member has more than this times its share of what runs; 0 for no bound
	FailOnStatus  []int   // answers that put a member into error state (failonstatus)
	FailOnTimeout bool    // so does Silent (failontimeout)
	Budget        int     // further attempts as a share of requests, percent (retrybudget)

	Hedge       int // percentile of the time to the head of an answer after which a request may be hedged, 1 to 99; 0 for never
	HedgeBudget int // hedges as a share of requests, percent

	Timeout   time.Duration // how long Wait waits; 0 for not at all
	Queue     int           // how many may Wait
	Probe     time.Duration // between probes of a member that could not be reached; 0 for none
	Check     Checks        // of members that have none of their own, whether in error or not
	Outliers  Outliers      // members that do worse than the others
	SlowStart time.Duration // in which the lbfactor of a member that came back grows to its whole

	Members []MemberConfig
}

// Checks are the health checks of mod_proxy_hcheck.
type Checks struct {
	Interval time.Duration // between two of a member (hcinterval); 0 for no checks
	Passes   int           // that end HealthFailed (hcpasses)
	Fails    int           // that begin it (hcfails)
}

// MemberConfig declares a member, in mod_proxy's words.
type MemberConfig struct {
	Name       string
	LoadFactor float64       // 1 to 100, in hundredths
	LBSet      int           // 0 to 99; the lowest that has a usable member is elected from
	Status     Flags         // Disabled, Stopped, HotSpare, HotStandby, Draining, IgnoreErrors
	Route      string        // names the member in a session; "" for none
	Redirect   string        // the route that its sessions go to while it is not usable; "" for none
	Max        int           // exchanges at once; 0 for any number
	Acquire    time.Duration // how long who can only be served by this member waits for it; 0 where Config.Timeout says that
	Retry      time.Duration // time in error state after a failure; 0 for none
	Check      Checks        // of its own; those of the Config where Interval is 0
}

// settings are what can be changed while the balancer runs.
type settings struct {
	status   Flags // of admin
	factor   float64
	lbset    int
	route    string
	redirect string
	max      int
}

func (c MemberConfig) settings() settings {
	return settings{c.Status & admin, c.LoadFactor, c.LBSet, c.Route, c.Redirect, c.Max}
}

// check returns what is wrong with s, or nil.
func (s settings) check() error {
	switch {
	case !(s.factor >= 1 && s.factor <= 100):
		return fmt.Errorf("loadfactor %v is not between 1 and 100", s.factor)
	case s.lbset < 0 || s.lbset > 99:
		return fmt.Errorf("lbset %d is not between 0 and 99", s.lbset)
	case s.max < 0:
		return fmt.Errorf("max %d is negative", s.max)
	case s.status&(HotSpare|HotStandby) == HotSpare|HotStandby:
		return fmt.Errorf("status %s is hot spare and hot standby at once", s.status)
	case s.redirect != "" && s.redirect == s.route:
		return fmt.Errorf("redirect %q is the member's own route", s.redirect)
	}
	return nil
}

func (c Config) check() error {
	if methods[c.Method] == nil {
		return fmt.Errorf("balancer %q: unknown lbmethod %q", c.Name, c.Method)
	}
	if c.Hedge < 0 || c.Hedge > 99 {
		return fmt.Errorf("balancer %q: hedge: %d is no percentile between 1 and 99", c.Name, c.Hedge)
	}
	if len(c.Members) == 0 {
		return fmt.Errorf("balancer %q: no member", c.Name)
	}
	for i, m := range c.Members {
		fault := m.settings().check()
		switch {
		case fault != nil:
		case m.Retry < 0:
			fault = fmt.Errorf("retry %v is negative", m.Retry)
		case m.Status&^admin != 0:
			fault = fmt.Errorf("status %s is not declared: it comes by itself", m.Status&^admin)
		case slices.ContainsFunc(c.Members[:i], func(o MemberConfig) bool { return o.Name == m.Name }):
			fault = fmt.Errorf("is there twice")
		}
		if fault != nil {
			return fmt.Errorf("balancer %q: member %q: %w", c.Name, m.Name, fault)
		}
	}
	return nil
}

// merged is what a member is set to when its declaration goes from before to
// after: what was changed at run time stays, unless the declaration changed in
// that very thing.
func merged(before, set, after settings) settings {
	changed := (before.status ^ set.status) &^ (before.status ^ after.status)
	return settings{
		status:   after.status&^changed | set.status&changed,
		factor:   stays(before.factor, set.factor, after.factor),
		lbset:    stays(before.lbset, set.lbset, after.lbset),
		route:    stays(before.route, set.route, after.route),
		redirect: stays(before.redirect, set.redirect, after.redirect),
		max:      stays(before.max, set.max, after.max),
	}
}

func stays[T comparable](before, set, after T) T {
	if before == after {
		return set
	}
	return after
}
