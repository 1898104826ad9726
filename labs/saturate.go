package labs

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"proxylab/loadtest"
	"proxylab/reports/record"
)

// Saturation is a search for each system's knee: the highest rate at which it
// does what [loadtest.Knee] asks. The trials then have rates in percent of the
// lowest knee.
type Saturation struct {
	For       time.Duration `yaml:"for"`       // of one level; 0: no search
	Start     float64       `yaml:"start"`     // first rate
	Most      float64       `yaml:"most"`      // rate above which nothing is tried
	Precision float64       `yaml:"precision"` // ratio of the ends of the interval
	Repeat    int           `yaml:"repeat"`    // tries of each end
}

// kneePercents are the rates at which latency is reported after a search, where
// the lab says nothing of phases.
var kneePercents = []float64{50, 80}

// searchLevels is the most levels of one search: far more than it takes.
const searchLevels = 60

// settleAfter is how long a system may rest after a level that it missed, so that
// what waits in it does not wait in the next one.
const settleAfter = 500 * time.Millisecond

func (s Saturation) search() loadtest.Search {
	return loadtest.Search{Start: s.Start, Least: 1, Most: s.Most, Precision: s.Precision, Repeat: s.Repeat, Levels: searchLevels}
}

// saturate looks for the knee of each system but direct, which is a baseline, and
// sets the rates of the trials by the lowest.
func (p *play) saturate(ctx context.Context, t *topology) error {
	if p.Lab.Saturation.For == 0 {
		return nil
	}
	lowest := math.Inf(1)
	for _, s := range t.systems {
		if s.Direct {
			continue
		}
		levels, err := p.knee(ctx, s)
		if err != nil {
			return fmt.Errorf("saturation of %s: %w", s.Name, t.blame(s, err))
		}
		i := p.Lab.Saturation.search().Interval(levels)
		k := record.Knee{System: s.Name, Low: i.Low, Objective: loadtest.Knee.String()}
		if !i.Open() {
			k.High = i.High
		}
		for _, l := range levels {
			k.Levels = append(k.Levels, record.Level{Rate: l.Rate, Outcome: string(l.Outcome), Reason: l.Reason})
		}
		p.run.Knees = append(p.run.Knees, k)
		p.run.About.Notes = append(p.run.About.Notes, toldKnee(k))
		if i.Low == 0 {
			return fmt.Errorf("saturation of %s: no rate down to 1/s meets %s\n\thint: the last level: %s", s.Name, loadtest.Knee, levels[len(levels)-1].Reason)
		}
		lowest = min(lowest, i.Low)
	}
	if math.IsInf(lowest, 1) {
		return fmt.Errorf("saturation: no system but direct\n\thint: direct is a baseline and has no knee of its own")
	}
	p.scale = lowest / 100
	return p.settle()
}

// toldKnee is a knee for the reader of the report.
func toldKnee(k record.Knee) string {
	if k.High == 0 {
		return fmt.Sprintf("Knee of %s: %.0f requests/s at least; the generator or the search's bound ended the search, not the system (%s).", k.System, k.Low, k.Objective)
	}
	return fmt.Sprintf("Knee of %s: between %.0f and %.0f requests/s (%s).", k.System, k.Low, k.High, k.Objective)
}

// knee plays the levels of one system's search.
func (p *play) knee(ctx context.Context, s *underTest) ([]loadtest.Level, error) {
	var levels []loadtest.Level
	plan := p.asks(p.Seed)
	plan.Bases, plan.Targets = s.bases, p.truth()
	search := p.Lab.Saturation.search()
	for {
		rate, done := search.Next(levels)
		if done {
			return levels, nil
		}
		p.step(fmt.Sprintf("knee of %s: level %d, %.0f/s", s.Name, len(levels)+1, rate))
		plan.Phases = []loadtest.Phase{{Shape: loadtest.Constant, Rate: rate, For: p.Lab.Saturation.For}}
		samples, end, err := s.load(ctx, plan, nil)
		if err != nil {
			return levels, err
		}
		outcome, reason := loadtest.Knee.Judge(samples, end)
		levels = append(levels, loadtest.Level{Rate: rate, Outcome: outcome, Reason: reason})
		if outcome == loadtest.Borne {
			continue
		}
		select {
		case <-time.After(settleAfter):
		case <-ctx.Done():
			return levels, context.Cause(ctx)
		}
	}
}

// kneeLatencies are the percentiles of one trial at each of its levels.
func (p *play) kneeLatencies(samples []loadtest.Sample) []record.LevelLatency {
	var all []record.LevelLatency
	for _, l := range p.run.Load.Phases {
		from, to := seconds(l.Start), seconds(l.End)
		var in []loadtest.Sample
		for _, s := range samples {
			if s.Planned >= from && s.Planned < to {
				in = append(in, s)
			}
		}
		one := record.LevelLatency{Percent: math.Round(l.From / p.scale), Rate: l.From, Requests: len(in)}
		for _, q := range []struct {
			p  float64
			to *float64
		}{{50, &one.P50}, {99, &one.P99}} {
			if d, ok := loadtest.ResponsePercentile(in, q.p); ok && float64(len(in))*(100-q.p) >= 1000 {
				*q.to = d.Seconds() * 1e3
			}
		}
		all = append(all, one)
	}
	return all
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }

// kneeNotes say, for the valid trials so far, each system's latency at each level.
func (p *play) kneeNotes() []string {
	var notes []string
	for _, s := range p.run.Systems {
		for i, l := range p.run.Load.Phases {
			var p50, p99 []float64
			for _, tr := range p.run.Trials {
				if tr.System == s.Name && tr.Validity == record.Valid && i < len(tr.AtKnee) && tr.AtKnee[i].P99 > 0 {
					p50, p99 = append(p50, tr.AtKnee[i].P50), append(p99, tr.AtKnee[i].P99)
				}
			}
			if len(p99) == 0 {
				continue
			}
			slices.Sort(p50)
			slices.Sort(p99)
			notes = append(notes, fmt.Sprintf("%s at %.0f %% of the lowest knee (%.0f requests/s): response time %.3g ms in the middle, %.3g ms at p99, the medians of %d valid trials.",
				s.Name, math.Round(l.From/p.scale), l.From, p50[len(p50)/2], p99[len(p99)/2], len(p99)))
		}
	}
	return notes
}
