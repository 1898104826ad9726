package labs

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"proxylab/docker"
	"proxylab/docker/enginetest"
	"proxylab/labs/origin"
	"proxylab/labs/systems"
)

// everythingLab is a Site that uses what a Site has, over three origins.
const everythingLab = `
title: Do both do what the site says?
systems: [proxyd, apache-matched]
origins: 3
limits: {cpus: 1, memory: 256MiB}
site:
  socket: {backlog: 511, reuseport: on}
  log: {format: '%h %t "%r" %>s %b %D'}
  balancers:
    - name: origins
      members: [{url: http://origin-1:8080}, {url: http://origin-2:8080}, {url: http://origin-3:8080}]
    - name: weighted
      members: [{url: http://origin-1:8080, loadfactor: 3}, {url: http://origin-2:8080, loadfactor: 2}, {url: http://origin-3:8080}]
    - name: sets
      lbmethod: bybusyness
      forcerecovery: on
      members: [{url: http://origin-1:8080, lbset: 1}, {url: http://origin-2:8080}, {url: http://origin-3:8080, status: +H}]
    - name: disabled
      lbmethod: bytraffic
      members: [{url: http://origin-1:8080, status: D}, {url: http://origin-2:8080, max: 50, acquire: 100ms, smax: 4, ttl: 10s, keepalive: on, upgrade: websocket, flushpackets: auto}, {url: http://origin-3:8080, disablereuse: on, ping: 1s}]
    - name: sessions
      stickysession: SID|sid
      nofailover: on
      members: [{url: http://origin-1:8080, route: one}, {url: http://origin-2:8080, route: two}, {url: http://origin-3:8080, route: three}]
    - name: own
      sessioncookie: ROUTEID
      members: [{url: http://origin-1:8080}, {url: http://origin-2:8080}, {url: http://origin-3:8080}]
    - name: failing
      failonstatus: [503]
      maxattempts: 1
      members: [{url: http://origin-2:8080}, {url: http://origin-3:8080, retry: 5m}]
    - name: checked
      hcmethod: GET
      hcinterval: 1s
      hcuri: /size/16
      hcexpr: "%{REQUEST_STATUS} =~ /^2/"
      members: [{url: http://origin-1:8080}, {url: http://origin-2:8080}]
    - name: hashed
      lbmethod: hash
      hedge: 95%
      slowstart: 2s
      members: [{url: http://origin-1:8080}, {url: http://origin-2:8080}]
  routes:
    - {path: /private, to: "!"}
    - {path: /weighted, to: balancer://weighted}
    - {path: /sets, to: balancer://sets}
    - {path: /disabled, to: balancer://disabled}
    - {path: /sessions, to: balancer://sessions}
    - {path: /own, to: balancer://own}
    - {path: /failing, to: balancer://failing}
    - {path: /checked, to: balancer://checked}
    - {path: /hashed, to: balancer://hashed}
    - {path: /cached, to: balancer://origins/cache}
    - {path: /, to: balancer://origins}
  fields: {forwarded: on, trusted: [192.0.2.0/24], server: off, continue: off}
  admin: 127.0.0.1:9090
  cache:
    dir: /var/cache/proxyd
    ttl: [{path: /size/, for: 60s}]
    bypass: [{path: /size/7}, {header: X-Debug}]
    keyheaders: [X-Device]
  limits: {head: 16KiB, requestline: 8KiB, fields: 50, body: 64KiB, keepaliverequests: 50, headtimeout: 3s, keepalivetimeout: 2s, timeout: 4s, connections: 500}
load:
  targets: [{path: /size/1024}]
  warmup: {shape: constant, rate: 50, for: 1s}
  phases: [{shape: constant, rate: 50, for: 1s}]
sizes: {test: {blocks: 1, time: 1}}
`

// sightings are what is seen of a system from outside. What differs between the two
// is here by name, with the note or the question that tells a reader of it.
var sightings = []struct {
	name   string
	see    func(s *sight) string
	proxyd string
	apache string // "" for the same
	told   string // a part of a note where they differ
}{
	{"picks by weight", func(s *sight) string { return s.picks("/weighted/size/1", 12) }, "121321121321", "", ""},
	{"lbset before lbset, standby behind", func(s *sight) string { return s.picks("/sets/size/1", 6) }, "222222", "", ""},
	{"a member that is disabled", func(s *sight) string { return s.who("/disabled/size/1", 8) }, "23", "", ""},
	{"a session by its route", func(s *sight) string { return s.picks("/sessions/size/1", 4, "Cookie", "SID=x.three") }, "3333", "", ""},
	{"a session by a parameter", func(s *sight) string { return s.picks("/sessions/size/1?sid=x.two", 4) }, "2222", "", ""},
	{"a session of the proxy's own", (*sight).ownSession, "kept", "", ""},
	{"a path that is excluded", func(s *sight) string { return s.status("GET", "/private/x", "") }, "404", "", ""},
	{"a path that is another at the origin", func(s *sight) string { return s.status("GET", "/weighted/status/204", "") }, "204", "", ""},
	{"Server", func(s *sight) string { return s.field("/weighted/size/1", "Server") }, "", "Apache", "fields.server"},
	{"what the site lets be stored", func(s *sight) string { return s.stored("/size/2048") }, "stored", "", ""},
	{"what the origin lets be stored", func(s *sight) string { return s.stored("/cached/max-age=60/size/512") }, "stored", "", ""},
	{"what it does not", func(s *sight) string { return s.stored("/cached/no-store/size/512") }, "not stored", "", ""},
	{"a path that the cache has no part in", func(s *sight) string { return s.stored("/size/777") }, "not stored", "", ""},
	{"a field that keeps the cache out", func(s *sight) string { return s.stored("/size/2048", "X-Debug", "1") }, "not stored", "", ""},
	{"a body that is too large", func(s *sight) string { return s.status("POST", "/size/1", strings.Repeat("x", 70_000)) }, "413", "", ""},
	{"a request line that is too long", func(s *sight) string { return s.status("GET", "/size/1?"+strings.Repeat("x", 9000), "") }, "414", "", ""},
	{"a field that is too long", func(s *sight) string { return s.status("GET", "/size/1", "", "X-Long", strings.Repeat("x", 20_000)) }, "431", "400", "field line of a request"},
	{"an answer that puts its member into error", (*sight).failOnStatus, "1 of 8", "", ""},
	{"a check that takes a member out", (*sight).checked, "only 1", "", ""},
	{"the manager's path", func(s *sight) string { return s.status("GET", "/balancer-manager", "") }, "404", "403", "admin:"},
	{"a method of ours", func(s *sight) string { return s.status("GET", "/hashed/size/1", "") }, "200", "", "lbmethod: hash"},
}

// knownApart are the questions on the wire that the two answer in different ways with
// this Site; all others they answer alike.
var knownApart = []string{
	"X-Forwarded fields and Forwarded that an origin sees",
	"the same where the client says such fields itself",
	"Via that an origin sees",
	"Via and Server that a client sees",
	"field line of a request, bytes",
	"field lines of a request",
	"fields of a response that may be stored, asked for twice",
	"an origin that is silent",
	"the same, a later request of a kept connection",
}

// sight looks at one system.
type sight struct {
	t       *testing.T
	base    string
	origins []*docker.Container
}

func TestASiteWithEverythingThroughBothSystems(t *testing.T) {
	tp, p := raiseEverything(t)
	seen := map[string]*sight{}
	var notes strings.Builder
	for _, u := range tp.systems {
		seen[u.Name] = &sight{t, "http://" + u.container.Addr(systems.Port), tp.origins}
		if u.Name == "apache-matched" {
			notes.WriteString(strings.Join(u.fact.Differs, "\n"))
		}
	}
	for _, row := range p.run.Parity {
		ours, theirs := row.Answers["proxyd"], row.Answers["apache-matched"]
		t.Logf("%s: %s | %s", row.Question, ours, theirs)
		if apart := slices.Contains(knownApart, row.Question); apart != (ours != theirs) {
			t.Errorf("%s: %q and %q, known to be apart: %v", row.Question, ours, theirs, apart)
		}
		notes.WriteString("\n" + row.Question)
	}
	for _, look := range sightings {
		want := look.apache
		if want == "" {
			want = look.proxyd
		}
		if got := look.see(seen["proxyd"]); got != look.proxyd {
			t.Errorf("%s: proxyd %q, want %q", look.name, got, look.proxyd)
		}
		if got := look.see(seen["apache-matched"]); got != want {
			t.Errorf("%s: apache-matched %q, want %q", look.name, got, want)
		}
		if !strings.Contains(notes.String(), look.told) {
			t.Errorf("%s: no note and no question tells %q", look.name, look.told)
		}
	}
}

func raiseEverything(t *testing.T) (*topology, *play) {
	t.Helper()
	e := enginetest.Open(t)
	lab, err := Parse("00-everything/lab.yaml", []byte(everythingLab))
	if err != nil {
		t.Fatal(err)
	}
	p := &play{Options: Options{
		Lab: lab, Size: "test", Source: "..", Engine: e, ID: NewID("everything", time.Now()),
		Progress: func(ev Event) { t.Log(ev.Step) },
	}}
	if err := p.choose(); err != nil {
		t.Fatal(err)
	}
	im, err := p.build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run, err := e.NewRun(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	tp, err := p.raise(t.Context(), run, im)
	if err != nil {
		t.Fatal(err)
	}
	return tp, p
}

// ask sends one request on a connection of its own; fields are names and values.
func (s *sight) ask(method, path, body string, fields ...string) *http.Response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	c := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	res, err := c.Do(req)
	if err != nil {
		s.t.Errorf("%s %s: %v", method, path, err)
		return &http.Response{Header: http.Header{}}
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res
}

func (s *sight) status(method, path, body string, fields ...string) string {
	return fmt.Sprint(s.ask(method, path, body, fields...).StatusCode)
}

func (s *sight) field(path, name string) string { return s.ask("GET", path, "").Header.Get(name) }

// picks are the numbers of the origins that answered, in turn. The cache is kept out.
func (s *sight) picks(path string, n int, fields ...string) string {
	var out strings.Builder
	for range n {
		res := s.ask("GET", path, "", append(fields, "X-Debug", "1")...)
		out.WriteString(strings.TrimPrefix(res.Header.Get("X-Origin"), "origin-"))
	}
	return out.String()
}

// who are those that answered at all.
func (s *sight) who(path string, n int) string {
	all := []byte(s.picks(path, n))
	slices.Sort(all)
	return string(slices.Compact(all))
}

// ownSession takes the cookie that the proxy gives, and stays with its member.
func (s *sight) ownSession() string {
	first := s.ask("GET", "/own/size/1", "", "X-Debug", "1")
	cookie, _, _ := strings.Cut(first.Header.Get("Set-Cookie"), ";")
	if !strings.HasPrefix(cookie, "ROUTEID=") {
		return "no cookie"
	}
	if got := s.who("/own/size/1", 4); got != "123" {
		return "without it only " + got
	}
	home := strings.TrimPrefix(first.Header.Get("X-Origin"), "origin-")
	if got := s.picks("/own/size/1", 4, "Cookie", cookie); got != strings.Repeat(home, 4) {
		return "not kept: " + got
	}
	return "kept"
}

func (s *sight) stored(path string, fields ...string) string {
	s.ask("GET", path, "", fields...)
	if s.ask("GET", path, "", fields...).Header.Get("Age") == "" {
		return "not stored"
	}
	return "stored"
}

// failing makes origin n answer with 503 while look looks.
func (s *sight) failing(n int, look func() string) string {
	o := s.origins[n-1]
	if err := tellFault(s.t.Context(), o, origin.Fault{Status: 503}); err != nil {
		s.t.Fatal(err)
	}
	defer func() {
		if err := tellFault(s.t.Context(), o, origin.Fault{}); err != nil {
			s.t.Error(err)
		}
	}()
	return look()
}

func (s *sight) failOnStatus() string {
	return s.failing(3, func() string {
		n := 0
		for range 8 {
			if s.ask("GET", "/failing/size/1", "", "X-Debug", "1").StatusCode == 503 {
				n++
			}
		}
		return fmt.Sprintf("%d of 8", n)
	})
}

func (s *sight) checked() string {
	until := func(want string) (got string) {
		for end := time.Now().Add(30 * time.Second); got != want && time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
			got = s.who("/checked/size/1", 6)
		}
		return got
	}
	if got := until("12"); got != "12" { // the other system's look is over, and was seen by both
		return "before: " + got
	}
	return s.failing(2, func() string { return "only " + until("1") })
}
