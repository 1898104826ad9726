package labs

import "fmt"

// cores says which CPUs each role gets, as cpuset lists; "" is all of them.
type cores struct {
	system, generator, origins string
	note                       string // for the reader of the report
}

// divide gives system, generator and origins cores of their own where there
// are enough: systems run one at a time, so they share theirs. With fewer
// than four cores all share, and CPU time per request at a fixed rate is the
// figure that survives.
func divide(cpus int, limit float64) cores {
	own := max(1, int(limit+0.999))
	rest := cpus - own
	if cpus < 4 || rest < 2 {
		return cores{note: fmt.Sprintf("%d cores are shared by the systems, the generator and the origins. "+
			"CPU time per request is the figure to trust; latencies include waiting for a core.", cpus)}
	}
	half := own + (rest+1)/2
	return cores{
		system:    span(0, own),
		generator: span(own, half),
		origins:   span(half, cpus),
		note: fmt.Sprintf("Cores of their own: the system under test %s, the generator %s, the origins %s.",
			span(0, own), span(own, half), span(half, cpus)),
	}
}

// span writes the cores from lo up to but not including hi as a cpuset.
func span(lo, hi int) string {
	if hi-lo == 1 {
		return fmt.Sprint(lo)
	}
	return fmt.Sprintf("%d-%d", lo, hi-1)
}
