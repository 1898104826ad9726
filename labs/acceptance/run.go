package acceptance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// check is one demand. run returns what was seen; an error is the reason for which the
// points are lost, but a fault, which ends the examination.
type check struct {
	name, demand string
	points       int
	harder       bool
	hint         string
	run          func(ctx context.Context, x *exam) (evidence string, err error)
}

// fault is something wrong with the rig, not with the proxy.
type fault struct{ error }

func (f fault) Unwrap() error { return f.error }

// limit is how long a check may take. A proxy that hangs fails one check, not all.
const limit = 90 * time.Second

// exam is the rig while it is used.
type exam struct {
	Rig
	settings Settings // of what runs
	running  bool
}

// Names lists the checks in the order in which they are played.
func Names() []string {
	var names []string
	for _, c := range checks {
		names = append(names, c.name)
	}
	return names
}

// Run plays the checks named, or all for nil. The error is that of ctx or of the rig:
// whatever the proxy does is a result.
func Run(ctx context.Context, r Rig, only []string) ([]Result, error) {
	for _, name := range only {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("%q is no check\n\thint: known are %s", name, strings.Join(Names(), ", "))
		}
	}
	if len(r.Origins) != 3 {
		return nil, fmt.Errorf("%d origin servers; the demands are about three", len(r.Origins))
	}
	x := &exam{Rig: r}
	var results []Result
	for _, c := range checks {
		if only != nil && !slices.Contains(only, c.name) {
			continue
		}
		result := Result{Name: c.name, Demand: c.demand, Points: c.points, Harder: c.harder}
		evidence, err := c.play(ctx, x)
		var f fault
		switch {
		case ctx.Err() != nil:
			return results, context.Cause(ctx)
		case errors.As(err, &f):
			return results, fmt.Errorf("check %s: %w", c.name, err)
		case err != nil:
			result.Reason, result.Hint = err.Error(), c.hint
			x.running = false // whatever it is now, the next check gets a fresh one
		default:
			result.Earned, result.Evidence = c.points, evidence
		}
		results = append(results, result)
	}
	return results, nil
}

// play runs the check, and has all origin servers up again behind it.
func (c check) play(ctx context.Context, x *exam) (evidence string, err error) {
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	evidence, err = c.run(within, x)
	for _, o := range x.Origins {
		if serr := o.Start(ctx); serr != nil {
			return "", fault{errors.Join(serr, err)}
		}
	}
	return evidence, err
}

// up has a proxy running without a cache; checks that harm nothing share it.
func (x *exam) up(ctx context.Context) error {
	if x.running && x.settings.TTL == 0 && !x.settings.InFile {
		return nil
	}
	return x.fresh(ctx, Settings{})
}

// fresh starts the proxy for all origin servers.
func (x *exam) fresh(ctx context.Context, s Settings) error {
	for _, o := range x.Origins {
		s.Backends = append(s.Backends, o.Backend())
	}
	x.running = false
	if err := x.Proxy.Start(ctx, s); err != nil {
		return fmt.Errorf("it did not start: %w", err)
	}
	x.settings, x.running = s, true
	return nil
}

// served is how many requests each origin server has answered.
func (x *exam) served(ctx context.Context) ([]int64, error) {
	var list []int64
	for _, o := range x.Origins {
		c, err := o.Counts(ctx)
		if err != nil {
			return nil, fault{err}
		}
		list = append(list, c.Requests)
	}
	return list, nil
}

// during says how many requests each origin server answered while f ran.
func (x *exam) during(ctx context.Context, f func() error) ([]int64, error) {
	before, err := x.served(ctx)
	if err != nil {
		return nil, err
	}
	if err := f(); err != nil {
		return nil, err
	}
	after, err := x.served(ctx)
	if err != nil {
		return nil, err
	}
	for i := range after {
		after[i] -= before[i]
	}
	return after, nil
}

// stopOrigins closes the first n.
func (x *exam) stopOrigins(ctx context.Context, n int) error {
	for _, o := range x.Origins[:n] {
		if err := o.Stop(ctx); err != nil {
			return fault{err}
		}
	}
	return nil
}

// Totals adds up the points of the demands, and of the harder checks.
func Totals(results []Result) (earned, points, harder, hardest int) {
	for _, r := range results {
		if r.Harder {
			harder, hardest = harder+r.Earned, hardest+r.Points
		} else {
			earned, points = earned+r.Earned, points+r.Points
		}
	}
	return earned, points, harder, hardest
}

// Write shows the results as text.
func Write(w io.Writer, results []Result) error {
	var b strings.Builder
	for _, r := range results {
		mark := "ok  "
		if r.Earned < r.Points {
			mark = "FAIL"
		}
		kind := ""
		if r.Harder {
			kind = " (harder)"
		}
		fmt.Fprintf(&b, "%s %2d/%-2d  %-13s %s%s\n", mark, r.Earned, r.Points, r.Name, r.Demand, kind)
		if r.Reason == "" {
			fmt.Fprintf(&b, "            evidence: %s\n", r.Evidence)
			continue
		}
		fmt.Fprintf(&b, "            reason: %s\n            hint: %s\n", strings.ReplaceAll(r.Reason, "\n", "\n              "), r.Hint)
	}
	earned, points, harder, hardest := Totals(results)
	fmt.Fprintf(&b, "\n%d of %d points; harder: %d of %d\n", earned, points, harder, hardest)
	_, err := io.WriteString(w, b.String())
	return err
}

// Points is what all of the course's demands are worth together.
func Points() (sum int) {
	for _, c := range checks {
		if !c.harder {
			sum += c.points
		}
	}
	return sum
}
