package reports

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"proxylab/loadtest"
	"proxylab/reports/record"
	"proxylab/reports/stat"
)

// run is a record with what its samples come down to.
type run struct {
	record.Run
	dir    string
	trials []*trial // as Run.Trials
	levels []level
}

// trial is one trial's samples, condensed. Latencies are of right answers
// alone: a quick error must not make a system look fast.
type trial struct {
	record.Trial
	response, service *stat.Latency
	answers           []answer      // right ones, by planned start
	offered, achieved []int         // by level: planned in it, right and ended in it
	length            time.Duration // of the schedule
	inTime            int           // right answers before the schedule's end
}

// answer is one right answer.
type answer struct{ planned, response time.Duration }

// level is a stretch of the schedule at (nearly) one rate.
type level struct{ start, end time.Duration }

func (l level) seconds() float64 { return (l.end - l.start).Seconds() }

func load(dir string) (*run, error) {
	rec, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	changed, err := record.Changed(dir)
	if err != nil {
		return nil, err
	}
	r := &run{Run: rec, dir: dir, levels: levels(rec.Load.Phases)}
	for i, t := range rec.Trials {
		loaded, err := r.loadTrial(t)
		if err != nil {
			return nil, fmt.Errorf("trials[%d] %s: %w", i, t.ID, err)
		}
		if what, ok := changed[t.Samples]; ok {
			loaded.Validity, loaded.Reasons = record.Invalid, append(slices.Clone(loaded.Reasons), what)
		}
		r.trials = append(r.trials, loaded)
	}
	return r, nil
}

// levels cuts ramps into ten steps; a level of stairs and a constant phase
// stay whole.
func levels(phases []record.Phase) []level {
	var out []level
	for _, p := range phases {
		n := 1
		if p.From != p.To {
			n = 10
		}
		for i := range n {
			at := func(i int) time.Duration {
				return seconds(p.Start + (p.End-p.Start)*float64(i)/float64(n))
			}
			out = append(out, level{at(i), at(i + 1)})
		}
	}
	return out
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (r *run) loadTrial(rec record.Trial) (*trial, error) {
	t := &trial{
		Trial:    rec,
		response: stat.NewLatency(),
		service:  stat.NewLatency(),
		offered:  make([]int, len(r.levels)),
		achieved: make([]int, len(r.levels)),
		length:   seconds(rec.Seconds),
	}
	if n := len(r.levels); n > 0 {
		t.length = r.levels[n-1].end
	}
	if rec.Samples == "" {
		return t, nil
	}
	samples, err := loadtest.ReadFile(filepath.Join(r.dir, filepath.FromSlash(rec.Samples)))
	if err != nil {
		return nil, err
	}
	for _, s := range samples {
		count(t.offered, r.levels, s.Planned)
		if !s.Right || s.Err != "" {
			t.response.Never()
			t.service.Never()
			continue
		}
		t.response.Record(s.Response())
		t.service.Record(s.Service())
		t.answers = append(t.answers, answer{s.Planned, s.Response()})
		count(t.achieved, r.levels, s.End)
		if s.End <= t.length {
			t.inTime++
		}
	}
	slices.SortStableFunc(t.answers, func(a, b answer) int { return cmp.Compare(a.planned, b.planned) })
	t.distrust(loadtest.Summary(samples))
	return t, nil
}

// count adds one to the level that holds the moment at.
func count(counts []int, levels []level, at time.Duration) {
	i, found := slices.BinarySearchFunc(levels, at, func(l level, at time.Duration) int {
		switch {
		case l.end <= at:
			return -1
		case l.start > at:
			return 1
		}
		return 0
	})
	if found {
		counts[i]++
	}
}

// distrust makes a trial INVALID whose samples are not what its record
// counted: a file cut short or changed must not be ranked.
func (t *trial) distrust(found loadtest.Tally) {
	if found.Requests == t.Requests && found.Right == t.Right {
		return
	}
	t.Validity = record.Invalid
	t.Reasons = append(slices.Clone(t.Reasons), fmt.Sprintf(
		"%s holds %d requests, %d right; the record counted %d and %d", t.Samples, found.Requests, found.Right, t.Requests, t.Right))
}

// valid returns the trials of a system that may be ranked.
func (r *run) valid(system string) []*trial {
	var out []*trial
	for _, t := range r.trials {
		if t.System == system && t.Validity == record.Valid {
			out = append(out, t)
		}
	}
	return out
}
