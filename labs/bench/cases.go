package bench

import (
	"fmt"
	"strings"
)

// Case is what the clients do.
type Case struct {
	Name  string // as in names of benchmarks, for benchstat to split
	Size  string // of the answer: a key of sizes
	Conns int
	Close bool // a new connection for each request
	Idle  bool // connections are opened, used once and kept; memory is measured
	Both  bool // two cores, and proxyd alone
}

// sizes are the files of the origin.
var sizes = map[string]int{"1k": 1 << 10, "100k": 100 << 10, "1m": 1 << 20}

// Cases are all that can be asked for, in the order of the table.
var Cases = []Case{
	{Name: "case=1k/conns=64", Size: "1k", Conns: 64},
	{Name: "case=100k/conns=64", Size: "100k", Conns: 64},
	{Name: "case=1m/conns=16", Size: "1m", Conns: 16},
	{Name: "case=new/conns=64", Size: "1k", Conns: 64, Close: true},
	{Name: "case=1k/conns=1", Size: "1k", Conns: 1},
	{Name: "case=idle/conns=10000", Size: "1k", Conns: 10000, Idle: true},
	{Name: "case=1k/conns=64/cores=2", Size: "1k", Conns: 64, Both: true},
}

// CasesNamed picks cases by name; all without names. The prefix "case=" may be
// left out.
func CasesNamed(names []string) ([]Case, error) {
	if len(names) == 0 {
		return Cases, nil
	}
	var picked []Case
next:
	for _, name := range names {
		for _, c := range Cases {
			if strings.TrimPrefix(c.Name, "case=") == strings.TrimPrefix(name, "case=") {
				picked = append(picked, c)
				continue next
			}
		}
		var known []string
		for _, c := range Cases {
			known = append(known, c.Name)
		}
		return nil, fmt.Errorf("no case is named %q\n\thint: there are %s", name, strings.Join(known, ", "))
	}
	return picked, nil
}

// plays reports whether a system takes part in a case.
func (c Case) plays(system string) bool { return !c.Both || system == "proxyd" }
