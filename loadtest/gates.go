package loadtest

import (
	"fmt"
	"time"
)

// The rules that say whether a trial may be believed. They are in the open so
// that a report can print them and a reader can disagree.
const (
	LateAfter = 10 * time.Millisecond // a send this far behind the plan is late

	LateSuspect = 0.001 // share of late sends above which a trial is SUSPECT
	LateInvalid = 0.01  // and above which it is INVALID

	// Share of the CPU the generator may use that it did use. Queues form well
	// before a CPU is full, and what waits in them looks like the server's time.
	CPUSuspect = 0.70
	CPUInvalid = 0.90

	// Share of the time for which the generator was stopped for having used up its
	// CPU quota. What it would have done then it does late.
	ThrottledSuspect = 0.01
	ThrottledInvalid = 0.05

	// TCP segments sent again, by requests: a lost one costs a request 200 ms or
	// more, and whoever lost it, the system under test did not.
	ResentSuspect = 0.01
)

// Validity says whether a trial may be ranked.
type Validity string

// The closed set of validities, from best to worst.
const (
	Valid   Validity = "VALID"
	Suspect Validity = "SUSPECT"
	Invalid Validity = "INVALID"
)

// Gate is what the rules say of one trial: the worst validity that any of them
// gave, and a reason, with rule and figure, for each that was broken.
type Gate struct {
	Validity Validity
	Reasons  []string
}

// Judge holds the generator to its own rules: every planned hit was sent once,
// at its planned time, with CPU to spare, and nothing around it stood in its way. It
// says nothing of the answers.
func Judge(samples []Sample, end End) Gate {
	g := Gate{Validity: Valid}
	if end.Stopped != "" {
		g.add(Invalid, "the load was stopped before its end: %s", end.Stopped)
	}
	g.complete(samples, end.Planned)
	g.lateness(samples)
	g.cpu(end)
	g.surroundings(end)
	if end.Clients > 0 {
		g.add(Suspect, "%d clients sent in a closed loop: a slow answer delayed the requests behind it, and its times hide that; the rule is a plan", end.Clients)
	}
	return g
}

// JudgeAnswers holds the answers to the plan: where nothing is broken on purpose,
// one wrong answer makes a trial INVALID. Failures are not judged here; they are
// a result.
func JudgeAnswers(samples []Sample) Gate {
	g := Gate{Validity: Valid}
	if t := Summary(samples); t.Wrong > 0 {
		g.add(Invalid, "%d of %d answers had the wrong status or bytes; the rule is none", t.Wrong, t.Requests)
	}
	return g
}

// Join is both gates in one.
func (g Gate) Join(other Gate) Gate {
	return Gate{Validity: worse(g.Validity, other.Validity), Reasons: append(g.Reasons[:len(g.Reasons):len(g.Reasons)], other.Reasons...)}
}

func (g *Gate) add(v Validity, format string, args ...any) {
	g.Validity = worse(g.Validity, v)
	g.Reasons = append(g.Reasons, fmt.Sprintf(format, args...))
}

func worse(a, b Validity) Validity {
	rank := map[Validity]int{Valid: 0, Suspect: 1, Invalid: 2}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// complete wants hits 0..planned-1, each once.
func (g *Gate) complete(samples []Sample, planned uint64) {
	if planned == 0 {
		g.add(Invalid, "no request was planned")
		return
	}
	seen := make([]bool, planned)
	twice, foreign, missing := 0, 0, 0
	for _, s := range samples {
		switch {
		case s.N >= planned:
			foreign++
		case seen[s.N]:
			twice++
		default:
			seen[s.N] = true
		}
	}
	for _, ok := range seen {
		if !ok {
			missing++
		}
	}
	if missing > 0 {
		g.add(Invalid, "%d of %d planned requests have no record; the rule is none", missing, planned)
	}
	if twice+foreign > 0 {
		g.add(Invalid, "%d records are of no planned request and %d are second ones; the rule is none", foreign, twice)
	}
}

func (g *Gate) lateness(samples []Sample) {
	if len(samples) == 0 {
		return
	}
	late := Summary(samples).Late
	share := float64(late) / float64(len(samples))
	limit, v := LateSuspect, Suspect
	if share > LateInvalid {
		limit, v = LateInvalid, Invalid
	}
	if share > limit {
		g.add(v, "%d of %d requests (%.2f %%) were sent more than %v behind the plan; the rule is at most %.1f %%",
			late, len(samples), 100*share, LateAfter, 100*limit)
	}
}

func (g *Gate) cpu(end End) {
	if end.Seconds <= 0 || end.CPUs <= 0 {
		g.add(Suspect, "the generator's CPU use is not known")
		return
	}
	share := end.CPUSeconds / (end.Seconds * end.CPUs)
	limit, v := CPUSuspect, Suspect
	if share > CPUInvalid {
		limit, v = CPUInvalid, Invalid
	}
	if share > limit {
		g.add(v, "the generator used %.0f %% of its %.2g CPUs; the rule is at most %.0f %%", 100*share, end.CPUs, 100*limit)
	}
}

// surroundings are the generator's cgroup and network.
func (g *Gate) surroundings(end End) {
	if end.Seconds <= 0 {
		return // told by cpu
	}
	share := end.Throttled / end.Seconds
	limit, v := ThrottledSuspect, Suspect
	if share > ThrottledInvalid {
		limit, v = ThrottledInvalid, Invalid
	}
	if share > limit {
		g.add(v, "the generator was throttled by its CPU quota for %.0f %% of the time; the rule is at most %.0f %%", 100*share, 100*limit)
	}
	if share := float64(end.Resent) / float64(max(1, end.Sent)); share > ResentSuspect {
		g.add(Suspect, "%d TCP segments were sent again by the generator for %d requests; the rule is at most %.0f %%", end.Resent, end.Sent, 100*ResentSuspect)
	}
}
