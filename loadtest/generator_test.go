package loadtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"go.uber.org/goleak"
)

// TestMain looks for goroutines left behind. As a child of a benchmark the program
// is the server that the benchmark asks.
func TestMain(m *testing.M) {
	if addr := os.Getenv(serveAt); addr != "" {
		serveBare(addr)
		return
	}
	goleak.VerifyTestMain(m)
}

// serve starts a server of h on loopback.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// planFor is n hits at rate to each of the bases in turn, any answer being right.
func planFor(rate float64, n int, bases ...string) Plan {
	return Plan{
		Bases:       bases,
		Targets:     []Target{{Path: "/x", Size: -1}},
		Phases:      []Phase{{Shape: Constant, Rate: rate, For: time.Duration(float64(n) / rate * 1e9)}},
		Connections: 64,
		Timeout:     10 * time.Second,
	}
}

// fire runs the plan on g and returns the samples by N.
func fire(t *testing.T, ctx context.Context, g *Generator, p Plan) ([]Sample, End) {
	t.Helper()
	t.Cleanup(func() {
		if err := g.Drop(); err != nil {
			t.Error(err)
		}
	})
	var all []Sample
	end, err := g.Run(ctx, p, func(batch []Sample) { all = append(all, batch...) })
	if err != nil {
		t.Fatal(err)
	}
	SortSamples(all)
	return all, end
}

// quantile is the value below which a share q lies.
func quantile(samples []Sample, q float64, of func(Sample) time.Duration) time.Duration {
	var d []time.Duration
	for _, s := range samples {
		d = append(d, of(s))
	}
	slices.Sort(d)
	return d[int(q*float64(len(d)-1))]
}

func TestEveryHitIsSentOnceAndRecorded(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	answer := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			mu.Lock()
			asked[fmt.Sprint(name, " ", r.Method, " ", r.RequestURI, " ", n)]++
			mu.Unlock()
			w.Header().Set("X-Origin", name)
			io.WriteString(w, "hello")
		}
	}
	a, b := serve(t, answer("a")), serve(t, answer("b"))
	p := planFor(400, 200, a.URL, b.URL)
	p.Targets = []Target{
		{Path: "/x?q=%20", Size: 5, XXH64: fmt.Sprintf("%016x", xxhash.Sum64String("hello"))},
		{Path: "/post", Method: "POST", Body: 70_001, Size: 5},
		{Path: "/head", Method: "HEAD"},
	}
	samples, end := fire(t, t.Context(), new(Generator), p)
	want := map[string]int{}
	lines := [3]string{"GET /x?q=%20 0", "POST /post 70001", "HEAD /head 0"}
	schedule, err := p.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range samples {
		n := uint64(i)
		name := []string{"a", "b"}[i%2]
		want[name+" "+lines[schedule.Target(n)]]++
		if s.N != n || s.Target != schedule.Target(n) || s.Planned != schedule.At(n) || !s.Right || s.Err != "" || s.Origin != name || s.Status != 200 {
			t.Fatalf("sample %d: %+v", i, s)
		}
		if !(s.Planned <= s.Start && s.Start < s.FirstByte && s.FirstByte <= s.End) {
			t.Errorf("sample %d: its times are not in order: %+v", i, s)
		}
	}
	if len(samples) != 200 || fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("%d samples\nasked  %v\nrecord %v", len(samples), asked, want)
	}
	if end.Planned != 200 || end.Sent != 200 || end.Stopped != "" || end.CPUSeconds <= 0 || end.CPUs <= 0 || end.GOMAXPROCS < 1 ||
		end.Seconds < 0.49 || end.Vegeta.Success != 1 || end.Vegeta.P50 <= 0 || time.Since(end.Zero) > time.Minute {
		t.Errorf("end %+v", end)
	}
}

// 200/s for 2 s; between 0.5 s and 1.5 s the server stands still. Whoever was
// due in that second waited, and the sends behind it went out all the same.
func TestOpenLoopSeesAStall(t *testing.T) {
	var first atomic.Pointer[time.Time]
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		now := time.Now()
		first.CompareAndSwap(nil, &now)
		if at := now.Sub(*first.Load()); at > 500*time.Millisecond && at < 1500*time.Millisecond {
			time.Sleep(1500*time.Millisecond - at) // the stall itself
		}
	})
	samples, end := fire(t, t.Context(), new(Generator), planFor(200, 400, s.URL))
	if p99 := quantile(samples, 0.99, Sample.Response); p99 < 900*time.Millisecond {
		t.Errorf("p99 of the response time is %v; a second of 2 s stood still", p99)
	}
	if half := quantile(samples, 0.4, Sample.Response); half > 600*time.Millisecond {
		t.Errorf("p40 of the response time is %v; half of the hits were not in the stall", half)
	}
	if late := Summary(samples).Late; late > 120 {
		t.Errorf("%d of 400 sends were late; a closed loop delays 200, a busy machine a few", late)
	}
	if len(samples) != 400 || Summary(samples).Right != 400 || end.Vegeta.P99 < 900*time.Millisecond {
		t.Errorf("%+v, vegeta %+v", Summary(samples), end.Vegeta)
	}
}

// No answer comes until 400 requests wait at once. Any cap on workers or
// connections below that would stand still for ever.
func TestNoCapClosesTheLoop(t *testing.T) {
	const n = 400
	var waiting atomic.Int64
	all := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if waiting.Add(1) == n {
			close(all)
		}
		select {
		case <-all:
		case <-r.Context().Done():
		}
	})
	p := planFor(800, n, s.URL)
	p.Connections = 2 // kept idle, no cap
	samples, _ := fire(t, t.Context(), new(Generator), p)
	if sum := Summary(samples); sum.Right != n {
		t.Errorf("%+v", sum)
	}
}

func TestSameScheduleWhateverTheAnswers(t *testing.T) {
	good := serve(t, func(http.ResponseWriter, *http.Request) {})
	bad := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "1") {
			panic(http.ErrAbortHandler)
		}
		time.Sleep(30 * time.Millisecond) // a slow server
		w.WriteHeader(503)
	})
	var hashes []string
	for _, base := range []string{good.URL, bad.URL, good.URL, "http://" + closedPort(t)} {
		p := planFor(300, 100, base)
		p.Targets, p.Seed = targets(1, 2, 3), 5
		samples, _ := fire(t, t.Context(), new(Generator), p)
		h, err := ScheduleSHA256(p.Targets, samples)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, h)
	}
	if hashes[0] != hashes[1] || hashes[0] != hashes[2] || hashes[0] != hashes[3] {
		t.Errorf("hashes %v", hashes)
	}
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestCancelStopsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	arrived := make(chan struct{}, 1000)
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	go func() {
		for range 10 {
			<-arrived
		}
		cancel(errors.New("enough"))
	}()
	p := planFor(100, 1000, s.URL)
	p.Phases = append(p.Phases, Phase{Shape: Constant, Rate: 0, For: time.Hour}, p.Phases[0])
	began := time.Now()
	samples, end := fire(t, ctx, new(Generator), p)
	if took := time.Since(began); took > 30*time.Second { // the plan takes an hour
		t.Errorf("stopped after %v", took)
	}
	if end.Stopped != "enough" || len(samples) < 10 || uint64(len(samples)) != end.Sent || end.Sent >= end.Planned {
		t.Errorf("%d samples, end %+v", len(samples), end)
	}
	for _, s := range samples {
		if s.Err != "stopped: the run ended before the answer" {
			t.Fatalf("%+v", s)
		}
	}
	if g := Judge(samples, end); g.Validity != Invalid {
		t.Errorf("a stopped run is %s", g.Validity)
	}
}

// A pause of an hour does not hold a stop up.
func TestCancelWakesThePacer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(http.ResponseWriter, *http.Request) { cancel() })
	p := planFor(10, 1, s.URL)
	p.Phases = append(p.Phases, Phase{Shape: Constant, Rate: 0, For: time.Hour}, p.Phases[0])
	began := time.Now()
	_, end := fire(t, ctx, new(Generator), p)
	if took := time.Since(began); took > 30*time.Second || end.Sent != 1 || end.Stopped == "" {
		t.Errorf("after %v: %+v", took, end)
	}
}

func TestOneRunAtATime(t *testing.T) {
	var g Generator
	inside := make(chan error, 1)
	s := serve(t, func(http.ResponseWriter, *http.Request) {
		_, err := g.Run(context.Background(), planFor(1, 1, "http://127.0.0.1:1"), nil)
		inside <- errors.Join(err, g.Drop())
	})
	fire(t, t.Context(), &g, planFor(10, 1, s.URL))
	if err := <-inside; !errors.Is(err, ErrBusy) || strings.Count(err.Error(), ErrBusy.Error()) != 2 {
		t.Errorf("run and drop during a run: %v", err)
	}
}

func TestABadPlanSendsNothing(t *testing.T) {
	var faults Faults
	if _, err := new(Generator).Run(t.Context(), Plan{}, nil); !errors.As(err, &faults) {
		t.Error(err)
	}
}

// A warm-up run leaves its connections to the run that is measured, until Drop.
// The five hits of the warm-up wait for each other and so need five connections;
// five hits can never need more.
func TestConnectionsAreKeptBetweenRuns(t *testing.T) {
	const n = 5
	var opened, waiting atomic.Int64
	all := make(chan struct{})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if waiting.Add(1) == n {
			close(all)
		}
		<-all
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	var g Generator
	run := func() int64 {
		before := opened.Load()
		samples, _ := fire(t, t.Context(), &g, planFor(50, n, s.URL))
		if sum := Summary(samples); sum.Right != n {
			t.Fatalf("%+v", sum)
		}
		return opened.Load() - before
	}
	if cold := run(); cold != n {
		t.Errorf("the first run opened %d connections", cold)
	}
	if warm := run(); warm != 0 {
		t.Errorf("the second run opened %d connections", warm)
	}
	if err := g.Drop(); err != nil {
		t.Fatal(err)
	}
	if again := run(); again == 0 {
		t.Error("after Drop the connections are still there")
	}
}
