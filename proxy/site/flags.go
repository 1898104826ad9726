package site

// FromFlags makes the declaration of a proxy that is started without a file:
// one balancer named "origins" of the given backends, and every path to it.
// listen and logFile may be empty. Faults name the flags of proxyd.
func FromFlags(listen string, backends []string, logFile string) (*Site, error) {
	r := &reader{lines: make(map[string]int)}
	s := &Site{Listen: ":8080", Socket: defaultSocket(), Log: defaultLog(), Fields: defaultFields(), Limits: defaultLimits()}
	s.Log.File = logFile
	s.Limits.PerClient = s.Limits.Connections
	r.completeHead(&s.Limits)
	if listen != "" {
		s.Listen = listen
		r.add(field{place: "--listen"}, listenAddress(listen))
	}
	if logFile != "" {
		r.add(field{place: "--log-file"}, fileName(logFile))
	}
	b := defaultBalancer()
	b.Name = "origins"
	seen := make(map[string]bool)
	for _, backend := range backends {
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
	if len(backends) == 0 {
		r.add(field{place: "--backend"}, wrong("--backend http://host:port, once for each origin server", "no origin server"))
	}
	s.Balancers = []Balancer{b}
	s.Routes = []Route{{Path: "/", To: balancerScheme + b.Name}}
	if err := asError("", r.faults); err != nil {
		return nil, err
	}
	return s, nil
}
