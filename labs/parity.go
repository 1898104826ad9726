package labs

import (
	"context"
	"fmt"
	"time"

	"proxylab/docker"
	"proxylab/labs/origin"
	"proxylab/labs/parity"
	"proxylab/labs/systems"
	"proxylab/proxy/site"
	"proxylab/reports/record"
)

// How long a question about time waits: a tenth of the run, so that it tells on
// none, and long enough for Debian's 5 s of keep-alive or, in a long run, for 60 s.
const (
	leastPatience = 7 * time.Second
	mostPatience  = 65 * time.Second
)

func (p *play) patience() time.Duration {
	return min(max(p.Lab.Duration(p.Size)/10, leastPatience), mostPatience).Round(time.Second)
}

// parity puts the same questions to each system on the wire, before any load. Each
// is asked in a container of its own, with the same configuration and limits, that
// ends afterwards: one that saw faults would not be what is measured.
func (p *play) parity(ctx context.Context, run *docker.Run, t *topology, im images, declared *site.Site) error {
	var asked []parity.System
	var all []*underTest
	for _, s := range p.systems {
		if s.Direct {
			continue
		}
		name := s.Name
		s.Name = "parity-" + name
		u, err := p.start(ctx, run, t, s, im.systems[name], declared)
		if err != nil {
			return err
		}
		all = append(all, u)
		asked = append(asked, parity.System{Name: name, Addr: u.container.Addr(systems.Port)})
	}
	if len(asked) == 0 {
		return nil
	}
	p.step(fmt.Sprintf("what each system does on the wire, and within %v", p.patience()))
	rows, err := parity.Probe(ctx, asked, t.fail, p.patience())
	if err != nil {
		return fmt.Errorf("parity: %w", err)
	}
	for _, r := range rows {
		p.run.Parity = append(p.run.Parity, record.Parity{Question: r.Question, Answers: r.Seen})
	}
	for _, u := range all {
		if err := u.container.Kill(ctx, "KILL"); err != nil {
			return err
		}
	}
	return nil
}

// fail makes all origins fail, or mends them.
func (t *topology) fail(ctx context.Context, f origin.Fault) error {
	for _, o := range t.origins {
		if err := tellFault(ctx, o, f); err != nil {
			return err
		}
	}
	return nil
}
