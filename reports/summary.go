package reports

import (
	"proxylab/reports/record"
	"proxylab/reports/stat"
)

// shown are the percentiles of tables, where there are answers enough.
var shown = []float64{50, 90, 99, 99.9, 99.99}

// summary is what one system did over its VALID trials.
func (r *run) summary(system string) record.Summary {
	s := record.Summary{System: system, Values: []record.Value{}, Percentiles: []record.Percentile{}}
	for _, t := range r.trials {
		if t.System == system {
			s.Trials++
		}
	}
	valid := r.valid(system)
	for _, t := range valid {
		s.Valid++
		s.Requests += t.Requests
		s.Right += t.Right
	}
	for _, m := range measures {
		e := stat.MedianOf(m.values(valid))
		s.Values = append(s.Values, record.Value{
			Measure: m.key, Unit: m.unit, Trials: e.N,
			Median: e.Median, Low: e.Low, High: e.High, Confidence: e.Confidence,
		})
	}
	for _, clock := range []string{record.Response, record.Service} {
		h := merged(valid, clock)
		for _, p := range shown {
			if d, ok := h.Percentile(p); ok {
				s.Percentiles = append(s.Percentiles, record.Percentile{
					Clock: clock, Percentile: p, Milliseconds: milliseconds(d), Answers: h.Count(),
				})
			}
		}
	}
	return s
}

// values returns the figures of the trials that have one.
func (m measure) values(trials []*trial) []float64 {
	var out []float64
	for _, t := range trials {
		if v, err := m.of(t); err == nil {
			out = append(out, v)
		}
	}
	return out
}

// merged is one histogram of all the trials' right answers.
func merged(trials []*trial, clock string) *stat.Latency {
	h := stat.NewLatency()
	for _, t := range trials {
		h.Merge(t.clock(clock))
	}
	return h
}
