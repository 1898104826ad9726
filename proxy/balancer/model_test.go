package balancer

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func factors(t *rapid.T) []float64 {
	hundredths := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(1, 5), rapid.IntRange(1, 100)), 1, 8).Draw(t, "loadfactors")
	f := make([]float64, len(hundredths))
	for i, h := range hundredths {
		f[i] = float64(h)
	}
	return f
}

// In every run of as many picks as the loadfactors' sum, wherever it begins on
// a cycle's edge, each member has exactly its loadfactor.
func TestSharesAreExactPerCycle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := factors(t)
		b := build(t, 0, fs...)
		sum := 0
		for _, f := range fs {
			sum += int(f)
		}
		for cycle := range 3 {
			got := picks(b, sum)
			for i, f := range fs {
				if n := strings.Count(got, string(rune('A'+i))); n != int(f) {
					t.Fatalf("cycle %d: member %d of %v elected %d times of %d", cycle, i, fs, n, sum)
				}
			}
		}
	})
}

// With equal weights, no window of picks, of any length and place, is uneven
// by more than one.
func TestEqualWeightsAreEvenInAnyWindow(t *testing.T) {
	got := picks(build(t, 0, 1, 1, 1), 60)
	for from := range got {
		for to := from; to <= len(got); to++ {
			w := got[from:to]
			a, b, c := strings.Count(w, "A"), strings.Count(w, "B"), strings.Count(w, "C")
			if max(a, b, c)-min(a, b, c) > 1 {
				t.Fatalf("picks %d to %d: A %d, B %d, C %d", from, to, a, b, c)
			}
		}
	}
}

// A step of the model test: time passes, a request comes and ends.
type step struct {
	pause time.Duration
	fails bool
}

// Random requests, failures and pauses, against a model that knows only who is
// usable: no unusable member is elected, some usable member always is, and the
// counters agree.
func TestNoUnusableMemberIsElected(t *testing.T) {
	drawStep := rapid.Custom(func(t *rapid.T) step {
		ms := rapid.IntRange(0, 3000).Draw(t, "pause in ms")
		return step{time.Duration(ms) * time.Millisecond, rapid.Bool().Draw(t, "fails")}
	})
	rapid.Check(t, func(rt *rapid.T) {
		fs := factors(rt)
		steps := rapid.SliceOfN(drawStep, 1, 60).Draw(rt, "steps")
		var fault string // told outside: rapid's Fatalf must stay on its goroutine
		synctest.Test(t, func(t *testing.T) {
			fault = follow(build(t, 5*time.Second, fs...), 5*time.Second, steps)
		})
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// follow plays steps and returns how b went against the model, or "".
func follow(b *Balancer, retry time.Duration, steps []step) string {
	usableAt := make([]time.Time, len(b.Members()))
	usable := func(i int) bool { return !time.Now().Before(usableAt[i]) }
	elections := make([]uint64, len(usableAt))
	for _, s := range steps {
		time.Sleep(s.pause)
		some := false
		for i := range usableAt {
			some = some || usable(i)
		}
		l, err := elect(b, nil)
		if (err == nil) != some {
			return fmt.Sprintf("error %v, while some member is usable: %v", err, some)
		}
		if err != nil {
			continue
		}
		if !usable(l.Index()) {
			return fmt.Sprintf("member %d elected in error state", l.Index())
		}
		elections[l.Index()]++
		if s.fails {
			usableAt[l.Index()] = time.Now().Add(retry)
			l.done(Unreachable)
		} else {
			l.done(OK)
		}
	}
	for i, m := range b.Status().Members {
		if m.Elected != elections[i] || m.Busy != 0 {
			return fmt.Sprintf("member %d: %+v, elected %d times", i, m, elections[i])
		}
	}
	return ""
}
