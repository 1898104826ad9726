package site

import (
	"slices"
	"strconv"
	"strings"
)

// complete puts in the defaults that depend on other values, and checks what
// can only be seen of the whole.
func (r *reader) complete(s *Site) {
	if _, ok := r.lines["balancers"]; (!ok || len(s.Balancers) == 0) && r.clean("balancers") {
		r.add(r.at("balancers"), wrong("add \"balancers:\" with a name and members", "no balancer"))
	}
	if _, ok := r.lines["limits.perclient"]; !ok {
		s.Limits.PerClient = s.Limits.Connections
	}
	r.completeHead(&s.Limits)
	r.completeCache(&s.Cache)
	r.distinctBalancers(s)
	for i := range s.Balancers {
		r.distinctMembers(place("balancers", i), &s.Balancers[i])
		r.balanced(place("balancers", i), &s.Balancers[i])
		for j := range s.Balancers[i].Members {
			s.Balancers[i].Members[j].complete(s.Limits)
		}
	}
	if _, ok := r.lines["routes"]; !ok && len(s.Balancers) > 0 {
		s.Routes = []Route{{Path: "/", To: balancerScheme + s.Balancers[0].Name}}
	}
	r.knownTargets(s)
	r.reachedRoutes(s)
}

// complete puts in the timeouts that were not given.
func (m *Member) complete(l Limits) {
	if m.Timeout == 0 {
		m.Timeout = l.Timeout
	}
	if m.UpgradeTimeout == 0 {
		m.UpgradeTimeout = m.Timeout
	}
}

// completeHead puts in what a head may take as a whole where a part of it has no
// bound of its own.
func (r *reader) completeHead(l *Limits) {
	if l.RequestLine == 0 {
		l.RequestLine = l.Head
	}
	if l.HeadTimeoutMax == 0 {
		l.HeadTimeoutMax = l.HeadTimeout
	}
	if l.RequestLine > l.Head && r.clean("limits.requestline") && r.clean("limits.head") {
		r.add(r.at("limits.requestline"), wrong("raise limits.head, or leave this out", "%s is more than a head may have, %s", writeSize(l.RequestLine), writeSize(l.Head)))
	}
	if l.HeadTimeoutMax < l.HeadTimeout && r.clean("limits.headtimeout") {
		r.add(r.at("limits.headtimeoutmax"), wrong("headtimeout is what it begins with, headtimeoutmax where it ends", "%s is less than headtimeout, %s", brief(l.HeadTimeoutMax), brief(l.HeadTimeout)))
	}
}

func place(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

func (r *reader) distinctBalancers(s *Site) {
	first := make(map[string]string)
	for i, b := range s.Balancers {
		at := r.at(place("balancers", i) + ".name")
		if b.Name == "" {
			continue
		}
		if other, ok := first[b.Name]; ok {
			r.add(at, wrong("give each balancer a name of its own", "%q is the name of %s already", b.Name, other))
			continue
		}
		first[b.Name] = place("balancers", i)
	}
}

func (r *reader) distinctMembers(balancer string, b *Balancer) {
	urls, routes := make(map[string]string), make(map[string]string)
	for j, m := range b.Members {
		here := place(balancer+".members", j)
		if other, ok := urls[m.URL]; ok && m.URL != "" {
			r.add(r.at(here+".url"), wrong("for a larger share, raise its loadfactor", "%q is %s already", m.URL, other))
		} else {
			urls[m.URL] = here
		}
		if other, ok := routes[m.Route]; ok && m.Route != "" {
			r.add(r.at(here+".route"), wrong("give each member a route of its own", "%q is the route of %s already", m.Route, other))
		} else {
			routes[m.Route] = here
		}
	}
}

func (r *reader) knownTargets(s *Site) {
	var names []string
	for _, b := range s.Balancers {
		names = append(names, b.Name)
	}
	for i, route := range s.Routes {
		name, _, p := routeTarget(route.To)
		if p != nil || len(names) == 0 || slices.Contains(names, name) {
			continue
		}
		r.add(r.at(place("routes", i)+".to"), wrong(didYouMean(name, names), "unknown balancer %q", name))
	}
}

// reachedRoutes finds routes that an earlier one hides, since the first match
// wins.
func (r *reader) reachedRoutes(s *Site) {
	for i, route := range s.Routes {
		for j, earlier := range s.Routes[:i] {
			if urlPath(route.Path) != nil || urlPath(earlier.Path) != nil || !within(route.Path, earlier.Path) {
				continue
			}
			at := r.at(place("routes", i) + ".path")
			r.add(at, wrong("the first match wins: put the longer path first", "%q is never reached behind %q of %s", route.Path, earlier.Path, place("routes", j)))
			break
		}
	}
}

// within says whether path lies at or below prefix, by whole segments.
func within(path, prefix string) bool {
	return strings.HasPrefix(strings.TrimRight(path, "/")+"/", strings.TrimRight(prefix, "/")+"/")
}
