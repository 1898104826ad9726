package balancer

import (
	"slices"
	"time"
)

// Outliers says when a member does so much worse than the others that it gets no
// requests for a while (Ejected). Whether one does is looked at beside the
// elections, at the end of each Interval.
type Outliers struct {
	Errors   int           // percent of a member's answers that fail, or have a status from 500 on; 0 for any
	Latency  float64       // times the median of the members' mean latency; 0 for any
	Interval time.Duration // 0 for never
	Time     time.Duration // of the first ejection; twice that for the second in a row, and so on up to ten times
	Keep     int           // percent of the members that are usable otherwise stay in any case, and one at least
}

const (
	fewAnswers   = 10               // say nothing of a member
	fewMembers   = 3                // have no median to speak of
	leastLatency = time.Millisecond // beyond the median: less is chance
	mostInARow   = 10
)

// tally is what a member's counters were at the end of the last interval.
type tally struct {
	answers, errors uint64
	took            time.Duration
	timed           int
}

func (m *Member) tally() tally {
	t := tally{answers: m.elected.Load(), errors: m.errors.Load() + m.bad.Load()}
	m.latency.mu.Lock()
	t.took, t.timed = m.latency.sum, m.latency.times
	m.latency.mu.Unlock()
	return t
}

// judge ejects the members that did much worse than the others since the last
// time. The caller holds core.mu.
func (b *Balancer) judge(now time.Time) {
	o := &b.config.Outliers
	errors, mean := make([]int, len(b.members)), make([]time.Duration, len(b.members))
	var means []time.Duration
	usable, ejected := 0, 0
	for i, m := range b.members {
		t, last := m.tally(), m.last
		m.last = t
		if (m.flags &^ Ejected).Usable() {
			usable++
		}
		if m.flags&Ejected != 0 {
			ejected++
			continue
		}
		if n := t.answers - last.answers; n >= fewAnswers {
			errors[i] = int(100 * (t.errors - last.errors) / n)
		}
		if n := t.timed - last.timed; n >= fewAnswers {
			mean[i] = (t.took - last.took) / time.Duration(n)
			means = append(means, mean[i])
		}
	}
	limit := time.Duration(0)
	if slices.Sort(means); len(means) >= fewMembers && o.Latency > 0 {
		median := means[(len(means)-1)/2]
		limit = max(median+leastLatency, time.Duration(float64(median)*o.Latency))
	}
	most := min(usable-1, usable-(usable*o.Keep+99)/100)
	for i, m := range b.members {
		switch {
		case !m.flags.Usable():
		case ejected < most && (o.Errors > 0 && errors[i] >= o.Errors || limit > 0 && mean[i] > limit):
			ejected++
			m.inARow = min(m.inARow+1, mostInARow)
			before := m.flags
			m.flags |= Ejected
			m.became(before, ByOutlier, now)
			m.ejectedTo = now.Add(time.Duration(m.inARow) * o.Time)
			m.core.version.Add(1)
		case m.last.answers > 0 && !m.ejectedTo.IsZero() && now.Sub(m.ejectedTo) > o.Interval:
			m.inARow = 0 // it did well for a whole interval
		}
	}
}
