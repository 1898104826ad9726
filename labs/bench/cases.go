package bench

import (
	"fmt"
	"strings"
)

// Case is what the clients do.
type Case struct {
	Name    string // as in names of benchmarks, for benchstat to split
	Size    string // of the answer: a key of sizes
	Conns   int
	Close   bool // a new connection for each request
	Idle    bool // connections are opened, used once and kept; memory is measured
	Both    bool // two cores, and proxyd alone
	Hit     bool // answered by the cache of the system
	Disk    bool // which lies in files on a disk, and not in memory
	Objects int  // that many are stored in it; memory is measured
	Start   bool // they are on disk, and a start is measured: proxyd alone
}

// sizes are the files of the origin.
var sizes = map[string]int{"1k": 1 << 10, "100k": 100 << 10, "1m": 1 << 20, "10m": 10 << 20}

// Cases are all that can be asked for, in the order of the table.
var Cases = []Case{
	{Name: "case=1k/conns=64", Size: "1k", Conns: 64},
	{Name: "case=100k/conns=64", Size: "100k", Conns: 64},
	{Name: "case=1m/conns=16", Size: "1m", Conns: 16},
	{Name: "case=new/conns=64", Size: "1k", Conns: 64, Close: true},
	{Name: "case=1k/conns=1", Size: "1k", Conns: 1},
	{Name: "case=idle/conns=10000", Size: "1k", Conns: 10000, Idle: true},
	{Name: "case=1k/conns=64/cores=2", Size: "1k", Conns: 64, Both: true},
	{Name: "case=hit/size=1k/conns=64", Size: "1k", Conns: 64, Hit: true},
	{Name: "case=hit/size=100k/conns=64", Size: "100k", Conns: 64, Hit: true},
	{Name: "case=hit/size=10m/conns=16", Size: "10m", Conns: 16, Hit: true, Disk: true},
	{Name: "case=memory/objects=100000", Size: "1k", Conns: 16, Hit: true, Objects: 100_000},
	{Name: "case=start/objects=1000000", Size: "1k", Conns: 16, Hit: true, Disk: true, Objects: 1_000_000, Start: true},
}

// CasesNamed picks cases by name; all without names. The prefix "case=" may be
// left out, and the first words of a name stand for all that begin with them:
// "hit" for each case=hit/….
func CasesNamed(names []string) ([]Case, error) {
	if len(names) == 0 {
		return Cases, nil
	}
	var picked []Case
	for _, name := range names {
		found := casesLike(strings.TrimPrefix(name, "case="))
		if len(found) == 0 {
			var known []string
			for _, c := range Cases {
				known = append(known, c.Name)
			}
			return nil, fmt.Errorf("no case is named %q\n\thint: there are %s", name, strings.Join(known, ", "))
		}
		picked = append(picked, found...)
	}
	return picked, nil
}

func casesLike(name string) (found []Case) {
	for _, c := range Cases {
		full := strings.TrimPrefix(c.Name, "case=")
		if full == name {
			return []Case{c}
		}
		if strings.HasPrefix(full, name+"/") {
			found = append(found, c)
		}
	}
	return found
}

// once reports whether one trial is enough: memory of many connections or objects,
// and a start with them, take long to prepare and hardly differ from run to run.
func (c Case) once() bool { return c.Idle || c.Objects > 0 }

// path is what the clients ask for.
func (c Case) path() string {
	if c.Hit {
		return "keep/" + c.Size
	}
	return c.Size
}

// checked are the sizes whose bytes are compared before a trial.
func (c Case) checked() []string {
	if c.Hit {
		return []string{c.Size}
	}
	return []string{"1k", "100k", "1m"}
}
