package bench

import (
	"fmt"
	"math"
	"strings"

	"proxylab/reports/stat"
)

// claim is what proxyd should reach: a figure, as a ratio to the best of some
// systems, or by itself.
type claim struct {
	where   string
	measure measure
	figure  string
	against []string // the one with the lowest median counts; empty for an absolute bound
	limit   float64
}

var wanted = []claim{
	{"case=1k/conns=64", cpu, "CPU", []string{"nginx"}, 0.9},
	{"case=1k/conns=64", cpu, "CPU", []string{"haproxy"}, 0.8},
	{"case=1k/conns=64", cpu, "CPU", []string{"apache"}, 0.25},
	{"case=100k/conns=64", cpu, "CPU", []string{"nginx", "haproxy"}, 0.7},
	{"case=1m/conns=16", cpu, "CPU", []string{"nginx", "haproxy"}, 0.8},
	{"case=new/conns=64", cpu, "CPU", []string{"nginx"}, 1.0},
	{"case=1k/conns=1", p50, "p50", []string{"nginx"}, 1.0},
	{"case=idle/conns=10000", resident, "resident MB", nil, 60},
	{"case=hit/size=1k/conns=64", cpu, "CPU", caches, 0.7},
	{"case=hit/size=100k/conns=64", cpu, "CPU", caches, 0.8},
	{"case=hit/size=10m/conns=16", cpu, "CPU", []string{"nginx"}, 1.0},
	{"case=memory/objects=100000", overhead, "bytes beside each body", nil, 600},
	{"case=start/objects=1000000", firstHit, "ms until the first hit, and then 2 s without a miss", nil, 100},
}

var caches = []string{"nginx", "haproxy", "varnish", "apache-disk", "apache-socache"}

// The second core should bring throughput, where load and origin have cores of
// their own; else it must not cost more for each request.
const (
	bothThroughput = 1.7
	bothCost       = 1.15
)

// claims writes which of the wanted claims hold, of those that were measured.
func (r *Result) claims(b *strings.Builder) {
	var rows strings.Builder
	for _, c := range wanted {
		if who := r.failedOf(c); who != "" {
			fmt.Fprintf(&rows, "| %s | %s | %g | – | not known: %s failed |\n", c.where, c.figure, c.limit, who)
		} else if text, e := r.judge(c); e.N > 0 {
			claimRow(&rows, c.where, text, e, c.limit, e.Median <= c.limit)
		}
	}
	both, one := side{"case=1k/conns=64/cores=2", "proxyd"}, side{"case=1k/conns=64", "proxyd"}
	if r.Machine.Cores >= 4 {
		if e := r.ratio(rate, both, one); e.N > 0 {
			claimRow(&rows, both.where, "throughput to that with one core, at least", e, bothThroughput, e.Median >= bothThroughput)
		}
	} else if e := r.ratio(cpu, both, one); e.N > 0 {
		claimRow(&rows, both.where, "CPU to that with one core, at most", e, bothCost, e.Median <= bothCost)
	}
	if rows.Len() > 0 {
		b.WriteString("| case | claim for proxyd | limit | measured | holds |\n|---|---|--:|--:|---|\n" + rows.String())
	}
}

// failedOf is who of those that a claim is about has no figure, having failed.
func (r *Result) failedOf(c claim) string {
	for _, s := range append([]string{"proxyd"}, c.against...) {
		if r.failed(c.where, s) != "" {
			return s
		}
	}
	return ""
}

// judge measures a claim, against the best of its systems that were measured.
func (r *Result) judge(c claim) (text string, e stat.Estimate) {
	us := side{c.where, "proxyd"}
	if len(c.against) == 0 {
		return c.figure + ", at most", r.of(c.measure, us.where, us.system)
	}
	best, lowest := "", math.Inf(1)
	for _, s := range c.against {
		if m := r.of(c.measure, c.where, s); m.N > 0 && m.Median < lowest {
			best, lowest = s, m.Median
		}
	}
	text = fmt.Sprintf("%s to that of %s, at most", c.figure, best)
	if len(c.against) > 1 {
		text = fmt.Sprintf("%s to that of the best of %s (%s), at most", c.figure, strings.Join(c.against, ", "), best)
	}
	return text, r.ratio(c.measure, us, side{c.where, best})
}

func claimRow(b *strings.Builder, where, text string, e stat.Estimate, limit float64, holds bool) {
	word := "yes"
	if !holds {
		word = "no"
	}
	fmt.Fprintf(b, "| %s | %s | %g | %s | %s |\n", where, text, limit, spread("%.2f", e), word)
}
