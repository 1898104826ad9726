package loadtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// serveAt names the address at which this program, as a child, is a server.
const serveAt = "LOADTEST_SERVE_AT"

func serveBare(addr string) {
	body := bytes.Repeat([]byte("x"), 1024)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(l.Addr())
	go func() { io.Copy(io.Discard, os.Stdin); os.Exit(0) }() // ends with its parent
	http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
}

// child starts the server as a process of its own, so that its CPU time is not
// the generator's.
func child(b *testing.B) string {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveAt+"=127.0.0.1:0")
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	line := make([]byte, 64)
	n, err := out.Read(line)
	if err != nil {
		b.Fatal(err)
	}
	return "http://" + strings.TrimSpace(string(line[:n]))
}

// BenchmarkGenerator gives the generator's CPU time a hit in µs: whole, as in a
// run; without vegeta, where goroutines call the same RoundTripper; the two in turn,
// since a machine changes. And of the whole, what recording takes: collecting, and
// writing the line.
func BenchmarkGenerator(b *testing.B) {
	const hits = 4000
	p := planFor(4000, hits, child(b))
	p.Targets[0].Size = 1024
	schedule, err := p.Schedule()
	if err != nil {
		b.Fatal(err)
	}
	var g Generator
	var conns pool
	with := func() {
		if err := g.Stream(context.Background(), p, io.Discard, func() error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	without := func() { withoutVegeta(b, p, schedule, conns.get(p)) }
	cost := func(run func()) float64 {
		before := cpuSeconds()
		run()
		return (cpuSeconds() - before) / hits * 1e6
	}
	with()
	without() // both are warm
	var whole, bare, record float64
	for b.Loop() {
		whole += cost(with)
		bare += cost(without)
		record += cost(func() { recordAlone(hits) })
	}
	g.Drop()
	conns.drop()
	n := float64(b.N)
	b.ReportMetric(whole/n, "CPU-µs/hit")
	b.ReportMetric(bare/n, "without-vegeta-µs/hit")
	b.ReportMetric(record/n, "recording-µs/hit")
	b.ReportMetric(100*(whole-bare)/whole, "vegeta-%")
	b.ReportMetric(100*record/whole, "recording-%")
}

// recordAlone does to so many samples what a run does to them.
func recordAlone(hits int) {
	one := Sample{N: 7000, Planned: 17e8, Start: 17e8 + 5e4, FirstByte: 17e8 + 3e5, End: 17e8 + 4e5, Status: 200, Bytes: 1024, Right: true, Origin: "origin-1"}
	s := stream{w: io.Discard, flush: func() error { return nil }}
	var c collector
	stop := c.emitter(s.samples)
	for range hits {
		c.add(one)
	}
	stop()
}

// withoutVegeta sends the schedule by as many goroutines as wait at once.
func withoutVegeta(b *testing.B, p Plan, schedule *Schedule, conns *pool) {
	alarm, err := newAlarm()
	if err != nil {
		b.Fatal(err)
	}
	defer alarm.close()
	s := newShooter(context.Background(), p, schedule, conns)
	s.zero = time.Now().Add(Lead)
	out := stream{w: io.Discard, flush: func() error { return nil }}
	stop := s.samples.emitter(out.samples)
	pace := pacer{ctx: s.ctx, schedule: schedule, zero: s.zero, alarm: alarm}
	due := make(chan uint64)
	var wg sync.WaitGroup
	work := func() {
		for n := range due {
			r, _ := http.NewRequest("GET", "http://schedule/", nil)
			r.Header.Set("X-Vegeta-Seq", fmt.Sprint(n))
			s.RoundTrip(r)
		}
	}
	for n := uint64(0); ; n++ {
		if _, end := pace.Pace(0, n); end {
			break
		}
		select {
		case due <- n:
		default:
			wg.Go(work)
			due <- n
		}
	}
	close(due)
	wg.Wait()
	stop()
}
