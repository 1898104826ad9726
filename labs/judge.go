package labs

import (
	"fmt"

	"proxylab/loadtest"
	"proxylab/reports/record"
)

// maxOriginShare is the share of the machine's CPU time that the origins may
// use in a trial: above it they may be what is measured.
const maxOriginShare = 0.7

// rules are those of judge, besides the generator's, for the reader of the report.
func rules() []string {
	return []string{
		"It is suspect when the origins counted another number of requests than were sent.",
		fmt.Sprintf("It is invalid when the origins used more than %.0f %% of the machine's CPU time.", maxOriginShare*100),
	}
}

// judge says whether a trial may be ranked, and why not, rule and figure: the
// generator by its own rules, the answers, and then the origins.
func judge(samples []loadtest.Sample, end loadtest.End, tr record.Trial, cpus int) (record.Validity, []string) {
	g := loadtest.Judge(samples, end).Join(loadtest.JudgeAnswers(samples))
	var counted int64
	for _, n := range tr.Origins {
		counted += n
	}
	if tr.Failed == 0 && counted != int64(tr.Requests) {
		g = g.Join(loadtest.Gate{Validity: loadtest.Suspect, Reasons: []string{
			fmt.Sprintf("the origins counted %d requests where %d were sent; the rule is as many", counted, tr.Requests)}})
	}
	if share := tr.Resources.Origins.CPUSeconds / (tr.Seconds * float64(cpus)); share > maxOriginShare {
		g = g.Join(loadtest.Gate{Validity: loadtest.Invalid, Reasons: []string{
			fmt.Sprintf("the origins used %.0f %% of the machine's CPU time; the rule is at most %.0f %%", share*100, maxOriginShare*100)}})
	}
	return record.Validity(g.Validity), g.Reasons
}
