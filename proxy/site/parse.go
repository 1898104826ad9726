package site

import (
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

const (
	minHead        = 1 << 10
	maxHead        = 16 << 20
	maxFields      = 32767 // of httpd's LimitRequestFields
	maxConnections = 1_000_000
	maxBacklog     = 65535
	minLine        = 64
	maxIdle        = 10_000
	maxBody        = 1 << 40
	maxRate        = 1 << 20
	leastTime      = time.Millisecond
	maxFlushWait   = time.Second // as in mod_proxy
	longestTime    = 24 * time.Hour
)

func defaultLimits() Limits {
	return Limits{
		Head:             64 << 10,
		Fields:           100,
		Connections:      10000,
		Body:             1 << 30,
		MinRate:          500,
		MinReadRate:      500,
		AbortOnClose:     true,
		HeadTimeout:      20 * time.Second,
		KeepAliveTimeout: 60 * time.Second,
		Pipelined:        1000,
		Timeout:          60 * time.Second,
	}
}

func defaultSocket() Socket { return Socket{Backlog: 4096} }

func defaultFields() Fields { return Fields{Server: true, Continue: true} }

func defaultLog() Log { return Log{Stdout: true, Format: DefaultLogFormat} }

func defaultBalancer() Balancer {
	return Balancer{
		LBMethod: "byrequests", HashOn: "client", HashBound: 1.25, Queue: 1000,
		Sessions: Sessions{Separator: "."}, Checks: defaultChecks(),
		Outliers: Outliers{Interval: 10 * time.Second, Time: 30 * time.Second, Keep: 50},
		Failures: Failures{Budget: 20, HedgeBudget: 10, Probe: time.Second, Resend: "idempotent"},
	}
}

func defaultMember() Member {
	return Member{LoadFactor: 1, Retry: 5 * time.Second, ConnectionTimeout: time.Second, TTL: 60 * time.Second, AddressTTL: 30 * time.Second,
		FlushPackets: "on", FlushWait: 10 * time.Millisecond}
}

// Load reads the declaration in a file. Its error is [*Faults] where the file
// could be read.
func Load(path string) (*Site, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Parse reads a declaration. name stands for the file in faults.
func Parse(name string, data []byte) (*Site, error) {
	r := &reader{lines: make(map[string]int)}
	s := &Site{Listen: ":8080", Socket: defaultSocket(), Log: defaultLog(), Fields: defaultFields(), Limits: defaultLimits()}
	if root := r.document(data); root != nil {
		r.site(field{node: root, line: nodeLine(root, 1)}, s)
		if _, ok := root.(ast.MapNode); ok {
			r.complete(s)
		}
	}
	if err := asError(name, r.faults); err != nil {
		return nil, err
	}
	return s, nil
}

func (r *reader) site(f field, s *Site) {
	r.mapping(f, map[string]func(field){
		"listen": func(f field) {
			if addr, ok := r.scalar(f, "host:port"); ok {
				s.Listen = addr
				r.add(f, listenAddress(addr))
			}
		},
		"socket": func(f field) {
			r.mapping(f, map[string]func(field){
				"backlog":     func(f field) { s.Socket.Backlog = r.count(f, 1, maxBacklog) },
				"deferaccept": func(f field) { s.Socket.Defer = r.onOff(f) },
				"reuseport":   func(f field) { s.Socket.ReusePort = r.onOff(f) },
			}, nil)
		},
		"log": func(f field) {
			r.mapping(f, map[string]func(field){
				"file":   func(f field) { s.Log.File = r.checked(f, fileName) },
				"stdout": func(f field) { s.Log.Stdout = r.onOff(f) },
				"format": func(f field) { s.Log.Format = r.checked(f, logFormat) },
			}, nil)
		},
		"balancers": func(f field) {
			r.list(f, func(f field) { s.Balancers = append(s.Balancers, r.balancer(f)) })
		},
		"routes": func(f field) {
			r.list(f, func(f field) { s.Routes = append(s.Routes, r.route(f)) })
		},
		"cache":  func(f field) { r.cache(f, &s.Cache) },
		"fields": func(f field) { r.fields(f, &s.Fields) },
		"admin":  func(f field) { r.admin(f, &s.Admin) },
		"limits": func(f field) { r.limits(f, &s.Limits) },
	}, laterTop)
}

// checked takes a string and its rule. A value that breaks it is given back
// all the same, so that no later rule stumbles over its absence.
func (r *reader) checked(f field, rule func(string) *problem) string {
	s, ok := r.text(f)
	if ok {
		r.add(f, rule(s))
	}
	return s
}

// onOff takes httpd's words for a flag.
func (r *reader) onOff(f field) bool {
	if s, ok := f.node.(*ast.StringNode); ok && (s.Value == "on" || s.Value == "off") {
		return s.Value == "on"
	}
	r.add(f, wrong("\"on\" or \"off\"", "%s is neither on nor off", kind(f.node)))
	return false
}

func (r *reader) balancer(f field) Balancer {
	b := defaultBalancer()
	keys := r.balancerKeys(&b)
	maps.Copy(keys, r.checkKeys(&b.Checks))
	r.mapping(f, keys, laterBalancer)
	if _, ok := r.lines[f.place+".name"]; !ok {
		r.add(f, wrong("add \"name: origins\"", "a balancer without name"))
	}
	if _, ok := r.lines[f.place+".members"]; !ok || len(b.Members) == 0 && r.clean(f.place+".members") {
		r.add(f, wrong("add \"members:\" and below it \"- url: http://host:port\"", "a balancer without member"))
	}
	return b
}

// clean says that no fault was told at a place or within it.
func (r *reader) clean(place string) bool {
	for _, f := range r.faults {
		if strings.HasPrefix(f.Place, place) {
			return false
		}
	}
	return true
}

func (r *reader) member(f field) Member {
	m := defaultMember()
	keys := map[string]func(field){
		"url": func(f field) {
			m.URL = r.checked(f, func(s string) *problem { _, p := memberURL(s); return p })
			if u, p := memberURL(m.URL); p == nil {
				m.URL = u
			}
		},
		"route":    func(f field) { m.Route = r.checked(f, routeName) },
		"redirect": func(f field) { m.Redirect = r.checked(f, routeName) },
		"lbset":    func(f field) { m.LBSet = r.count(f, 0, 99) },
		"max":      func(f field) { m.Max = r.count(f, 1, maxConnections) },
		"status": func(f field) {
			if s, ok := r.text(f); ok {
				var p *problem
				m.Status, p = memberStatus(s)
				r.add(f, p)
			}
		},
		"ttl":        func(f field) { m.TTL = r.duration(f, leastTime) },
		"addressttl": func(f field) { m.AddressTTL = r.duration(f, time.Second) },
		"keepalive":  func(f field) { m.KeepAlive = r.onOff(f) },
		"loadfactor": func(f field) {
			if n, ok := r.number(f); ok {
				m.LoadFactor = n
				r.add(f, loadFactor(n))
			}
		},
		"acquire":      func(f field) { m.Acquire = r.duration(f, leastTime) },
		"smax":         func(f field) { m.SMax = r.count(f, 1, maxIdle) },
		"disablereuse": func(f field) { m.DisableReuse = r.onOff(f) },
		"flushpackets": func(f field) {
			m.FlushPackets = r.checked(f, func(s string) *problem {
				if !slices.Contains(flushPackets, s) {
					return wrong(quoteAll(flushPackets), "%q is none of its words", s)
				}
				return nil
			})
		},
		"flushwait": func(f field) {
			if m.FlushWait = r.duration(f, leastTime); m.FlushWait > maxFlushWait {
				r.add(f, wrong("", "%s is longer than %s", brief(m.FlushWait), brief(maxFlushWait)))
			}
		},
		"ping":              func(f field) { m.Ping = r.duration(f, leastTime) },
		"retry":             func(f field) { m.Retry = r.duration(f, 0) },
		"connectiontimeout": func(f field) { m.ConnectionTimeout = r.duration(f, leastTime) },
		"timeout":           func(f field) { m.Timeout = r.duration(f, leastTime) },
		"upgrade":           func(f field) { m.Upgrade = r.checked(f, protocol) },
		"upgradetimeout":    func(f field) { m.UpgradeTimeout = r.duration(f, leastTime) },
	}
	maps.Copy(keys, r.checkKeys(&m.Checks))
	r.mapping(f, keys, laterMember)
	if _, ok := r.lines[f.place+".url"]; !ok && r.clean(f.place) {
		r.add(f, wrong("add \"url: http://host:port\"", "a member without url"))
	}
	return m
}

func (r *reader) duration(f field, least time.Duration) time.Duration {
	s, ok := r.scalar(f, "a duration")
	if !ok {
		return 0
	}
	d, p := duration(s, least, longestTime)
	r.add(f, p)
	return d
}

func (r *reader) route(f field) Route {
	var route Route
	r.mapping(f, map[string]func(field){
		"path": func(f field) { route.Path = r.checked(f, urlPath) },
		"to": func(f field) {
			route.To = r.checked(f, func(s string) *problem {
				if s == "!" {
					return nil
				}
				_, _, p := routeTarget(s)
				return p
			})
		},
	}, laterRoute)
	for _, key := range []string{"path", "to"} {
		if _, ok := r.lines[f.place+"."+key]; !ok && r.clean(f.place) {
			r.add(f, wrong("a route is \"path: /\" and \"to: balancer://name\"", "a route without %s", key))
		}
	}
	return route
}

func (r *reader) fields(f field, into *Fields) {
	r.mapping(f, map[string]func(field){
		"forwarded": func(f field) { into.Forwarded = r.onOff(f) },
		"server":    func(f field) { into.Server = r.onOff(f) },
		"continue":  func(f field) { into.Continue = r.onOff(f) },
		"trusted": func(f field) {
			r.list(f, func(f field) {
				if s, ok := r.scalar(f, "an address"); ok {
					n, p := network(s)
					into.Trusted = append(into.Trusted, n)
					r.add(f, p)
				}
			})
		},
	}, nil)
}

func (r *reader) limits(f field, l *Limits) {
	count := func(into *int, most int) func(field) {
		return func(f field) { *into = r.count(f, 1, most) }
	}
	bytes := func(into *int, least, most int) func(field) {
		return func(f field) {
			if s, ok := r.scalar(f, "a size"); ok {
				n, p := size(s, least, most)
				*into = n
				r.add(f, p)
			}
		}
	}
	span := func(into *time.Duration) func(field) {
		return func(f field) { *into = r.duration(f, leastTime) }
	}
	r.mapping(f, map[string]func(field){
		"requestline":       bytes(&l.RequestLine, minLine, maxHead),
		"minreadrate":       bytes(&l.MinReadRate, 1, maxRate),
		"headtimeoutmax":    span(&l.HeadTimeoutMax),
		"keepaliverequests": func(f field) { l.KeepAliveRequests = r.count(f, 0, math.MaxInt32) },
		"pipelined":         func(f field) { l.Pipelined = r.count(f, 0, math.MaxInt32) },
		"abortonclose":      func(f field) { l.AbortOnClose = r.onOff(f) },
		"head":              bytes(&l.Head, minHead, maxHead),
		"fields":            count(&l.Fields, maxFields),
		"connections":       count(&l.Connections, maxConnections),
		"perclient":         count(&l.PerClient, maxConnections),
		"body":              bytes(&l.Body, 1, maxBody),
		"minrate":           bytes(&l.MinRate, 1, maxRate),
		"headtimeout":       span(&l.HeadTimeout),
		"keepalivetimeout":  span(&l.KeepAliveTimeout),
		"timeout":           span(&l.Timeout),
	}, nil)
}
