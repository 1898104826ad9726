package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	warmUp = time.Second
	settle = time.Second // until what a system frees by itself is free
)

// trial starts a system, asks it for the right bytes, and measures it.
func (b *bench) trial(ctx context.Context, s system, c Case) (Trial, error) {
	p, port, err := b.startSystem(s, c)
	if err != nil {
		return Trial{}, err
	}
	defer p.stop()
	if err := gate(ctx, p, port); err != nil {
		return Trial{}, fmt.Errorf("%w: %s", err, p.said())
	}
	measure := b.loaded
	if c.Idle {
		measure = b.idle
	}
	t, err := measure(ctx, p, c, port)
	if err != nil {
		return Trial{}, err
	}
	t.Load1 = loadAverage()
	if t.Errors > 0 || t.Requests <= 0 {
		return Trial{}, fmt.Errorf("%d requests failed and %d were answered: %s", t.Errors, t.Requests, p.said())
	}
	return t, nil
}

// startSystem starts s on its core, in a folder of its own.
func (b *bench) startSystem(s system, c Case) (*process, int, error) {
	port, err := freePort()
	if err != nil {
		return nil, 0, err
	}
	dir := filepath.Join(b.dir, s.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, 0, err
	}
	at := &place{
		Program: b.programOf(s), Dir: dir, Port: port, Origin: b.origin,
		Root: os.Getuid() == 0, Files: b.files,
	}
	at.Modules = modules(at.Program)
	if err := at.write(s.config); err != nil {
		return nil, 0, err
	}
	cores := b.cores.system
	if c.Both {
		cores = b.cores.both
	}
	p, err := start(cores, dir, b.lib, nil, s.argv(at)...)
	return p, port, err
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
func (b *bench) loaded(ctx context.Context, p *process, c Case, port int) (Trial, error) {
	if _, err := b.loadFor(ctx, c, port, min(warmUp, b.Length)); err != nil {
		return Trial{}, err
	}
	before, err := p.cpu()
	if err != nil {
		return Trial{}, err
	}
	l, err := b.loadFor(ctx, c, port, b.Length)
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
func (b *bench) idle(ctx context.Context, p *process, c Case, port int) (Trial, error) {
	conns, err := idleConns(ctx, port, c.Conns, c.Size)
	if err != nil {
		return Trial{}, err
	}
	defer closeAll(conns)
	select {
	case <-time.After(min(settle, b.Length)):
	case <-p.done:
		return Trial{}, fmt.Errorf("it ended (%v): %s", p.err, p.said())
	case <-ctx.Done():
		return Trial{}, context.Cause(ctx)
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

// tell writes a line for a trial, as benchmarks are written, for benchstat.
func (b *bench) tell(t Trial) {
	fmt.Fprintf(b.Log, "BenchmarkProxy/%s/system=%s\t%d", t.Case, t.System, t.Requests)
	if t.CPU > 0 {
		fmt.Fprintf(b.Log, "\t%.2f cpu-µs/op\t%.0f req/s\t%.0f p50-µs", t.CPU, t.PerSecond, t.P50)
	}
	fmt.Fprintf(b.Log, "\t%d rss-bytes\n", t.Resident)
}
