package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"proxylab/proxy/balancer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	one = "http://10.0.0.11:8080" // has route "one"
	two = "http://10.0.0.12:8080"
)

// origins is a balancer of two members, as change has it.
func origins(t testing.TB, change func(*balancer.Config)) *balancer.Balancer {
	t.Helper()
	c := balancer.Config{Name: "origins", Method: "byrequests", Members: []balancer.MemberConfig{
		{Name: one, LoadFactor: 1, Route: "one", Retry: time.Minute},
		{Name: two, LoadFactor: 1, Retry: time.Minute},
	}}
	if change != nil {
		change(&c)
	}
	b, err := balancer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// log is one that tests read while it is written.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// managed is a manager that listens.
type managed struct {
	*Server
	t    testing.TB
	log  *log
	base string
	http *http.Client
}

func manage(t testing.TB, c Config, list ...*balancer.Balancer) *managed {
	t.Helper()
	return manageCache(t, c, nil, list...)
}

// manageCache is a manager of a cache, too.
func manageCache(t testing.TB, c Config, stock *stock, list ...*balancer.Balancer) *managed {
	t.Helper()
	m := &managed{t: t, log: new(log), http: &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}}
	o := Options{Balancers: func() []*balancer.Balancer { return list }, Logger: slog.New(slog.NewTextHandler(m.log, nil))}
	if stock != nil {
		o.Cache, o.Tally = stock.Store, stock.tally
	}
	m.Server = New(o)
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if err := m.Configure(c, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.http.CloseIdleConnections(); m.Close() })
	m.base = "http://" + m.Addr().String()
	return m
}

// ask sends a request with fields, "Name: value" each, and returns status and body.
func (m *managed) ask(method, path, body string, fields ...string) (int, string, http.Header) {
	m.t.Helper()
	r, err := http.NewRequest(method, m.base+path, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	if method == http.MethodPatch || method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
	}
	res, err := m.http.Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header
}

// patch makes a change that has to succeed.
func (m *managed) patch(path, body string) (member memberView) {
	m.t.Helper()
	status, text, _ := m.ask("PATCH", path, body)
	if status != 200 {
		m.t.Fatalf("PATCH %s %s: %d %s", path, body, status, text)
	}
	if strings.Contains(path, "/members/") {
		if err := json.Unmarshal([]byte(text), &member); err != nil {
			m.t.Fatal(err)
		}
	}
	return member
}

func TestTheListHasEachFigure(t *testing.T) {
	b := origins(t, func(c *balancer.Config) { c.Members[0].LoadFactor = 2.5 })
	var busy, over balancer.Lease
	for _, l := range []*balancer.Lease{&busy, &over} {
		if err := b.Elect(nil, l); err != nil {
			t.Fatal(err)
		}
	}
	over.Done(balancer.Result{Outcome: balancer.Unreachable, To: 5, From: 7, Took: 2 * time.Second})
	defer busy.Done(balancer.Result{})
	m := manage(t, Config{}, b)
	status, text, h := m.ask("GET", "/api/balancers", "")
	var got listView
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 || h.Get("Content-Type") != "application/json" {
		t.Fatal(status, err, text)
	}
	if time.Since(got.Time) > time.Minute || len(got.Balancers) != 1 {
		t.Fatal(text)
	}
	g := got.Balancers[0]
	if g.Name != "origins" || g.LBMethod != "byrequests" || g.Changed || len(g.LBMethods) != len(balancer.Methods()) {
		t.Errorf("%+v", g)
	}
	x, y := g.Members[0], g.Members[1]
	if x.URL != one || x.Route != "one" || x.LoadFactor != 2.5 || x.LBFactor != 250 || x.Busy != 1 || x.Elected != 1 || !x.Usable || !x.Candidate || x.ErrorEnd != nil || x.Latency != nil || x.Check != nil {
		t.Errorf("one: %+v", x)
	}
	if y.Status != "E" || y.Usable || y.Candidate || y.Errors != 1 || y.To != 5 || y.From != 7 || y.ErrorEnd == nil || y.Latency == nil || *y.Latency != 2 {
		t.Errorf("two: %+v", y)
	}
	if !strings.Contains(text, `"loadfactor": 2.5`) || !strings.Contains(text, `"latency_seconds": null`) {
		t.Error(text)
	}
}

func TestAMemberIsFoundByRouteAndByURL(t *testing.T) {
	m := manage(t, Config{}, origins(t, nil))
	for path, want := range map[string]string{
		"one":                           one,
		"http:%2F%2F10.0.0.11:8080":     one,
		"http%3A%2F%2F10.0.0.12%3A8080": two,
	} {
		status, text, _ := m.ask("GET", "/api/balancers/origins/members/"+path, "")
		var got memberView
		if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 || got.URL != want {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

// Each change is obeyed, answered with how it stands, and logged.
func TestChanges(t *testing.T) {
	b := origins(t, nil)
	m := manage(t, Config{}, b)
	const path = "/api/balancers/origins/members/one"
	steps := []struct {
		change string
		want   settings
		logged string
	}{
		{`{"status": "+N"}`, settings{"N", 1, 0, "one", "", 0}, `change="status \"\" → \"N\""`},
		{`{"status": "+D-N"}`, settings{"D", 1, 0, "one", "", 0}, `change="status \"N\" → \"D\""`},
		{`{"status": "-D+S"}`, settings{"S", 1, 0, "one", "", 0}, `change="status \"D\" → \"S\""`},
		{`{"status": "-S+HI"}`, settings{"HI", 1, 0, "one", "", 0}, `change="status \"S\" → \"HI\""`},
		{`{"status": "-H+R-I"}`, settings{"R", 1, 0, "one", "", 0}, `change="status \"HI\" → \"R\""`},
		{`{"status": "-R+E"}`, settings{"E", 1, 0, "one", "", 0}, `change="status \"R\" → \"E\""`},
		{`{"status": "-ECO"}`, settings{"", 1, 0, "one", "", 0}, `change="status \"E\" → \"\""`},
		{`{"loadfactor": 2.5, "lbset": 3, "max": 7}`, settings{"", 2.5, 3, "one", "", 7}, `change="loadfactor 1 → 2.5, lbset 0 → 3, max 0 → 7"`},
		{`{"redirect": "other", "loadfactor": 1, "lbset": 0, "max": 0}`, settings{"", 1, 0, "one", "other", 0}, `redirect \"\" → \"other\"`},
		{`{"route": "uno", "redirect": ""}`, settings{"", 1, 0, "uno", "", 0}, `change="route \"one\" → \"uno\", redirect \"other\" → \"\""`},
	}
	for _, step := range steps {
		got := m.patch(path, step.change)
		if got.settings != step.want || settingsOf(&b.Status().Members[0]) != step.want {
			t.Errorf("%s: got %+v, %+v", step.change, got.settings, b.Status().Members[0])
		}
		lines := strings.Split(strings.TrimSpace(m.log.String()), "\n")
		last := lines[len(lines)-1]
		for _, want := range []string{step.logged, "remote=127.0.0.1:", "balancer=origins", "member=" + one} {
			if !strings.Contains(last, want) {
				t.Errorf("%s: the log has %s, want %s", step.change, last, want)
			}
		}
	}
	before := m.log.String()
	m.patch("/api/balancers/origins/members/uno", `{"loadfactor": 1}`)
	if m.log.String() != before {
		t.Error("what is so already was logged as a change")
	}
	m.patch("/api/balancers/origins", `{"lbmethod": "bybusyness"}`)
	if s := b.Status(); s.Method != "bybusyness" || !strings.Contains(m.log.String(), `change="lbmethod byrequests → bybusyness"`) {
		t.Errorf("%+v\n%s", s, m.log)
	}
}

// Each row breaks a rule, says which, and changes nothing.
func TestFaultsOfChanges(t *testing.T) {
	const member = "balancers/origins/members/one"
	rows := []struct {
		claim, path, body string
		status            int
		place, text, hint string
	}{
		{"an unknown balancer", "balancers/x/members/one", `{"status": "+N"}`, 404, "balancers/x", `no balancer "x"`, "there are origins"},
		{"an unknown member", "balancers/origins/members/x", `{"status": "+N"}`, 404, "balancers/origins/members/x", `no member "x"`, "there are " + one},
		{"an unknown key", member, `{"factor": 2}`, 400, member + ": factor", "unknown key", "known are status, loadfactor, lbset, route, redirect, max"},
		{"a text for a number", member, `{"loadfactor": "2"}`, 400, member + ": loadfactor", "a string is not its value", "GET shows"},
		{"half a set", member, `{"lbset": 1.5}`, 400, member + ": lbset", "a number 1.5 is not its value", ""},
		{"no JSON", member, `status=+N`, 400, member, "not JSON: ", "send an object"},
		{"nothing at all", member, ``, 400, member, "not JSON: EOF", "send an object"},
		{"an empty change", member, `{}`, 400, "balancers/origins/members/" + one, "nothing is to be changed", "status"},
		{"two objects", member, `{"status": "+N"}{}`, 400, member, "something stands behind", "one object"},
		{"a list", member, `[]`, 400, member, "not JSON: ", ""},
		{"a letter that is none", member, `{"status": "+X"}`, 400, "balancers/origins/members/" + one + ": status", `status "+X": 'X' is none of`, "as in mod_proxy"},
		{"spare and standby", member, `{"status": "+HR"}`, 400, "balancers/origins/members/" + one + ": status", "status RH is hot spare and hot standby at once", "clear the other"},
		{"a loadfactor too high", member, `{"loadfactor": 500, "status": "+D"}`, 400, "balancers/origins/members/" + one + ": loadfactor", "loadfactor 500 is not between 1 and 100", "fractions"},
		{"an lbset too high", member, `{"lbset": 100}`, 400, "balancers/origins/members/" + one + ": lbset", "lbset 100 is not", "lowest"},
		{"a negative max", member, `{"max": -1}`, 400, "balancers/origins/members/" + one + ": max", "max -1 is negative", "0 is any number"},
		{"a route with a dot", member, `{"route": "a.b"}`, 400, "balancers/origins/members/" + one + ": route", `"a.b" is not a route`, "letters"},
		{"a route that is taken", "balancers/origins/members/http:%2F%2F10.0.0.12:8080", `{"route": "one"}`, 400, "balancers/origins/members/" + two + ": route", `route "one" is that of "` + one + `"`, "of its own"},
		{"a redirect to itself", member, `{"redirect": "one"}`, 400, "balancers/origins/members/" + one + ": redirect", `redirect "one" is the member's own route`, "another member"},
		{"an unknown lbmethod", "balancers/origins", `{"lbmethod": "bytrafic"}`, 400, "balancers/origins: lbmethod", `unknown lbmethod "bytrafic"`, "bytraffic"},
		{"no lbmethod", "balancers/origins", `{}`, 400, "balancers/origins", "nothing is to be changed", "lbmethod"},
		{"a change of what is no resource", "nowhere", `{}`, 404, "/api/nowhere", "nothing is here", "there are /"},
		{"a change of the list", "balancers", `{}`, 405, "/api/balancers", "PATCH is not for this", "GET, HEAD"},
		{"a large change", member, `{"route": "` + strings.Repeat("a", maxBody) + `"}`, 413, member, "larger than 16384 bytes", "no more"},
	}
	b := origins(t, nil)
	m := manage(t, Config{}, b)
	before := b.Status()
	for _, row := range rows {
		t.Run(row.claim, func(t *testing.T) {
			status, text, _ := m.ask("PATCH", "/api/"+row.path, row.body)
			var got struct{ Error fault }
			if err := json.Unmarshal([]byte(text), &got); err != nil || status != row.status {
				t.Fatalf("%d, want %d: %s", status, row.status, text)
			}
			f := got.Error
			if f.Place != row.place || !strings.Contains(f.Text, row.text) || !strings.Contains(f.Hint, row.hint) {
				t.Errorf("got %+v", f)
			}
		})
	}
	after := b.Status()
	for i := range after.Members {
		if settingsOf(&after.Members[i]) != settingsOf(&before.Members[i]) {
			t.Errorf("changed: %+v", after.Members[i])
		}
	}
	if after.Method != before.Method || strings.Contains(m.log.String(), "was changed") {
		t.Errorf("changed: %+v\n%s", after, m.log)
	}
}

func TestHedgesAreTold(t *testing.T) {
	b := origins(t, func(c *balancer.Config) { c.Hedge, c.HedgeBudget = 50, 100 })
	answer := func() {
		var l, h balancer.Lease
		if err := b.Elect(nil, &l); err != nil {
			t.Fatal(err)
		}
		if b.Hedge(&balancer.Request{Tried: []*balancer.Member{l.Member()}}, &h) {
			h.Won()
			h.Done(balancer.Result{})
		}
		l.Done(balancer.Result{Took: 20 * time.Millisecond})
	}
	for deadline := time.Now().Add(5 * time.Second); b.HedgeDelay() == 0 && time.Now().Before(deadline); {
		answer()
	}
	s := b.Status()
	m := manage(t, Config{}, b)
	_, text, _ := m.ask("GET", "/api/balancers/origins", "")
	var v balancerView
	if err := json.Unmarshal([]byte(text), &v); err != nil || v.Hedges.Sent != s.Hedges || v.Hedges.Won != s.Hedges || v.Hedges.Delay == nil || *v.Hedges.Delay < 0.02 || s.Hedges == 0 {
		t.Errorf("%v %d %s", err, s.Hedges, text)
	}
	_, text, _ = m.ask("GET", "/metrics", "")
	for _, want := range []string{
		fmt.Sprintf(`proxyd_balancer_hedges_total{balancer="origins"} %v`, float64(s.Hedges)),
		fmt.Sprintf(`proxyd_balancer_hedges_won_total{balancer="origins"} %v`, float64(s.HedgesWon)),
		`proxyd_balancer_refused_hedges_total{balancer="origins"} 0`,
		`proxyd_balancer_hedge_delay_seconds{balancer="origins"} 0.02`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}
