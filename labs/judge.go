package labs

import (
	"fmt"

	"proxylab/loadtest"
	"proxylab/reports/record"
)

// The rules of judge. Above them the origins may be what is measured.
const (
	maxOriginShare     = 0.7  // of the CPU time that the origins may use, in a trial
	maxOriginThrottled = 0.05 // of a trial's time for which the quotas of the origins stopped them, by origin
	suspectStall       = 0.1  // seconds for which an origin could not run
	maxStall           = 0.5
)

// rules are those of judge, besides the generator's, for the reader of the report.
func rules() []string {
	return []string{
		"It is suspect when the origins counted another number of requests than were sent.",
		"Where a fault was made, what failed since is what is measured, and no reason against the trial; a wrong body in an answer of the right status is.",
		fmt.Sprintf("It is invalid when the origins used more than %.0f %% of the CPU time they may use, or were stopped by their quotas for more than %.0f %% of the time.",
			maxOriginShare*100, maxOriginThrottled*100),
		fmt.Sprintf("It is suspect when an origin could not run for more than %g s where no fault was declared, and invalid for more than %g s.", suspectStall, maxStall),
	}
}

// room is what the origins have to run in.
type room struct {
	cpus    float64 // that all origins together may use
	origins int
	quota   bool // it is the origins' own, not the machine
}

// room is that of this lab on this machine.
func (p *play) room() room {
	r := room{cpus: float64(p.run.Machine.CPUs), origins: p.Lab.Origins}
	if q := p.Lab.Limits.OriginCPUs * float64(p.Lab.Origins); q > 0 && q < r.cpus {
		r.cpus, r.quota = q, true
	}
	return r
}

// judge says whether a trial may be ranked, and why not, rule and figure: the
// generator by its own rules, the answers, and then the origins.
func judge(samples []loadtest.Sample, end loadtest.End, tr record.Trial, in room) (record.Validity, []string) {
	g := loadtest.Judge(samples, end).Join(loadtest.JudgeAnswers(unharmed(samples, tr.Faults)))
	add := func(v loadtest.Validity, format string, args ...any) {
		g = g.Join(loadtest.Gate{Validity: v, Reasons: []string{fmt.Sprintf(format, args...)}})
	}
	var counted int64
	for _, n := range tr.Origins {
		counted += n
	}
	if tr.Failed == 0 && len(tr.Faults) == 0 && counted != int64(tr.Requests) {
		add(loadtest.Suspect, "the origins counted %d requests where %d were sent; the rule is as many", counted, tr.Requests)
	}
	of := "machine's CPU time"
	if in.quota {
		of = "CPU time that their quotas leave them"
	}
	if share := tr.Resources.Origins.CPUSeconds / (tr.Seconds * in.cpus); share > maxOriginShare {
		add(loadtest.Invalid, "the origins used %.0f %% of the %s; the rule is at most %.0f %%", share*100, of, maxOriginShare*100)
	}
	if share := tr.Resources.Origins.ThrottledSeconds / (tr.Seconds * float64(max(1, in.origins))); share > maxOriginThrottled {
		add(loadtest.Invalid, "the origins were stopped by their CPU quotas for %.0f %% of the time; the rule is at most %.0f %%", share*100, maxOriginThrottled*100)
	}
	stalled := tr.Stalled
	for _, f := range tr.Faults {
		if f.Kind == "pause" { // it is declared that it cannot run
			stalled -= f.Mended - f.Began
		}
	}
	limit, v := suspectStall, loadtest.Suspect
	if stalled > maxStall {
		limit, v = maxStall, loadtest.Invalid
	}
	if stalled > limit {
		add(v, "an origin could not run for %.2f s; the rule is at most %g s", stalled, limit)
	}
	return record.Validity(g.Validity), g.Reasons
}
