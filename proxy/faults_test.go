package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	signals "os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"proxylab/proxy/site"
)

// The origins of this file are processes of their own, so that they can be killed
// and stopped: the test's own program, which this variable makes one of them.
const originVariable = "PROXY_TEST_ORIGIN"

// originProcess is an origin server named as the first field of the variable, on the
// address that is the second. GET /mode/M makes it behave otherwise from then on.
func originProcess() {
	name, address, _ := strings.Cut(os.Getenv(originVariable), " ")
	l, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var mode atomic.Value
	mode.Store("well")
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m, ok := strings.CutPrefix(r.URL.Path, "/mode/"); ok {
			mode.Store(m)
			if m == "narrow" { // one connection fits into the queue, and then no more
				raw, _ := l.(*net.TCPListener).SyscallConn()
				raw.Control(func(fd uintptr) { syscall.Listen(int(fd), 0) })
			}
			return
		}
		time.Sleep(20 * time.Millisecond) // some requests run whenever the origin fails
		switch mode.Load() {
		case "503":
			w.WriteHeader(503)
		case "slow":
			time.Sleep(300 * time.Millisecond)
		case "reset":
			c, _, _ := w.(http.Hijacker).Hijack()
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
			return
		}
		io.WriteString(w, name)
	})}
	ended := make(chan os.Signal, 1)
	signals.Notify(ended, syscall.SIGTERM)
	go s.Serve(l)
	<-ended
	s.Shutdown(context.Background())
}

// A process is an origin that a test can do harm to.
type process struct {
	t             *testing.T
	name, address string
	cmd           *exec.Cmd
}

func (p *process) start() {
	p.t.Helper()
	program, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(program)
	p.cmd.Env = append(os.Environ(), originVariable+"="+p.name+" "+p.address)
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if c, err := net.Dial("tcp", p.address); err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatal("the origin does not listen")
		}
	}
}

// signal sends one, and waits for the end where that is what it means.
func (p *process) signal(s os.Signal) {
	p.cmd.Process.Signal(s)
	if s == syscall.SIGKILL || s == syscall.SIGTERM {
		p.cmd.Wait()
	}
}

func (p *process) behave(mode string) {
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	res, err := c.Get("http://" + p.address + "/mode/" + mode)
	if err != nil {
		p.t.Error(err)
		return
	}
	res.Body.Close()
}

// A hit is a request as its client saw it.
type hit struct {
	planned time.Time
	took    time.Duration // from then on
	body    string        // the member that answered
	failed  bool
}

// An open loop sends requests at a rate, whatever the answers do.
type openLoop struct {
	client http.Client
	url    string
	stop   chan struct{}
	over   sync.WaitGroup
	mu     sync.Mutex
	hits   []hit
}

const faultRate = 500 // requests a second

func (o *openLoop) run() {
	o.client.Transport = &http.Transport{MaxIdleConnsPerHost: 2000, DisableCompression: true}
	o.client.Timeout = 20 * time.Second
	o.stop = make(chan struct{})
	o.over.Go(func() {
		for next := time.Now(); ; next = next.Add(time.Second / faultRate) {
			select {
			case <-o.stop:
				return
			case <-time.After(time.Until(next)):
			}
			o.over.Go(func() { o.send(next) })
		}
	})
}

func (o *openLoop) send(planned time.Time) {
	connections := 0
	// net/http sends a request again on a new connection without a word: that counts
	// as a failure here.
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connections++ }})
	r, _ := http.NewRequestWithContext(ctx, "GET", o.url, nil)
	h := hit{planned: planned, failed: true}
	if res, err := o.client.Do(r); err == nil {
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		h.body, h.failed = string(body), err != nil || res.StatusCode != 200 || connections > 1
	}
	h.took = time.Since(planned)
	o.mu.Lock()
	o.hits = append(o.hits, h)
	o.mu.Unlock()
}

func (o *openLoop) end() {
	close(o.stop)
	o.over.Wait()
	o.client.CloseIdleConnections()
}

// A fault is what is done to one of three origins.
type fault struct {
	name       string
	begin, end func(*process)
	never      bool          // no request may fail
	back       time.Duration // the member answers again so long after the end at the latest: what the Site declares
}

var faults = []fault{
	{"kill -9, started again", func(p *process) { p.signal(syscall.SIGKILL) }, (*process).start, true, 2 * time.Second},
	{"restart", func(p *process) { p.signal(syscall.SIGTERM); p.start() }, func(*process) {}, true, 2 * time.Second},
	{"pause", func(p *process) { p.signal(syscall.SIGSTOP) }, func(p *process) { p.signal(syscall.SIGCONT) }, false, faultRetry},
	{"blackhole", func(p *process) { p.behave("narrow"); p.signal(syscall.SIGSTOP) },
		func(p *process) { p.signal(syscall.SIGKILL); p.signal(syscall.SIGCONT); p.start() }, false, faultRetry + 2*time.Second},
	{"resets", func(p *process) { p.behave("reset") }, func(p *process) { p.behave("well") }, false, faultRetry},
	{"503s", func(p *process) { p.behave("503") }, func(p *process) { p.behave("well") }, false, faultRetry},
	{"300 ms later", func(p *process) { p.behave("slow") }, func(p *process) { p.behave("well") }, true, faultRetry},
}

// What the Site of these tests declares.
const (
	faultRetry   = 2 * time.Second
	faultTimeout = time.Second // where silence is the fault; else a busy machine must not look like one
)

func (f *fault) site(s *site.Site) {
	b := &s.Balancers[0]
	b.Failures.OnTimeout, b.Failures.OnStatus = true, []int{503}
	b.Outliers.Errors, b.Outliers.Interval, b.Outliers.Time = 50, 500*time.Millisecond, faultRetry
	for i := range b.Members {
		m := &b.Members[i]
		if m.Timeout, m.Retry = faultTimeout, faultRetry; f.never {
			m.Timeout = 15 * time.Second
		}
	}
}

// One of three origins fails under load in each way that origins fail. A client
// notices as little as the Site promises, and the origin gets its share again in
// time. TestFaultsOnTheEngine of package labs does the same to containers, beside Apache.
func TestFaultsUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	origins := make([]*process, 3)
	urls := make([]string, 3)
	for i := range origins {
		origins[i] = &process{t: t, name: string(rune('A' + i)), address: freeAddr(t)}
		origins[i].start()
		t.Cleanup(func() { origins[i].signal(syscall.SIGKILL) })
		urls[i] = "http://" + origins[i].address
	}
	t.Logf("%-24s %8s %8s %10s %10s %s", "fault", "requests", "failed", "slowest", "back after", "shares at the end")
	for i := range faults {
		f := &faults[i]
		t.Run(f.name, func(t *testing.T) {
			f.play(t, &openLoop{url: "http://" + serve(t, f.site, urls...).addr}, origins[0])
		})
	}
}

// play does it, and tells how it went.
func (f *fault) play(t *testing.T, o *openLoop, p *process) {
	o.run()
	time.Sleep(500 * time.Millisecond)
	f.begin(p)
	time.Sleep(1500 * time.Millisecond)
	f.end(p)
	ended := time.Now()
	time.Sleep(f.back + 500*time.Millisecond)
	// A busy machine may put another member out of service for a while.
	shares, even := map[string]int(nil), false
	for range 10 {
		time.Sleep(time.Second)
		if shares, even = o.shares(time.Second); even {
			break
		}
	}
	o.end()
	f.judge(t, o.hits, ended, shares, even)
}

// shares are the answers of each member to the requests of the last while.
func (o *openLoop) shares(while time.Duration) (shares map[string]int, even bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	shares, total := make(map[string]int), 0
	for _, h := range o.hits {
		if time.Since(h.planned) < while {
			shares[h.body]++
			total++
		}
	}
	for _, name := range []string{"A", "B", "C"} {
		if n := shares[name]; n == 0 || n < total/3-total/10 || n > total/3+total/10 {
			return shares, false
		}
	}
	return shares, true
}

func (f *fault) judge(t *testing.T, hits []hit, ended time.Time, shares map[string]int, even bool) {
	slices.SortFunc(hits, func(a, b hit) int { return a.planned.Compare(b.planned) })
	failed, slowest, back := 0, time.Duration(0), time.Duration(-1)
	for _, h := range hits {
		if h.failed {
			failed++
		}
		slowest = max(slowest, h.took)
		if h.planned.After(ended) && h.body == "A" && !h.failed && back < 0 {
			back = h.planned.Sub(ended)
		}
	}
	t.Logf("%-24s %8d %8d %8d ms %8.1f s %v", f.name, len(hits), failed, slowest.Milliseconds(), back.Seconds(), shares)
	if f.never && failed > 0 {
		t.Errorf("%d requests of %d failed", failed, len(hits))
	}
	const slack = 3 * time.Second // a busy machine
	if back < 0 || back > f.back+slack {
		t.Errorf("the origin answers again after %v, declared are %v", back, f.back)
	}
	if !even {
		t.Errorf("the shares stay uneven: %v", shares)
	}
}
