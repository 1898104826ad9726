package labs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/cespare/xxhash/v2"

	"proxylab/docker"
	"proxylab/labs/origin"
	"proxylab/loadtest"
)

// readySize is what is asked of a system until it answers with the origin's
// bytes.
const readySize = 16

// gateRate is how fast the gate asks: fast enough to be over soon, slow
// enough that load plays no part.
const gateRate = 200

// gate holds every system against the origin's own answers before any load:
// each target of the lab and each part of the four test pages, once by each
// origin, through the very path that the load will take. One wrong answer
// ends the run, because no figure of such a system would mean anything.
func (p *play) gate(ctx context.Context, t *topology) error {
	targets := p.truth()
	for _, r := range origin.Pages() {
		targets = append(targets, loadtest.Target{Method: "GET", Path: r.Path, Weight: 1, Status: 200, Size: r.Size, XXH64: r.XXH64})
	}
	hits := len(targets) * len(t.origins)
	plan := loadtest.Plan{
		Targets: targets, InTurn: len(t.origins), Seed: p.Seed,
		Connections: p.Lab.Load.Connections, Timeout: p.Lab.Load.Timeout,
		Phases: []loadtest.Phase{{
			Shape: loadtest.Constant, Rate: gateRate,
			For: time.Duration(hits) * time.Second / gateRate,
		}},
	}
	for _, s := range t.systems {
		p.step(fmt.Sprintf("right bytes through %s: %d answers", s.Name, hits))
		plan.Bases = s.bases
		samples, _, err := s.load(ctx, plan, nil)
		if err != nil {
			return fmt.Errorf("right bytes through %s: %w", s.Name, t.blame(s, err))
		}
		if len(samples) != hits {
			return fmt.Errorf("%s: %d of %d answers were asked for and kept", s.Name, len(samples), hits)
		}
		for _, sample := range samples {
			if !sample.Right {
				return wrongAnswer(s, targets[sample.Target], sample)
			}
		}
	}
	return nil
}

func wrongAnswer(s *underTest, want loadtest.Target, got loadtest.Sample) error {
	what := fmt.Sprintf("status %d and %d bytes from %q, not status %d and the %d bytes with hash %s",
		got.Status, got.Bytes, got.Origin, want.Status, want.Size, want.XXH64)
	if got.Status == 0 {
		what = got.Err
	}
	return fmt.Errorf("%s answers %s %s wrongly: %s\n\thint: the origin gives the right answer itself; look at the configuration of %s",
		s.Name, want.Method, want.Path, what, s.Name)
}

// truth is the lab's targets with the answers that the origin program gives,
// asked in this process.
func (p *play) truth() []loadtest.Target {
	var targets []loadtest.Target
	for _, t := range p.Lab.Load.Targets {
		targets = append(targets, answer(t, 1))
	}
	return targets
}

// answer is a target whose right answer is what the origin says to it; of its
// items, to the one given.
func answer(t Target, item int) loadtest.Target {
	asked := t.asked()
	rec := httptest.NewRecorder()
	gone, cancel := context.WithCancel(context.Background())
	cancel() // so that /delay does not wait: what it says is the same
	r := httptest.NewRequestWithContext(gone, t.Method, asked.PathOf(0, item), bytes.NewReader(make([]byte, t.Body)))
	for name, value := range t.Fields {
		r.Header.Set(name, value)
	}
	origin.New("").ServeHTTP(rec, r)
	data := rec.Body.Bytes()
	if t.Method == http.MethodHead {
		data = nil // the recorder keeps what net/http would not send
	}
	asked.Status, asked.Size, asked.XXH64 = rec.Code, int64(len(data)), fmt.Sprintf("%016x", xxhash.Sum64(data))
	return asked
}

// control asks origins for their counters: never through a proxy, and not for
// ever, since one may be frozen.
var control = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

// counts asks each origin how many requests it has served, and for how long it
// could not run.
func (t *topology) counts(ctx context.Context) (counts map[string]int64, stalled map[string]float64, err error) {
	counts, stalled = map[string]int64{}, map[string]float64{}
	for i, o := range t.origins {
		name := fmt.Sprintf("origin-%d", i+1)
		c, err := countsOf(ctx, o)
		if err != nil {
			return nil, nil, fmt.Errorf("counters of %s: %w", name, err)
		}
		counts[name], stalled[name] = c.Requests, c.StalledSeconds
	}
	return counts, stalled, nil
}

// countsOf asks one origin.
func countsOf(ctx context.Context, o *docker.Container) (c origin.Counts, err error) {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+o.Addr(controlPort)+"/counts", nil)
	if err != nil {
		return c, err
	}
	resp, err := control.Do(req)
	if err != nil {
		return c, fmt.Errorf("%w\n\thint: something outside this run stopped or froze it", err)
	}
	defer resp.Body.Close()
	return c, json.NewDecoder(resp.Body).Decode(&c)
}
