package proxy

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"time"

	"proxylab/proxy/balancer"
	"proxylab/proxy/http1"
	"proxylab/proxy/route"
	"proxylab/proxy/site"
	"proxylab/proxy/socket"
	"proxylab/proxy/upstream"
)

const maxIdle = 1024 // idle connections to each member

// Options are what the program decides and not the Site.
type Options struct {
	Access io.Writer     // standard output, for the access log; nil for none
	Logger *slog.Logger  // gets what an operator should know
	Grace  time.Duration // for running exchanges on stop; 10s where 0
	Loops  int           // goroutines that wait for sockets; one for each core where 0
}

// New turns a Site into running parts, and listens. Nobody is accepted before
// Serve, which also gives everything back.
func New(declared *site.Site, o Options) (*Server, error) {
	s := &Server{
		grace:    o.Grace,
		lastCall: lastCall,
		conns:    make(map[*conn]struct{}),
		clients:  make(map[netip.Prefix]int),
		cutting:  make(chan struct{}),
	}
	if s.grace == 0 {
		s.grace = 10 * time.Second
	}
	p, pools, err := build(declared, nil)
	if err != nil {
		return nil, err
	}
	s.parts.Store(p)
	s.pools = pools
	if err := s.listen(declared.Listen, declared.Socket, declared.Limits.HeadTimeout); err != nil {
		return nil, err
	}
	s.notes, s.logger = newNotes(o.Logger)
	if s.access, err = openAccessLog(o.Access, declared.Log, s.logger); err != nil {
		s.notes.close(notesLast)
		s.listener.Close()
		return nil, err
	}
	s.bound(declared.Limits.Connections)
	loops := o.Loops
	if loops == 0 {
		loops = runtime.GOMAXPROCS(0)
	}
	for range loops {
		l, err := socket.NewLoop()
		if err != nil {
			s.access.close(accessLast)
			s.notes.close(notesLast)
			s.listener.Close()
			return nil, err
		}
		s.loops = append(s.loops, l)
	}
	if p.cache, err = openCache(declared.Cache, s.logger, func() time.Time { return s.loops[0].Now(false) }); err != nil {
		s.access.close(accessLast)
		s.notes.close(notesLast)
		s.listener.Close()
		return nil, err
	}
	return s, nil
}

// build turns a Site into parts. Of earlier pools it takes over what stays, and
// does not change them.
func build(declared *site.Site, pools map[upstream.Config]*upstream.Pool) (*parts, map[upstream.Config]*upstream.Pool, error) {
	p := &parts{
		site: declared,
		head: http1.Limits{Head: declared.Limits.Head, Line: declared.Limits.RequestLine, Fields: declared.Limits.Fields},
		patience: http1.Patience{
			Least: declared.Limits.HeadTimeout, Most: declared.Limits.HeadTimeoutMax, Rate: declared.Limits.MinRate,
		},
	}
	used := make(map[upstream.Config]*upstream.Pool)
	pool := func(c upstream.Config) *upstream.Pool {
		if used[c] == nil {
			if used[c] = pools[c]; used[c] == nil {
				used[c] = upstream.New(c)
			}
		}
		return used[c]
	}
	for _, b := range declared.Balancers {
		g, err := buildGroup(b, declared.Limits, pool)
		if err != nil {
			return nil, nil, err
		}
		p.groups = append(p.groups, g)
	}
	rules, err := buildRules(declared)
	if err != nil {
		return nil, nil, err
	}
	p.routes = route.New(rules)
	return p, used, nil
}

// buildGroup makes a balancer and finds a pool for each of its members.
func buildGroup(b site.Balancer, lim site.Limits, pool func(upstream.Config) *upstream.Pool) (*group, error) {
	config := balancer.Config{
		Name:          b.Name,
		Method:        b.LBMethod,
		HashBound:     b.HashBound,
		NoFailover:    b.Sessions.NoFailover,
		ForceRecovery: b.Failures.Force,
		FailOnStatus:  b.Failures.OnStatus,
		FailOnTimeout: b.Failures.OnTimeout,
		Budget:        b.Failures.Budget,
		Hedge:         b.Failures.Hedge,
		HedgeBudget:   b.Failures.HedgeBudget,
		Timeout:       b.Timeout,
		Queue:         b.Queue,
		Probe:         b.Failures.Probe,
		SlowStart:     b.Failures.SlowStart,
	}
	if o := b.Outliers; o.Errors > 0 || o.Latency > 0 {
		config.Outliers = balancer.Outliers(o)
	}
	if b.Checks.Method != "" {
		config.Check = checks(&b.Checks)
	}
	g := &group{site: b, tries: len(b.Members)}
	g.hashOn, g.hashName, _ = strings.Cut(b.HashOn, " ")
	if g.hashOn == "header" {
		g.hashName = lowerCase(g.hashName)
	}
	if n := b.Failures.Attempts; n > 0 {
		g.tries = n + 1
	}
	if err := g.nameMembers(); err != nil {
		return nil, fmt.Errorf("balancer %q: %w", b.Name, err)
	}
	for _, m := range b.Members {
		u, err := url.Parse(m.URL)
		if err != nil {
			return nil, fmt.Errorf("balancer %q: member %q: %w", b.Name, m.URL, err)
		}
		addr := u.Host
		if u.Port() == "" {
			addr += ":80"
		}
		status, _, err := balancer.ParseFlags(m.Status)
		if err != nil {
			return nil, fmt.Errorf("balancer %q: member %q: %w", b.Name, m.URL, err)
		}
		config.Members = append(config.Members, balancer.MemberConfig{
			Name: m.URL, LoadFactor: m.LoadFactor, LBSet: m.LBSet, Status: status,
			Route: m.Route, Redirect: m.Redirect, Max: m.Max, Acquire: m.Acquire, Retry: m.Retry,
		})
		if m.Checks.Method != "" {
			config.Members[len(config.Members)-1].Check = checks(&m.Checks)
		}
		g.upgrades = append(g.upgrades, upgrade{m.Upgrade, m.UpgradeTimeout})
		g.pools = append(g.pools, pool(upstream.Config{
			Addr:           addr,
			AddressTTL:     m.AddressTTL,
			ConnectTimeout: m.ConnectionTimeout,
			Timeout:        m.Timeout,
			Ping:           m.Ping,
			Hold:           hold(&m),
			IdleTimeout:    m.TTL,
			KeepAlive:      m.KeepAlive,
			MaxIdle:        idleConnections(&m, lim),
			Lasting:        m.SMax,
		}))
	}
	var err error
	g.balancer, err = balancer.New(config)
	return g, err
}

// idleConnections is how many idle ones are kept to a member.
func idleConnections(m *site.Member, lim site.Limits) int {
	if m.DisableReuse {
		return 0
	}
	return max(m.SMax, min(maxIdle, lim.Connections))
}

// hold is what flushpackets and flushwait say.
func hold(m *site.Member) time.Duration {
	switch m.FlushPackets {
	case "off":
		return -1
	case "auto":
		return m.FlushWait
	}
	return 0
}

func checks(c *site.Checks) balancer.Checks {
	return balancer.Checks{Interval: c.Interval, Passes: c.Passes, Fails: c.Fails}
}

// nameMembers makes the values of sessioncookie.
func (g *group) nameMembers() error {
	if g.site.Sessions.Own == "" {
		return nil
	}
	key, err := sessionKey(g.site.Sessions.KeyFile)
	if err != nil {
		return err
	}
	g.tokens = make(map[string]int)
	for i, m := range g.site.Members {
		g.cookies = append(g.cookies, token(key, g.site.Name, m.URL))
		g.tokens[g.cookies[i]] = i + 1
	}
	return nil
}

// buildRules finds the balancer that each route names.
func buildRules(declared *site.Site) ([]route.Rule, error) {
	var rules []route.Rule
	for _, r := range declared.Routes {
		if r.To == "!" {
			rules = append(rules, route.Rule{Path: r.Path, Exclude: true})
			continue
		}
		name, prefix, _ := strings.Cut(strings.TrimPrefix(r.To, "balancer://"), "/")
		i := slices.IndexFunc(declared.Balancers, func(b site.Balancer) bool { return b.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("route %s: no balancer is named %q", r.Path, name)
		}
		if prefix != "" {
			prefix = "/" + prefix
		}
		rules = append(rules, route.Rule{Path: r.Path, Balancer: i, Prefix: prefix})
	}
	return rules, nil
}
