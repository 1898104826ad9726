package reports

import (
	"fmt"
	"time"

	"proxylab/reports/record"
	"proxylab/reports/stat"
)

// measure is one question that trials answer with a number.
type measure struct {
	key, unit string
	name      string // for tables
	short     string // for axes
	asks      string // for a reader
	says      string // sentence's begin: system A, its figure, system B, its figure
	means     string // how it is taken
	more      bool   // more is better, and "lower" is no praise
	of        func(*trial) (float64, error)
}

// measures in the order of the report; the first is the headline.
var measures = []measure{
	{
		key: "cpu_per_request", unit: "µs", name: "CPU time per request", short: "CPU per\nrequest",
		asks:  "Which needs less CPU for a request?",
		says:  "%s used %s of CPU per request, %s %s",
		means: "CPU time of the system's container (its cgroup, user and system) during the trial, by requests sent.",
		of: func(t *trial) (float64, error) {
			return used(t, func(u *record.Usage) float64 { return u.CPUPerRequest })
		},
	},
	{
		key: "memory", unit: "MiB", name: "Memory", short: "memory\n(median)",
		asks:  "Which needs less memory?",
		says:  "%s held %s of memory, %s %s",
		means: "Median of the readings of the system's anonymous memory during the trial, page cache left out.",
		of: func(t *trial) (float64, error) {
			return used(t, func(u *record.Usage) float64 { return float64(u.MemoryMedianBytes) / (1 << 20) })
		},
	},
	latency("response_p50", record.Response, 50, "Which answers sooner, in the middle?"),
	latency("response_p90", record.Response, 90, "Which answers sooner, for the slowest tenth?"),
	latency("response_p99", record.Response, 99, "Which answers sooner, for the slowest hundredth?"),
	latency("service_p50", record.Service, 50, "Which answers sooner once the request is sent?"),
	{
		key: "throughput", unit: "answers/s", more: true, name: "Right answers per second", short: "right\nanswers/s",
		asks:  "Does either fall behind the offered rate?",
		says:  "%s gave %s that were right, %s %s",
		means: "Right answers that ended within the schedule, by its length.",
		of: func(t *trial) (float64, error) {
			if t.length <= 0 {
				return 0, fmt.Errorf("%s has no length", t.ID)
			}
			return float64(t.inTime) / t.length.Seconds(), nil
		},
	},
	{
		key: "right_share", unit: "%", more: true, name: "Share of right answers", short: "share\nright",
		asks:  "Does either give wrong answers or none?",
		says:  "%s answered %s of its requests right, %s %s",
		means: "Requests answered with the expected status, length and hash, by requests sent.",
		of: func(t *trial) (float64, error) {
			if t.Requests == 0 {
				return 0, fmt.Errorf("%s sent no request", t.ID)
			}
			return 100 * float64(t.Right) / float64(t.Requests), nil
		},
	},
}

func used(t *trial, of func(*record.Usage) float64) (float64, error) {
	u := t.Resources.System
	if u == nil {
		return 0, fmt.Errorf("%s has no readings of its container", t.ID)
	}
	return of(u), nil
}

// latency is the measure of one percentile on one clock.
func latency(key, clock string, p float64, asks string) measure {
	from, kind := "planned start", "response time"
	if clock == record.Service {
		from, kind = "actual send", "service time"
	}
	return measure{
		key: key, unit: "ms",
		name:  fmt.Sprintf("%s, p%g", capital(kind), p),
		short: fmt.Sprintf("%s\np%g", clock, p),
		asks:  asks,
		says:  fmt.Sprintf("%%s gave %g %%%% of its answers within %%s of the %s, %%s within %%s", p, from),
		means: fmt.Sprintf("%g %% of a trial's requests had their right answer whole within this time of the %s.", p, from),
		of: func(t *trial) (float64, error) {
			h := t.clock(clock)
			d, ok := h.Percentile(p)
			if !ok {
				if failed := int64(t.Requests) - h.Count(); failed > 0 && stat.Enough(int64(t.Requests), p) {
					return 0, fmt.Errorf("p%g falls among the %d requests of %s that got no right answer", p, failed, t.ID)
				}
				return 0, fmt.Errorf("p%g needs %d right answers a trial, %s has %d", p, stat.Needed(p), t.ID, h.Count())
			}
			return milliseconds(d), nil
		},
	}
}

func (t *trial) clock(name string) *stat.Latency {
	if name == record.Service {
		return t.service
	}
	return t.response
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
