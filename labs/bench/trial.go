package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	warmUp = 300 * time.Millisecond
	settle = time.Second
)

// trial starts a system, asks it for the right bytes, and measures it.
func (b *bench) trial(ctx context.Context, s system, c Case) (Trial, error) {
	at, err := b.placeFor(s, c)
	if err != nil {
		return Trial{}, err
	}
	defer os.RemoveAll(at.Cached)
	if c.Start {
		return b.started(ctx, s, at)
	}
	p, err := b.startSystem(s, at)
	if err != nil {
		return Trial{}, err
	}
	defer p.stop()
	if err := gate(ctx, p, c, at.Port); err != nil {
		return Trial{}, fmt.Errorf("%w: %s", err, p.said())
	}
	measure := b.loaded
	switch {
	case c.Idle:
		measure = b.idle
	case c.Objects > 0:
		measure = b.full
	case c.Hit:
		measure = b.hit
	}
	t, err := measure(ctx, p, at)
	if err != nil {
		return Trial{}, err
	}
	t.Load1 = loadAverage()
	if t.Errors > 0 || t.Requests <= 0 {
		return Trial{}, fmt.Errorf("%d requests failed and %d were answered: %s", t.Errors, t.Requests, p.said())
	}
	return t, nil
}

// placeFor makes folders for s, an empty one for its cache among them, and finds
// a port.
func (b *bench) placeFor(s system, c Case) (*place, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	at := &place{
		Program: b.programOf(s), Dir: filepath.Join(b.dir, s.name), Case: c, Port: port, Origin: b.origin,
		Memory: filepath.Join(b.memory, s.name), Cached: filepath.Join(b.memory, s.name+"-cache"),
		Root: os.Getuid() == 0, Files: b.files, CC: b.find.find("gcc"), Store: strings.TrimPrefix(s.name, "apache-"),
	}
	if c.Disk {
		at.Cached = filepath.Join(b.dir, s.name+"-cache")
	}
	at.Modules = modules(at.Program)
	if err := os.RemoveAll(at.Cached); err != nil {
		return nil, err
	}
	for _, dir := range []string{at.Dir, at.Memory, at.Cached} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	return at, os.Chmod(at.Cached, 0o777) // Apache's process is another user's
}

// startSystem starts s on its core.
func (b *bench) startSystem(s system, at *place) (*process, error) {
	setup := s.setup(at.Case)
	if err := at.write(setup.config); err != nil {
		return nil, err
	}
	cores := b.cores.system
	if at.Case.Both {
		cores = b.cores.both
	}
	return start(cores, at.Dir, b.lib, nil, setup.argv(at)...)
}

// programOf is the path of what is started for s.
func (b *bench) programOf(s system) string {
	switch {
	case s.program != "":
		return b.find.find(s.program)
	case s.name == "proxyd":
		return b.proxyd
	}
	return b.self
}

// loaded measures under load.
func (b *bench) loaded(ctx context.Context, p *process, at *place) (Trial, error) {
	c, port := at.Case, at.Port
	if _, err := b.loadFor(ctx, "", c, port, min(warmUp, b.Length)); err != nil { // wrk counts in seconds
		return Trial{}, err
	}
	before, err := p.cpu()
	if err != nil {
		return Trial{}, err
	}
	l, err := b.loadFor(ctx, b.wrk, c, port, b.Length)
	if err != nil {
		return Trial{}, err
	}
	after, err := p.cpu()
	if err != nil {
		return Trial{}, err
	}
	if l.Requests <= 0 || l.Seconds <= 0 {
		return Trial{}, errors.New("no request was answered")
	}
	memory, err := p.resident()
	if err != nil {
		return Trial{}, err
	}
	used := after - before
	return Trial{
		Requests: l.Requests, Errors: l.Errors,
		CPU:       float64(used.Microseconds()) / float64(l.Requests),
		PerSecond: float64(l.Requests) / l.Seconds,
		P50:       float64(l.P50) / float64(time.Microsecond),
		Busy:      used.Seconds() / l.Seconds,
		Resident:  memory,
	}, nil
}

// idle opens the connections, all of which must live when memory is read.
func (b *bench) idle(ctx context.Context, p *process, at *place) (Trial, error) {
	conns, err := idleConns(ctx, at.Port, at.Case.Conns, at.Case.Size)
	if err != nil {
		return Trial{}, err
	}
	defer closeAll(conns)
	if err := b.settled(ctx, p); err != nil {
		return Trial{}, err
	}
	memory, err := p.resident()
	if err != nil {
		return Trial{}, err
	}
	if open := stillOpen(conns); open != len(conns) {
		return Trial{}, fmt.Errorf("%d of %d idle connections were closed", len(conns)-open, len(conns))
	}
	return Trial{Requests: len(conns), Resident: memory}, nil
}

// settled waits until what p frees by itself is free.
func (b *bench) settled(ctx context.Context, p *process) error {
	select {
	case <-time.After(min(settle, b.Length)):
		return nil
	case <-p.done:
		return fmt.Errorf("it ended (%v): %s", p.err, p.said())
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// tell writes a line for a trial, as benchmarks are written, for benchstat.
func (b *bench) tell(t Trial) {
	if t.Failed != "" {
		fmt.Fprintf(b.Log, "%s: %s: %s\n", t.Case, t.System, t.Failed)
		return
	}
	fmt.Fprintf(b.Log, "BenchmarkProxy/%s/system=%s\t%d", t.Case, t.System, t.Requests)
	if t.CPU > 0 {
		fmt.Fprintf(b.Log, "\t%.2f cpu-µs/op\t%.0f req/s\t%.0f p50-µs", t.CPU, t.PerSecond, t.P50)
	}
	if t.Overhead > 0 {
		fmt.Fprintf(b.Log, "\t%.0f overhead-bytes/object", t.Overhead)
	}
	if t.FirstHit > 0 {
		fmt.Fprintf(b.Log, "\t%.1f first-hit-ms", t.FirstHit)
	}
	fmt.Fprintf(b.Log, "\t%d rss-bytes\n", t.Resident)
}
