package apache

import (
	"slices"

	"proxylab/proxy/site"
)

// lbmethods are those that httpd has, for each that a Site can name: its own, and
// for the others the one that does most alike.
var lbmethods = map[string]string{
	"byrequests": "byrequests",
	"bytraffic":  "bytraffic",
	"bybusyness": "bybusyness",
	"leastconn":  "bybusyness",
	"random2":    "bybusyness",
	"ewma":       "bybusyness",
	"hash":       "byrequests",
}

var lbmethodWords = map[string]string{
	"byrequests": "each member in turn, by loadfactor",
	"bytraffic":  "the member with the fewest bytes, by loadfactor",
	"bybusyness": "the member with the fewest requests that run",
}

// needed are the modules that the site takes, those of the steps first.
func (w *writer) needed() []string {
	list := slices.Clone(modules)
	add := func(names ...string) {
		for _, m := range names {
			if !slices.Contains(list, m) {
				list = append(list, m)
			}
		}
	}
	for _, b := range w.site.Balancers {
		add("lbmethod_" + lbmethods[b.LBMethod])
		if b.Sessions.Own != "" {
			add("headers")
		}
		if b.Checked() && w.matched() {
			add("proxy_hcheck")
		}
	}
	if !w.matched() {
		return list
	}
	add("headers") // X-Forwarded-Proto
	if c := w.site.Cache; c.On {
		add("cache", "cache_socache", "socache_shmcb")
		if c.Dir != "" {
			add("cache_disk")
		}
	}
	return list
}

// ownRoutes are the routes of a balancer's members where a cookie of the proxy's
// names them: those of the Site, and made-up ones for the others.
func ownRoutes(b *site.Balancer) []string {
	taken := map[string]bool{}
	for _, m := range b.Members {
		taken[m.Route] = true
	}
	routes := make([]string, len(b.Members))
	n := 0
	for i, m := range b.Members {
		if routes[i] = m.Route; m.Route != "" || b.Sessions.Own == "" {
			continue
		}
		for routes[i] == "" || taken[routes[i]] {
			n++
			routes[i] = madeRoute(n)
		}
	}
	return routes
}
