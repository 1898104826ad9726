package loadtest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestFieldsCookiesAndItemsAreSent(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]string{}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked[r.Header.Get("X-N")] = fmt.Sprint(r.RequestURI, " ", r.Host, " ", r.Header.Get("Accept-Language"), " ", r.Header["Cookie"])
	})
	p := planFor(500, 100, s.URL)
	p.Targets = []Target{{
		Path: "/x?item={item}&n={n}", Size: -1, Items: 9, Zipf: 1,
		Fields:  map[string]string{"Host": "shop.example", "X-N": "{n}", "Accept-Language": "es"},
		Cookies: map[string]string{"session": "s{item}", "lang": "es"},
	}}
	schedule, err := p.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	samples, _ := fire(t, t.Context(), new(Generator), p)
	for n := range uint64(100) {
		item := schedule.Item(n)
		want := fmt.Sprintf("/x?item=%d&n=%d shop.example es [lang=es; session=s%d]", item, n, item)
		if got := asked[fmt.Sprint(n)]; got != want || samples[n].Item != item {
			t.Fatalf("request %d was %q, want %q; its record says item %d", n, got, want, samples[n].Item)
		}
	}
	one, _ := ScheduleSHA256(p.Targets, samples)
	samples[7].Item++
	if other, _ := ScheduleSHA256(p.Targets, samples); one == other {
		t.Error("the hash of the schedule does not depend on the items")
	}
	samples[7].Item--
	p.Targets[0].Fields["Accept-Language"] = "en"
	if other, _ := ScheduleSHA256(p.Targets, samples); one == other {
		t.Error("the hash of the schedule does not depend on the fields")
	}
}

func TestFreshConnectionsServeOneRequestEach(t *testing.T) {
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	p := planFor(200, 40, s.URL)
	p.Targets[0].Fresh = true
	if samples, _ := fire(t, t.Context(), new(Generator), p); Summary(samples).Right != 40 || opened.Load() != 40 {
		t.Errorf("%+v over %d connections", Summary(samples), opened.Load())
	}
}

// One pool serves all phases: two requests at once in the first phase leave two
// connections, and no later phase needs more.
func TestPhasesShareOnePool(t *testing.T) {
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	p := planFor(10, 5, s.URL)
	p.Phases = append(p.Phases, Phase{Shape: Sine, Rate: 10, To: 20, Period: time.Second, For: time.Second}, Phase{Shape: Constant, Rate: 10, For: 500 * time.Millisecond})
	samples, _ := fire(t, t.Context(), new(Generator), p)
	if n := opened.Load(); Summary(samples).Right != len(samples) || n > int64(len(samples))/2 {
		t.Errorf("%d requests took %d connections", len(samples), n)
	}
}

// Slow clients are seen from the other side: when bytes come, and how long a
// server needs to get rid of an answer.
func TestSlowClients(t *testing.T) {
	const header, body = 150, 60 // bytes, and bytes a second
	run := func(t *testing.T, target Target, h http.HandlerFunc) Sample {
		t.Helper()
		p := planFor(10, 1, serve(t, h).URL)
		p.Targets = []Target{target}
		samples, _ := fire(t, t.Context(), new(Generator), p)
		if len(samples) != 1 || !samples[0].Right {
			t.Fatalf("%+v", samples)
		}
		return samples[0]
	}
	var took time.Duration // of the handler
	t.Run("headers", func(t *testing.T) {
		target := Target{Path: "/x", Size: -1, Method: "POST", Body: body, Slow: &Slow{Headers: header},
			Fields: map[string]string{"X-Long": strings.Repeat("x", header)}}
		s := run(t, target, func(w http.ResponseWriter, r *http.Request) {
			if n, _ := io.Copy(io.Discard, r.Body); n != body || len(r.Header.Get("X-Long")) != header {
				t.Errorf("%d bytes of body, fields %v", n, r.Header)
			}
		})
		if s.Service() < time.Second {
			t.Errorf("more than %d bytes of header at %d a second took %v", header, header, s.Service())
		}
	})
	t.Run("body", func(t *testing.T) {
		target := Target{Path: "/x", Size: -1, Method: "POST", Body: body, Slow: &Slow{Body: body}}
		run(t, target, func(w http.ResponseWriter, r *http.Request) {
			began := time.Now()
			if n, _ := io.Copy(io.Discard, r.Body); n != body {
				t.Errorf("%d bytes of body", n)
			}
			took = time.Since(began)
		})
		if took < 500*time.Millisecond {
			t.Errorf("the server had %d bytes of body at %d a second after %v", body, body, took)
		}
	})
	t.Run("read", func(t *testing.T) {
		const size = 12 << 20 // more than the kernel's buffers hold
		target := Target{Path: "/x", Size: size, Slow: &Slow{Read: size}}
		run(t, target, func(w http.ResponseWriter, r *http.Request) {
			began := time.Now()
			w.Write(make([]byte, size))
			took = time.Since(began)
		})
		if took < 100*time.Millisecond {
			t.Errorf("the server was rid of %d bytes after %v", size, took)
		}
	})
}

// A slow client that takes longer than the plan's timeout is given up, and
// nothing of it stays behind (see TestMain).
func TestSlowClientsTimeOut(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	p := planFor(100, 3, s.URL)
	p.Timeout = 300 * time.Millisecond
	p.Targets = []Target{{Path: "/x", Size: -1, Slow: &Slow{Headers: 1}}}
	samples, _ := fire(t, t.Context(), new(Generator), p)
	for _, s := range samples {
		if s.Err != "no whole answer within 300ms" {
			t.Errorf("%+v", s)
		}
	}
}

// Three clients in a closed loop never wait together for more than three
// answers, have no plan, and are never ranked.
func TestClosedLoop(t *testing.T) {
	var now, most atomic.Int64
	s := serve(t, func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		time.Sleep(time.Millisecond) // a server that takes its time
		now.Add(-1)
	})
	p := planFor(1, 1, s.URL)
	p.Phases = []Phase{{Shape: Closed, Clients: 3, For: 300 * time.Millisecond}}
	samples, end := fire(t, t.Context(), new(Generator), p)
	if most.Load() > 3 || len(samples) < 10 || end.Clients != 3 || end.Planned != uint64(len(samples)) {
		t.Errorf("%d at once, %d samples, end %+v", most.Load(), len(samples), end)
	}
	for _, s := range samples {
		if s.Planned != s.Start || !s.Right {
			t.Fatalf("%+v", s)
		}
	}
	if g := Judge(samples, end); g.Validity == Valid || !strings.Contains(strings.Join(g.Reasons, "; "), "closed loop") {
		t.Errorf("%+v", g)
	}
}

func TestCacheStatusOfAnAnswer(t *testing.T) {
	for _, row := range []struct {
		want   string
		fields []string
	}{
		{"", nil},
		{"hit", []string{"Cache-Status: proxyd; hit; ttl=59"}},
		{"uri-miss", []string{"Cache-Status: proxyd; fwd=uri-miss; stored"}},
		{"hit", []string{`Cache-Status: origin; fwd=miss, "a, b; c"; hit`}},
		{"stale", []string{"Cache-Status: far; hit", "Cache-Status: near; fwd=stale; fwd-status=304"}},
		{"", []string{"Cache-Status: proxyd"}},
		{"hit", []string{"X-Cache: HIT from apache"}},
		{"revalidate", []string{"X-Cache: REVALIDATE from apache"}},
		{"miss", []string{"Cache-Status: proxyd", "X-Cache: MISS", "Age: 3"}},
		{"hit", []string{"Age: 0"}},
	} {
		h := http.Header{}
		for _, f := range row.fields {
			name, value, _ := strings.Cut(f, ": ")
			h.Add(name, value)
		}
		if got := cacheStatus(h); got != row.want {
			t.Errorf("%q: %q, want %q", row.fields, got, row.want)
		}
	}
}
