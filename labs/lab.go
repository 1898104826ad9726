package labs

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"proxylab/labs/check"
	"proxylab/proxy/site"
)

// Lab is one experiment as its lab.yaml declares it.
type Lab struct {
	Name    string   `yaml:"-"` // the folder's name: 01-side-by-side
	Title   string   `yaml:"title"`
	Goal    string   `yaml:"goal"`
	Systems []string `yaml:"systems"`
	Origins int      `yaml:"origins"`
	Limits  Limits   `yaml:"limits"`
	Load    Load     `yaml:"load"`
	Faults  []Fault  `yaml:"faults"` // in the order of their times; stretched as the phases are

	Calibrate  Calibrate  `yaml:"calibrate"`
	Saturation Saturation `yaml:"saturation"`

	Sizes map[string]Size `yaml:"sizes"`

	Checks []check.Rule `yaml:"checks"` // the self-check; see package check

	// Site is parsed by package site from the same file; see [parseSite].
	Site *site.Site `yaml:"-"`
	Raw  any        `yaml:"site"`
}

// Limits is what each system under test may use.
type Limits struct {
	CPUs   float64 `yaml:"cpus"`
	Memory string  `yaml:"memory"` // 256MiB

	// Of each origin and of the generator; 0 is none. They are for lessons on what a
	// trial is worth when these, and not the system, are what limits.
	OriginCPUs    float64 `yaml:"origin_cpus"`
	GeneratorCPUs float64 `yaml:"generator_cpus"`

	memoryBytes int64
}

// Size is how much of a lab is played.
type Size struct {
	Blocks int     `yaml:"blocks"` // trials of each system
	Time   float64 `yaml:"time"`   // factor on the length of each phase
}

// List returns the labs under dir, by name. A lab that cannot be read is an
// error; all such errors come joined.
func List(dir string) ([]*Lab, error) {
	files, err := filepath.Glob(filepath.Join(dir, "[0-9][0-9]-*", "lab.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no lab here\n\thint: run this at the top of the project", dir)
	}
	var all []*Lab
	var errs []error
	for _, f := range files {
		l, err := Read(f)
		errs = append(errs, err)
		all = append(all, l)
	}
	return all, errors.Join(errs...)
}

// Find returns the lab of dir that name tells: its folder's name, or the
// number before it.
func Find(dir, name string) (*Lab, error) {
	files, err := filepath.Glob(filepath.Join(dir, "[0-9][0-9]-*", "lab.yaml"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		folder := filepath.Base(filepath.Dir(f))
		if folder == name || strings.HasPrefix(folder, name+"-") {
			return Read(f)
		}
		names = append(names, folder)
	}
	return nil, fmt.Errorf("no lab %q in %s\n\thint: there is %s", name, dir, cmp.Or(strings.Join(names, ", "), "none; run this at the top of the project"))
}

// Read parses and checks one lab.yaml. The error is a [site.Faults] with all
// that is wrong.
func Read(file string) (*Lab, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, data)
}

// Parse is [Read] on the bytes of a file; its name stands in errors and, by
// its folder, names the lab.
func Parse(file string, data []byte) (*Lab, error) {
	l := &Lab{Name: filepath.Base(filepath.Dir(file))}
	if fault := decode(data, l); fault != nil {
		return nil, &site.Faults{File: file, List: []site.Fault{*fault}}
	}
	l.Load.setDefaults()
	l.setSearchDefaults()
	faults := append(l.readTraces(filepath.Dir(file)), l.check()...)
	var err error
	if l.Site, err = parseSite(file, data, l.Raw != nil); err == nil {
		faults = append(faults, l.checkMembers()...)
	}
	for i := range faults {
		faults[i].Line = lineOf(data, faults[i].Place)
	}
	faults = append(faults, l.checkRules(data)...)
	var inSite *site.Faults
	if errors.As(err, &inSite) {
		faults = append(faults, inSite.List...)
	} else if err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		slices.SortStableFunc(faults, func(a, b site.Fault) int { return cmp.Compare(a.Line, b.Line) })
		return nil, &site.Faults{File: file, List: faults}
	}
	return l, nil
}

// SizeNames returns the sizes of the lab, smallest first.
func (l *Lab) SizeNames() []string {
	names := make([]string, 0, len(l.Sizes))
	for n := range l.Sizes {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Compare(l.Duration(a), l.Duration(b))
	})
	return names
}

// Duration is how long the trials of a size take by plan, without set-up.
func (l *Lab) Duration(size string) time.Duration {
	s := l.Sizes[size]
	one := l.Load.WarmUp.For + betweenTrials
	for _, p := range l.Load.Phases {
		one += time.Duration(float64(p.For) * s.Time)
	}
	return one * time.Duration(s.Blocks*len(l.Systems))
}
