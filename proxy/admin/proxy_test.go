package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"proxylab/proxy"
	"proxylab/proxy/admin"
	"proxylab/proxy/site"
)

// served is a proxy with its manager, before two origin servers that say their name.
type served struct {
	t      *testing.T
	proxy  *proxy.Server
	admin  *admin.Server
	client *http.Client
	site   *site.Site
}

// origin answers with its name; a request for /slow begins its answer, tells
// arrived, and ends it when it is let go.
func origin(t *testing.T, name string, arrived, letGo chan struct{}) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			w.Header().Set("Content-Length", "9")
			io.WriteString(w, "slow ")
			w.(http.Flusher).Flush()
			close(arrived)
			<-letGo
		}
		io.WriteString(w, name)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func serve(t *testing.T, members ...string) *served {
	t.Helper()
	declared, err := site.Flags{Listen: "127.0.0.1:0", Backends: members, Admin: "127.0.0.1:0"}.Site()
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	p, err := proxy.New(declared, proxy.Options{Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	s := &served{t: t, proxy: p, site: declared, client: &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}}
	s.admin = admin.New(admin.Options{Balancers: p.Balancers, Logger: logger})
	if err := s.admin.Configure(admin.Config(declared.Admin), nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx) }()
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.admin.Close()
	})
	return s
}

// get asks the proxy, and returns the body.
func (s *served) get(path string) string {
	s.t.Helper()
	res, err := s.client.Get("http://" + s.proxy.Addr().String() + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		s.t.Fatal(res.Status, string(body), err)
	}
	return string(body)
}

// memberState is what a test looks at.
type memberState struct {
	Status  string
	Elected int
	Busy    int
	Errors  int
	From    int
}

// api asks the manager about a member, or changes it.
func (s *served) api(method, member, body string) (m memberState) {
	s.t.Helper()
	r, err := http.NewRequest(method, "http://"+s.admin.Addr().String()+"/api/balancers/origins/members/"+url.PathEscape(member), strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if err := json.Unmarshal(text, &m); err != nil || res.StatusCode != 200 {
		s.t.Fatalf("%s: %d %s", member, res.StatusCode, text)
	}
	return m
}

// A member that is drained is elected no more; the exchange that runs with it comes
// to its end.
func TestDrainingARunningProxy(t *testing.T) {
	arrived, letGo := make(chan struct{}), make(chan struct{})
	one, two := origin(t, "one!", arrived, letGo), origin(t, "two!", nil, nil)
	s := serve(t, one, two)
	answer := make(chan string, 1)
	go func() {
		res, err := s.client.Get("http://" + s.proxy.Addr().String() + "/slow") // the first goes to one
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			body = []byte(err.Error())
		}
		answer <- string(body)
	}()
	<-arrived
	if m := s.api("PATCH", one, `{"status": "+N"}`); m.Status != "N" || m.Busy != 1 || m.Elected != 1 {
		t.Errorf("%+v", m)
	}
	for range 10 {
		if body := s.get("/"); body != "two!" {
			t.Fatalf("answered by %s", body)
		}
	}
	close(letGo)
	if body := <-answer; body != "slow one!" {
		t.Errorf("the exchange that ran got %q", body)
	}
	s.await("the exchange has ended", func() bool { m := s.api("GET", one, ""); return m.Busy == 0 && m.Elected == 1 && m.From > 0 })
	if m := s.api("PATCH", one, `{"status": "-N"}`); m.Status != "" {
		t.Errorf("%+v", m)
	}
	bodies := s.get("/") + s.get("/")
	if !strings.Contains(bodies, "one!") {
		t.Errorf("it is not back: %s", bodies)
	}
}

// await waits until it is so.
func (s *served) await(claim string, so func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatal("never: " + claim)
		}
	}
}

// A reload keeps the listener, what was changed, and the counters of members that
// stay, while requests are under way.
func TestAReloadKeepsCountersAndChanges(t *testing.T) {
	one, two, three := origin(t, "one!", nil, nil), origin(t, "two!", nil, nil), origin(t, "three!", nil, nil)
	s := serve(t, one, two)
	for range 10 {
		s.get("/")
	}
	s.api("PATCH", two, `{"status": "+D"}`)
	s.await("all exchanges have ended", func() bool { return s.api("GET", one, "").Busy+s.api("GET", two, "").Busy == 0 })
	before, addr := []memberState{s.api("GET", one, ""), s.api("GET", two, "")}, s.admin.Addr().String()
	if before[0].Elected != 5 || before[1].Elected != 5 || before[1].Status != "D" {
		t.Fatalf("%+v", before)
	}
	var stop atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for !stop.Load() {
			if res, err := s.client.Get("http://" + s.admin.Addr().String() + "/api/balancers"); err == nil {
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			} else {
				t.Error(err)
			}
		}
	}()
	next, err := site.Flags{Listen: "127.0.0.1:0", Backends: []string{three, one, two}, Admin: "127.0.0.1:0"}.Site()
	if err != nil {
		t.Fatal(err)
	}
	for _, declared := range []*site.Site{next, s.site, next} {
		if err := s.admin.Configure(admin.Config(declared.Admin), func() error { return s.proxy.Reload(declared) }); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	<-ended
	if now := s.admin.Addr().String(); now != addr {
		t.Errorf("the manager moved from %s to %s", addr, now)
	}
	if after := []memberState{s.api("GET", one, ""), s.api("GET", two, "")}; after[0] != before[0] || after[1] != before[1] {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
	var bodies bytes.Buffer
	for range 6 {
		bodies.WriteString(s.get("/"))
	}
	if strings.Contains(bodies.String(), "two!") || strings.Count(bodies.String(), "three!") != 3 {
		t.Error(bodies.String())
	}
}
