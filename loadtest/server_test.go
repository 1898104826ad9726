package loadtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// control starts a generator's control port and its client.
func control(t *testing.T) (*httptest.Server, *Client) {
	t.Helper()
	s := new(Server)
	h := httptest.NewServer(s)
	t.Cleanup(func() {
		h.Close()
		if err := s.generator.Drop(); err != nil {
			t.Error(err)
		}
	})
	return h, &Client{Addr: strings.TrimPrefix(h.URL, "http://")}
}

// request asks the control port on a connection of its own.
func request(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestRunThroughTheControlPort(t *testing.T) {
	_, c := control(t)
	target := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Origin", "a, \"b\"") })
	var seen []Sample
	samples, end, err := c.Run(t.Context(), planFor(300, 120, target.URL), func(s Sample) { seen = append(seen, s) })
	if err != nil {
		t.Fatal(err)
	}
	if len(samples) != 120 || end.Planned != 120 || end.Sent != 120 || end.Vegeta.Success != 1 {
		t.Errorf("%d samples, end %+v", len(samples), end)
	}
	for i, s := range samples {
		if s.N != uint64(i) || !s.Right || s.Origin != `a, "b"` {
			t.Fatalf("sample %d: %+v", i, s)
		}
	}
	SortSamples(seen)
	if !slices.Equal(seen, samples) {
		t.Error("onSample saw others than came back")
	}
}

// The last answer is held back until the client has seen the first sample.
func TestSamplesArriveWhileTheRunGoesOn(t *testing.T) {
	_, c := control(t)
	seen := make(chan struct{})
	var n atomic.Int64
	target := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 2 {
			select {
			case <-seen:
			case <-r.Context().Done():
			}
		}
	})
	p := planFor(2, 2, target.URL) // the second half a second later
	first := true
	samples, _, err := c.Run(t.Context(), p, func(Sample) {
		if first {
			close(seen)
			first = false
		}
	})
	if err != nil || Summary(samples).Right != 2 {
		t.Errorf("%v %+v", err, samples)
	}
}

func TestRefusals(t *testing.T) {
	h, c := control(t)
	rows := []struct {
		method, path, body string
		status             int
		words              []string
	}{
		{"POST", "/run", `{"connections":-1}`, 400, []string{"plan.bases: none given\n\thint: ", "plan.targets: ", "plan.phases: ", "plan.connections: -1 ", "plan.timeout: "}},
		{"POST", "/run", `{"speed":1}`, 400, []string{`unknown field "speed"`, "hint: "}},
		{"POST", "/run", "", 400, []string{"plan: EOF"}},
		{"POST", "/run", `{"bases":["` + strings.Repeat("x", maxPlan) + `"]}`, 400, []string{"too large"}},
		{"GET", "/run", "", 404, []string{"POST /run"}},
		{"GET", "/", "", 404, []string{"hint: "}},
	}
	for _, row := range rows {
		status, body := request(t, row.method, h.URL+row.path, row.body)
		if status != row.status {
			t.Errorf("%s %s: status %d", row.method, row.path, status)
		}
		for _, w := range row.words {
			if !strings.Contains(body, w) {
				t.Errorf("%s %s: %q is not in %q", row.method, row.path, w, body)
			}
		}
	}
	if _, _, err := c.Run(t.Context(), Plan{}, nil); err == nil || !strings.Contains(err.Error(), "plan.bases") {
		t.Errorf("the client sends a bad plan: %v", err)
	}
	if status, body := request(t, "GET", h.URL+"/ready", ""); status != 200 || body != ReadyBody {
		t.Errorf("ready: %d %q", status, body)
	}
}

func TestASecondRunIsRefusedAndLeavesTheFirstAlone(t *testing.T) {
	h, c := control(t)
	second := make(chan string, 2)
	target := serve(t, func(http.ResponseWriter, *http.Request) {
		_, _, err := c.Run(context.Background(), planFor(1, 1, "http://127.0.0.1:1"), nil)
		second <- fmt.Sprint(err)
		second <- fmt.Sprint(c.Drop(context.Background()))
	})
	samples, _, err := c.Run(t.Context(), planFor(10, 1, target.URL), nil)
	for range 2 {
		if text := <-second; !strings.Contains(text, "409") || !strings.Contains(text, ErrBusy.Error()) {
			t.Errorf("during a run: %s", text)
		}
	}
	if err != nil || Summary(samples).Right != 1 {
		t.Errorf("the first run: %v %+v", err, samples)
	}
	if status, _ := request(t, "POST", h.URL+"/drop", ""); status != 204 {
		t.Errorf("drop after it: %d", status)
	}
}

// The client goes away in the middle; the load on the target ends, and the
// generator is free for the next run.
func TestAClientThatGoesAwayStopsItsRun(t *testing.T) {
	_, c := control(t)
	aborted := make(chan struct{}, 10_000)
	arrived := make(chan struct{}, 10_000)
	hanging := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
		aborted <- struct{}{}
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for range 5 {
			<-arrived
		}
		cancel()
	}()
	p := planFor(50, 500, hanging.URL)
	if _, _, err := c.Run(ctx, p, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the client's own error: %v", err)
	}
	for range 5 {
		<-aborted
	}
	quick := serve(t, func(http.ResponseWriter, *http.Request) {})
	deadline := time.Now().Add(30 * time.Second)
	for {
		_, _, err := c.Run(t.Context(), planFor(100, 1, quick.URL), nil)
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "409") || time.Now().After(deadline) {
			t.Fatalf("the next run: %v", err)
		}
	}
}

func TestStreamsThatAreDamaged(t *testing.T) {
	const sample = "0,0,0,1,2,3,200,5,true,a,,0,\n"
	const end = `{"zero":"2026-01-02T03:04:05Z","planned":1,"sent":1,"duration_s":1,"cpu_s":1,"cpus":1,"gomaxprocs":1,"vegeta":{"p50_ns":1,"p99_ns":1,"success":1}}` + "\n"
	if s, e, err := ReadRun(strings.NewReader(Header+"\n"+sample+end), nil); err != nil || len(s) != 1 || e.Sent != 1 {
		t.Fatalf("%v %v %v", s, e, err)
	}
	for name, row := range map[string]struct{ text, want string }{
		"nothing":            {"", "line 1: empty"},
		"no end":             {Header + "\n" + sample, ErrCut.Error()},
		"cut sample":         {Header + "\n" + sample[:5], "line 2: cut off"},
		"cut end":            {Header + "\n" + sample + end[:20], "line 3: cut off"},
		"bad end":            {Header + "\n" + `{"planned":"x"}` + "\n", "line 2: end record"},
		"unknown key in end": {Header + "\n" + `{"plan":1}` + "\n", `unknown field "plan"`},
		"more after the end": {Header + "\n" + end + sample, "line 3: something follows"},
	} {
		if _, _, err := ReadRun(strings.NewReader(row.text), nil); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

func TestAGeneratorThatIsNotThere(t *testing.T) {
	c := &Client{Addr: closedPort(t)}
	if _, _, err := c.Run(t.Context(), validPlan(), nil); err == nil || !strings.HasPrefix(err.Error(), "generator "+c.Addr+": ") {
		t.Error(err)
	}
}

// A disk that is full stops a run by hand.
func TestAWriterThatFailsStopsTheRun(t *testing.T) {
	target := serve(t, func(http.ResponseWriter, *http.Request) {})
	var g Generator
	defer g.Drop()
	full := errors.New("no space left on device")
	began := time.Now()
	err := g.Stream(t.Context(), planFor(100, 6000, target.URL), new(bytes.Buffer), func() error { return full })
	if took := time.Since(began); err != nil || took > 30*time.Second { // the plan takes a minute
		t.Errorf("%v after %v", err, took)
	}
}
