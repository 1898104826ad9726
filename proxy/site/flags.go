package site

// FromFlags is [Flags.Site] of the flags that say what is served, and where.
func FromFlags(listen string, backends []string, logFile string) (*Site, error) {
	return Flags{Listen: listen, Backends: backends, LogFile: logFile}.Site()
}

// Flags are those of proxyd that stand for a file. All but Backends may be empty.
type Flags struct {
	Listen   string   // --listen
	Backends []string // --backend, each
	LogFile  string   // --log-file
	Admin    string   // --admin

	Cache     bool   // --cache
	CacheTTL  string // --cache-ttl
	CacheDir  string // --cache-dir
	CacheDisk string // --cache-disk
}

// Site makes the declaration of a proxy that is started without a file: one
// balancer named "origins" of the backends, and every path to it. Faults name the
// flags of proxyd.
func (f Flags) Site() (*Site, error) {
	r := &reader{lines: make(map[string]int)}
	s := &Site{Listen: ":8080", Socket: defaultSocket(), Log: defaultLog(), Fields: defaultFields(), Limits: defaultLimits()}
	s.Log.File = f.LogFile
	s.Limits.PerClient = s.Limits.Connections
	r.completeHead(&s.Limits)
	if f.Listen != "" {
		s.Listen = f.Listen
		r.add(field{place: "--listen"}, listenAddress(f.Listen))
	}
	if f.LogFile != "" {
		r.add(field{place: "--log-file"}, fileName(f.LogFile))
	}
	if f.Admin != "" {
		s.Admin.Listen = f.Admin
		r.add(field{place: "--admin"}, listenAddress(f.Admin))
		if listenAddress(f.Admin) == nil && !onLoopback(f.Admin) {
			r.add(field{place: "--admin"}, wrong("listen on 127.0.0.1; a site file can ask for a token, or a password", "anybody who reaches %s could change the balancers", f.Admin))
		}
	}
	s.Cache = r.cacheFlags(f)
	b := defaultBalancer()
	b.Name = "origins"
	seen := make(map[string]bool)
	for _, backend := range f.Backends {
		m := defaultMember()
		m.complete(s.Limits)
		u, p := memberURL(backend)
		if p == nil && seen[u] {
			p = wrong("", "%q is given twice", u)
		}
		r.add(field{place: "--backend"}, p)
		seen[u] = true
		m.URL = u
		b.Members = append(b.Members, m)
	}
	if len(f.Backends) == 0 {
		r.add(field{place: "--backend"}, wrong("--backend http://host:port, once for each origin server", "no origin server"))
	}
	s.Balancers = []Balancer{b}
	s.Routes = []Route{{Path: "/", To: balancerScheme + b.Name}}
	if err := asError("", r.faults); err != nil {
		return nil, err
	}
	return s, nil
}
