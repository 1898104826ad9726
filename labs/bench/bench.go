package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Options say what is compared, and how long.
type Options struct {
	Runs    int
	Length  time.Duration // of a measurement; whole seconds where wrk makes the load
	Systems []string      // names; all without
	Cases   []Case
	Folder  string    // for proxyd's binary and fetched packages
	Self    string    // this program, or another that calls Child
	GoLoad  bool      // do not look for wrk and nginx as load and origin
	Log     io.Writer // progress
}

// Trial is one system in one case, once.
type Trial struct {
	Case      string  `json:"case"`
	System    string  `json:"system"`
	Run       int     `json:"run"`
	Requests  int     `json:"requests"`
	Errors    int     `json:"errors"`
	CPU       float64 `json:"cpu_us_per_request,omitempty"`
	PerSecond float64 `json:"requests_per_second,omitempty"`
	P50       float64 `json:"p50_us,omitempty"`
	Busy      float64 `json:"busy_cores,omitempty"` // CPU seconds of the system in a second
	Resident  int64   `json:"resident_bytes"`
	Overhead  float64 `json:"overhead_bytes_per_object,omitempty"` // memory beside the body
	FirstHit  float64 `json:"first_hit_ms,omitempty"`              // from the start of the process
	Load1     float64 `json:"load_average"`                        // of the machine, after it
	Failed    string  `json:"failed,omitempty"`                    // why there is no figure
}

// Result is everything that was found out.
type Result struct {
	Machine Machine  `json:"machine"`
	Cases   []Case   `json:"cases"`
	Systems []string `json:"systems"`
	Missing []string `json:"missing,omitempty"` // Debian packages
	Runs    int      `json:"runs"`
	Seconds float64  `json:"seconds"`
	Trials  []Trial  `json:"trials"`
}

// bench is a running comparison.
type bench struct {
	Options
	dir     string // for whatever processes write
	memory  string // likewise, in memory (tmpfs) where there is one
	self    string
	wrk     string // "" for the load in Go
	lib     string
	cores   cores
	files   int
	find    finder
	proxyd  string
	origin  string // host:port
	counted int    // requests that asked the origin for their number
	systems []system
}

// cores are who runs where.
type cores struct {
	system, both, load, origin []int
}

// divide gives the system the first core. With four or more the origin has one
// of its own, and a system with two cores too.
func divide(own []int) (cores, error) {
	switch n := len(own); {
	case n < 2:
		return cores{}, fmt.Errorf("%d core is not enough\n\thint: the system under test has one, load and origin another", n)
	case n < 4:
		return cores{system: own[:1], both: own[:2], load: own[1:2], origin: own[n-1:]}, nil
	default:
		return cores{system: own[:1], both: []int{own[0], own[3]}, load: own[1:2], origin: own[2:3]}, nil
	}
}

// Run makes the comparison. A system that cannot be started, answers wrongly or
// fails under load has no figure in that case, and is not tried in it again: the
// result says so, and so does the error that comes with it.
func Run(ctx context.Context, o Options) (*Result, error) {
	folder, err := filepath.Abs(o.Folder) // Apache wants its modules so
	if err != nil {
		return nil, err
	}
	b := &bench{
		Options: o, self: o.Self,
		find: finderIn(folder), proxyd: filepath.Join(folder, "bench-proxyd"),
	}
	r, err := b.prepare(ctx)
	if err != nil {
		return nil, err
	}
	remove, err := b.makeFolders()
	defer remove()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, b.limit(), errors.New("the bench takes too long"))
	defer cancel()
	stop, err := b.startOrigin(ctx)
	if err != nil {
		return nil, fmt.Errorf("origin: %w", err)
	}
	defer stop()
	if r.Machine, err = b.machine(); err != nil {
		return nil, err
	}
	for run := range o.Runs {
		if err := b.play(ctx, r, run); err != nil {
			return nil, err
		}
	}
	r.Machine.LoadAfter = loadAverage()
	return r, r.failure()
}

// play makes every trial once. Its error is that of ctx.
func (b *bench) play(ctx context.Context, r *Result, run int) error {
	for _, c := range b.Cases {
		if c.once() && run > 0 {
			continue
		}
		for i := range b.systems {
			s := b.systems[(i+run)%len(b.systems)]
			if ok, _ := s.plays(c); !ok || r.failed(c.Name, s.name) != "" {
				continue
			}
			t, err := b.trial(ctx, s, c)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				t = Trial{Failed: oneLine(err)}
			}
			t.Case, t.System, t.Run = c.Name, s.name, run+1
			r.Trials = append(r.Trials, t)
			b.tell(t)
		}
	}
	return nil
}

// failed is why a system has no figure in a case; "" where it has.
func (r *Result) failed(where, system string) string {
	for _, t := range r.Trials {
		if t.Case == where && t.System == system && t.Failed != "" {
			return t.Failed
		}
	}
	return ""
}

// oneLine is what an error says, and the end of what the program said, in a line.
func oneLine(err error) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\n", " ")), " ")
}

func (r *Result) failure() error {
	var all []error
	for _, t := range r.Trials {
		if t.Failed != "" {
			all = append(all, fmt.Errorf("%s: %s: %s", t.Case, t.System, t.Failed))
		}
	}
	return errors.Join(all...)
}

// makeFolders makes what processes write to; remove removes it.
func (b *bench) makeFolders() (remove func(), err error) {
	remove = func() {
		os.RemoveAll(b.dir)
		os.RemoveAll(b.memory)
	}
	if b.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return func() {}, err
	}
	if b.memory, err = os.MkdirTemp("/dev/shm", "bench"); err != nil {
		if b.memory, err = os.MkdirTemp("", "bench"); err != nil {
			return remove, err
		}
	}
	// Apache's process is another user's.
	return remove, errors.Join(os.Chmod(b.dir, 0o755), os.Chmod(b.memory, 0o755))
}

// prepare finds and builds all programs.
func (b *bench) prepare(ctx context.Context) (*Result, error) {
	r := &Result{Cases: b.Cases, Runs: b.Runs, Seconds: b.Length.Seconds()}
	own, err := ownCores()
	if err != nil {
		return nil, err
	}
	if b.cores, err = divide(own); err != nil {
		return nil, err
	}
	if b.files, err = raiseFiles(); err != nil {
		return nil, err
	}
	if err := b.pick(r); err != nil {
		return nil, err
	}
	b.lib = b.find.libraries()
	if b.wrk = b.find.find("wrk"); b.GoLoad {
		b.wrk = ""
	}
	return r, b.buildProxyd(ctx)
}

// buildProxyd builds what is there, whether committed or not.
func (b *bench) buildProxyd(ctx context.Context) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.proxyd, "proxylab/proxy/cmd/proxyd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building proxyd: %w: %s", err, out)
	}
	return nil
}

// Install fetches the Debian packages that the systems need and the machine lacks
// into folder; the host stays as it is.
func Install(ctx context.Context, log io.Writer, folder string, names []string) error {
	picked, err := systemsNamed(names)
	if err != nil {
		return err
	}
	folder, err = filepath.Abs(folder)
	if err != nil {
		return err
	}
	find := finderIn(folder)
	pkgs := find.missing(picked)
	if len(pkgs) == 0 {
		return nil
	}
	fmt.Fprintf(log, "fetching %v into %s\n", pkgs, find.root)
	return find.fetch(ctx, pkgs)
}

// pick finds the systems that take part.
func (b *bench) pick(r *Result) error {
	picked, err := systemsNamed(b.Options.Systems)
	if err != nil {
		return err
	}
	r.Missing = b.find.missing(picked)
	for _, s := range picked {
		if s.program != "" && b.find.find(s.program) == "" {
			if len(b.Options.Systems) > 0 {
				return fmt.Errorf("%s is not found\n\thint: --install, or %s", s.program, installHint([]string{s.pkg}))
			}
			continue
		}
		b.systems = append(b.systems, s)
		r.Systems = append(r.Systems, s.name)
	}
	return nil
}

// limit is the time that everything may take: generous, but finite.
func (b *bench) limit() time.Duration {
	trials := time.Duration(b.Runs * len(b.Cases) * len(b.systems))
	limit := time.Minute + trials*(2*b.Length+20*time.Second)
	for _, c := range b.Cases {
		limit += time.Duration(c.Objects*len(b.systems)) * time.Millisecond
	}
	return limit
}
