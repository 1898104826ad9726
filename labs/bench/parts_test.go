package bench

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

const wrkOutput = `Running 3s test @ http://127.0.0.1:8080/1k
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.21ms  110.02us   4.28ms   89.51%
    Req/Sec    53.02k     1.50k   55.01k    73.33%
  Latency Distribution
     50%    1.19ms
     75%    1.24ms
     90%    1.31ms
     99%    1.60ms
  158312 requests in 3.00s, 190.22MB read
`

func TestParseWrk(t *testing.T) {
	const tail = "Requests/sec:  52755.20\nTransfer/sec:     63.39MB\n"
	for _, tt := range []struct {
		claim, text string
		want        load
	}{
		{"all went well", wrkOutput + tail, load{158312, 0, 3, 1190 * time.Microsecond}},
		{"microseconds", strings.Replace(wrkOutput, "50%    1.19ms", "50%   93.00us", 1) + tail, load{158312, 0, 3, 93 * time.Microsecond}},
		{"longer than a minute", strings.Replace(wrkOutput, "in 3.00s", "in 1.50m", 1) + tail, load{158312, 0, 90, 1190 * time.Microsecond}},
		{"errors of sockets are counted", wrkOutput + "  Socket errors: connect 1, read 2, write 3, timeout 4\n" + tail, load{158312, 10, 3, 1190 * time.Microsecond}},
		{"other statuses are no answers", wrkOutput + "  Non-2xx or 3xx responses: 312\n" + tail, load{158000, 312, 3, 1190 * time.Microsecond}},
	} {
		if got, err := parseWrk(tt.text); err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v; want %+v", tt.claim, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "unable to connect to 127.0.0.1:1 Connection refused\n",
		strings.Replace(wrkOutput, "1.19ms", "-nan", 1), strings.Replace(wrkOutput, "158312 ", "many ", 1)} {
		if got, err := parseWrk(text); err == nil {
			t.Errorf("%q is %+v, want an error", text, got)
		}
	}
}

func TestGroupOfProcess(t *testing.T) {
	for _, tt := range []struct {
		stat       string
		pid, group int
		ok         bool
	}{
		{"12 (nginx) S 1 10 10 0 -1 4194560", 12, 10, true},
		{"13 (a) S 1 99 (x) R 1 11 10", 13, 11, true}, // a name that poses as fields
		{"", 0, 0, false},
		{"12 (nginx) S 1", 0, 0, false},
	} {
		if pid, group, ok := groupOf(tt.stat); pid != tt.pid || group != tt.group || ok != tt.ok {
			t.Errorf("%q: %d, %d, %v", tt.stat, pid, group, ok)
		}
	}
}

func TestWholeGroupIsStopped(t *testing.T) {
	own, err := ownCores()
	if err != nil {
		t.Fatal(err)
	}
	p, err := start(own[:1], t.TempDir(), "", nil, "/bin/sh", "-c", "sleep 100 & sleep 100 & echo up >&2; wait")
	if err != nil {
		t.Fatal(err)
	}
	for p.said() != "up" {
		select {
		case <-p.done:
			t.Fatal("the shell ended")
		case <-time.After(time.Millisecond):
		}
	}
	if pids, err := p.members(); err != nil || len(pids) != 3 {
		t.Errorf("members %v, %v; want the shell and its two children", pids, err)
	}
	p.stop()
	// Who lost its parent is a zombie until init or a subreaper waits for it.
	for end := time.Now().Add(5 * time.Second); ; {
		if pids, err := p.members(); err != nil {
			break
		} else if time.Now().After(end) {
			t.Fatalf("%v are left", pids)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestDivideCores(t *testing.T) {
	if _, err := divide([]int{3}); err == nil {
		t.Error("one core is shared by all, want an error")
	}
	for _, tt := range []struct {
		own                        []int
		system, both, load, origin []int
	}{
		{[]int{0, 1}, []int{0}, []int{0, 1}, []int{1}, []int{1}},
		{[]int{2, 5, 6}, []int{2}, []int{2, 5}, []int{5}, []int{6}},
		{[]int{0, 1, 2, 3, 4}, []int{0}, []int{0, 3}, []int{1}, []int{2}},
	} {
		c, err := divide(tt.own)
		if err != nil || !slices.Equal(c.system, tt.system) || !slices.Equal(c.both, tt.both) ||
			!slices.Equal(c.load, tt.load) || !slices.Equal(c.origin, tt.origin) {
			t.Errorf("%v: %+v, %v", tt.own, c, err)
		}
	}
}

func TestGateRefusesWrongAnswers(t *testing.T) {
	for _, tt := range []struct {
		claim  string
		answer http.HandlerFunc
		want   string
	}{
		{"right bytes", serveContent().ServeHTTP, ""},
		{"another status", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(502) }, "status 502"},
		{"one byte is different", func(w http.ResponseWriter, r *http.Request) {
			b := content(r.URL.Path[1:])
			b[len(b)-1]++
			w.Write(b)
		}, "not those of the origin"},
		{"cut", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1024")
			w.Write(make([]byte, 1000))
		}, "EOF"},
	} {
		s := httptest.NewServer(tt.answer)
		p := &process{done: make(chan struct{})}
		err := gate(t.Context(), p, Case{}, s.Listener.Addr().(*net.TCPAddr).Port)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.claim, err, tt.want)
		}
		s.Close()
	}
}

func TestIdleConnectionsThatWereClosedAreSeen(t *testing.T) {
	s := httptest.NewServer(serveContent())
	defer s.Close()
	conns, err := idleConns(t.Context(), s.Listener.Addr().(*net.TCPAddr).Port, 5, "1k")
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(conns)
	if n := stillOpen(conns); n != 5 {
		t.Errorf("%d of 5 are open", n)
	}
	var timeout net.Error
	if err := conns[0].SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conns[0].Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("reading after the deadline: %v", err)
	}
	if n := stillOpen(conns); n != 5 {
		t.Errorf("%d of 5 are open when the time to answer on one has passed", n)
	}
	s.CloseClientConnections()
	for end := time.Now().Add(5 * time.Second); stillOpen(conns) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d look open, and all are closed", stillOpen(conns))
		}
	}
}

func TestEveryConfigurationRenders(t *testing.T) {
	for _, s := range systems {
		for _, c := range Cases {
			if ok, _ := s.plays(c); !ok {
				continue
			}
			p := &place{Case: c, Dir: t.TempDir(), Port: 8080, Origin: "127.0.0.1:9", Root: true, Files: 100, Modules: "/m"}
			if err := p.write(s.setup(c).config); err != nil {
				t.Errorf("%s: %s: %v", s.name, c.Name, err)
			}
		}
	}
}

// played is a result of two runs whose figures are easy to reckon with.
func played() *Result {
	r := &Result{
		Cases: []Case{Cases[0], Cases[3]}, Systems: []string{"proxyd", "nginx", "apache"}, Runs: 2, Seconds: 3,
		Machine: Machine{Cores: 2},
	}
	for i, scale := range []float64{1, 2} { // the machine was half as fast in the second run
		for system, cpu := range map[string]float64{"proxyd": 20, "nginx": 25, "apache": 100} {
			r.Trials = append(r.Trials, Trial{Case: "case=1k/conns=64", System: system, Run: i + 1,
				CPU: cpu * scale, PerSecond: 1e4, P50: 100, Busy: 0.5, Resident: 8e6})
		}
	}
	return r
}

func TestTableAndClaims(t *testing.T) {
	text := played().Markdown()
	for _, line := range []string{
		"| case=1k/conns=64 | proxyd | 30.0 (20.0–40.0) | 1.00 (1.00–1.00) | 10000 | 100 (100–100) | 0.50 | 8.0 |",
		"| case=1k/conns=64 | nginx | 37.5 (25.0–50.0) | 0.80 (0.80–0.80) | 10000 | 100 (100–100) | 0.50 | 8.0 |",
		"| case=new/conns=64 | nginx | – | – | – | – | – | – |",
		"| case=1k/conns=64 | CPU to that of nginx, at most | 0.9 | 0.80 (0.80–0.80) | yes |",
		"| case=1k/conns=64 | CPU to that of apache, at most | 0.25 | 0.20 (0.20–0.20) | yes |",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line\n%s\nin\n%s", line, text)
		}
	}
	for _, unwanted := range []string{"haproxy", "idle", "NaN", "Inf"} {
		if strings.Contains(text, unwanted) {
			t.Errorf("%q was not measured, and is in\n%s", unwanted, text)
		}
	}
}

func TestWhoFailsOrIsLeftOutHasAReasonInTheTable(t *testing.T) {
	hit, disk := "case=hit/size=1k/conns=64", "case=hit/size=10m/conns=16"
	cases, err := CasesNamed([]string{hit, disk})
	if err != nil {
		t.Fatal(err)
	}
	r := &Result{Cases: cases, Systems: []string{"proxyd", "nginx", "haproxy", "httputil"}, Runs: 1, Trials: []Trial{
		{Case: hit, System: "proxyd", Run: 1, CPU: 10},
		{Case: hit, System: "nginx", Run: 1, Failed: "it ended | before it listened"},
		{Case: hit, System: "haproxy", Run: 1, CPU: 20},
		{Case: disk, System: "nginx", Run: 1, CPU: 20},
	}}
	text := r.Markdown()
	for _, line := range []string{
		"| case=hit/size=1k/conns=64 | nginx | failed: it ended / before it listened | | | | | |",
		"| case=hit/size=10m/conns=16 | haproxy | left out: its cache is in memory only | | | | | |",
		"| case=hit/size=1k/conns=64 | CPU | 0.7 | – | not known: nginx failed |",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line\n%s\nin\n%s", line, text)
		}
	}
	if strings.Contains(text, "httputil") {
		t.Errorf("httputil has no cache, and is in\n%s", text)
	}
	if err := r.failure(); err == nil || !strings.Contains(err.Error(), hit+": nginx: it ended") {
		t.Errorf("error %v, want the failure", err)
	}
}

func TestMemoryAndStartHaveTablesOfTheirOwn(t *testing.T) {
	cases, err := CasesNamed([]string{"memory", "start"})
	if err != nil {
		t.Fatal(err)
	}
	r := &Result{Cases: cases, Systems: []string{"proxyd", "varnish"}, Runs: 1, Trials: []Trial{
		{Case: cases[0].Name, System: "proxyd", Run: 1, Requests: 100_000, Overhead: 500, Resident: 2e8},
		{Case: cases[0].Name, System: "varnish", Run: 1, Requests: 100_000, Overhead: 1000, Resident: 3e8},
		{Case: cases[1].Name, System: "proxyd", Run: 1, Requests: 12345, FirstHit: 101, Resident: 1e8},
	}}
	text := r.Markdown()
	for _, line := range []string{
		"| case | system | bytes beside each body of 1 KB | proxyd ÷ it | resident MB |",
		"| case=memory/objects=100000 | varnish | 1000 | 0.50 | 300.0 |",
		"| case=memory/objects=100000 | bytes beside each body, at most | 600 | 500.00 | yes |",
		"| case=start/objects=1000000 | proxyd | 101 | 12345 | 100.0 |",
		"| case=start/objects=1000000 | ms until the first hit, and then 2 s without a miss, at most | 100 | 101.00 | no |",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line\n%s\nin\n%s", line, text)
		}
	}
	for _, unwanted := range []string{"CPU µs/request", "start/objects=1000000 | varnish", "NaN"} {
		if strings.Contains(text, unwanted) {
			t.Errorf("%q is in\n%s", unwanted, text)
		}
	}
}

func TestRatiosAreTakenWithinARun(t *testing.T) {
	r := played()
	e := r.ratio(cpu, side{"case=1k/conns=64", "nginx"}, side{"case=1k/conns=64", "proxyd"})
	if e.N != 2 || math.Abs(e.Low-1.25) > 1e-9 || math.Abs(e.High-1.25) > 1e-9 {
		t.Errorf("%+v, want 1.25 without spread", e)
	}
}

func TestMissingPackages(t *testing.T) {
	t.Setenv("PATH", "")
	f := finder{root: t.TempDir()}
	gone := []system{{name: "x", program: "surely-no-program", pkg: "x-pkg"}, {name: "y", program: "surely-no-program", pkg: "x-pkg"}, {name: "own"}}
	got := f.missing(gone)
	if n := len(got); n == 0 || got[n-1] != "x-pkg" || slices.Contains(got[:n-1], "x-pkg") {
		t.Errorf("missing %v, want x-pkg once", got)
	}
	if err := f.fetch(context.Background(), []string{"x-pkg"}); err == nil || !strings.Contains(err.Error(), "apt-get install --no-install-recommends x-pkg") {
		t.Errorf("without apt-get: %v, want what to type", err)
	}
}
