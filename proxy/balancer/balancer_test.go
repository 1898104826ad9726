package balancer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// build makes a balancer of members A, B, C, … with the given loadfactors.
func build(t interface{ Fatal(...any) }, retry time.Duration, factors ...float64) *Balancer {
	c := Config{Name: "origins", Method: "byrequests"}
	for i, f := range factors {
		c.Members = append(c.Members, MemberConfig{Name: string(rune('A' + i)), LoadFactor: f, Retry: retry})
	}
	b, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// picks elects n times, ending each with OK, and writes the names in a row;
// "-" for no member.
func picks(b *Balancer, n int) string {
	var s strings.Builder
	for range n {
		m, err := b.Elect(nil)
		if err != nil {
			s.WriteByte('-')
			continue
		}
		s.WriteString(m.Name())
		m.Done(OK)
	}
	return s.String()
}

// The sequences are worked out by hand from mod_lbmethod_byrequests.c.
func TestByrequestsSequence(t *testing.T) {
	tests := []struct {
		claim   string
		factors []float64
		want    string
	}{
		{"one member", []float64{7}, "AAA"},
		{"equal weights take turns", []float64{1, 1, 1}, "ABCABCABC"},
		{"equal weights above one take turns", []float64{100, 100}, "ABABAB"},
		{"three, two, one", []float64{3, 2, 1}, "ABACBAABACBA"},
		{"five to one", []float64{5, 1}, "AAABAAAAABAA"},
		{"the last of four twice", []float64{1, 1, 1, 2}, "DABCDDABCD"},
		{"a fraction", []float64{1.5, 1}, "ABABAABABA"},
	}
	for _, tt := range tests {
		t.Run(tt.claim, func(t *testing.T) {
			b := build(t, 0, tt.factors...)
			if got := picks(b, len(tt.want)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// httpd keeps (int)(loadfactor * 100.0): what a binary fraction lacks is cut.
func TestLoadfactorIsCutToHundredths(t *testing.T) {
	for factor, want := range map[float64]int{1: 100, 1.5: 150, 1.15: 114, 2.999: 299, 100: 10000} {
		if got := build(t, 0, factor).members[0].lbfactor; got != want {
			t.Errorf("loadfactor %v: lbfactor %d, want %d", factor, got, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	one := []MemberConfig{{Name: "A", LoadFactor: 1}}
	tests := []struct {
		claim string
		c     Config
		want  string
	}{
		{"an unknown lbmethod", Config{Name: "o", Method: "bytrafic", Members: one}, `unknown lbmethod "bytrafic"`},
		{"no member", Config{Name: "o", Method: "byrequests"}, "no member"},
		{"a loadfactor below one", Config{Name: "o", Method: "byrequests", Members: []MemberConfig{{Name: "A", LoadFactor: 0.5}}}, "0.5 is not between 1 and 100"},
		{"a loadfactor above a hundred", Config{Name: "o", Method: "byrequests", Members: []MemberConfig{{Name: "A", LoadFactor: 101}}}, "101 is not between 1 and 100"},
		{"a loadfactor that is no number", Config{Name: "o", Method: "byrequests", Members: []MemberConfig{{Name: "A", LoadFactor: math.NaN()}}}, "NaN is not between 1 and 100"},
		{"a negative retry", Config{Name: "o", Method: "byrequests", Members: []MemberConfig{{Name: "A", LoadFactor: 1, Retry: -1}}}, "retry -1ns is negative"},
	}
	for _, tt := range tests {
		t.Run(tt.claim, func(t *testing.T) {
			_, err := New(tt.c)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestRetryKeepsAMemberFromRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := build(t, 5*time.Second, 1, 1, 1)
		m, _ := b.Elect(nil)
		m.Done(Failed)
		if !m.InError() {
			t.Error("a member that failed is not in error")
		}
		time.Sleep(5*time.Second - 1)
		if got := picks(b, 4); got != "BCBC" {
			t.Errorf("until retry: got %s, want BCBC", got)
		}
		time.Sleep(1)
		if m.InError() {
			t.Error("still in error when retry is over")
		}
		if got := picks(b, 6); !strings.Contains(got, "A") || !strings.Contains(got, "B") || !strings.Contains(got, "C") {
			t.Errorf("after retry: got %s, want all three", got)
		}
	})
}

func TestALateFailureDoesNotLengthenRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := build(t, 5*time.Second, 1)
		first, _ := b.Elect(nil)
		second, _ := b.Elect(nil)
		first.Done(Failed)
		time.Sleep(4 * time.Second)
		second.Done(Failed)
		time.Sleep(time.Second)
		if got := picks(b, 1); got != "A" {
			t.Errorf("got %s 5s after the first failure, want A", got)
		}
	})
}

func TestAMemberThatFailsAgainWaitsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := build(t, 5*time.Second, 1)
		for range 3 {
			m, err := b.Elect(nil)
			if err != nil {
				t.Fatal(err)
			}
			m.Done(Failed)
			if got := picks(b, 1); got != "-" {
				t.Fatalf("got %s right after a failure", got)
			}
			time.Sleep(5 * time.Second)
		}
	})
}

func TestRetryZeroIsNoErrorState(t *testing.T) {
	b := build(t, 0, 1)
	m, _ := b.Elect(nil)
	m.Done(Failed)
	if got := picks(b, 2); got != "AA" {
		t.Errorf("got %s, want AA", got)
	}
}

func TestCanceledBlamesNobody(t *testing.T) {
	b := build(t, time.Hour, 1)
	m, _ := b.Elect(nil)
	m.Done(Canceled)
	if m.InError() || m.Counters() != (Counters{Elected: 1}) {
		t.Errorf("in error %v, counters %+v", m.InError(), m.Counters())
	}
}

func TestElectAvoidsTheTried(t *testing.T) {
	b := build(t, time.Hour, 1, 1, 1)
	var tried []*Member
	for range b.Members() {
		m, err := b.Elect(tried)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range tried {
			if m == other {
				t.Fatalf("%s elected twice", m.Name())
			}
		}
		tried = append(tried, m)
	}
	if _, err := b.Elect(tried); !errors.Is(err, ErrNoMember) {
		t.Errorf("got %v when all were tried, want ErrNoMember", err)
	}
}

func TestCounters(t *testing.T) {
	b := build(t, 0, 1)
	x, _ := b.Elect(nil)
	y, _ := b.Elect(nil)
	z, _ := b.Elect(nil)
	x.Done(OK)
	y.Done(Failed)
	if got, want := z.Counters(), (Counters{Elected: 3, Busy: 1, Errors: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestDoneWithoutElectPanics(t *testing.T) {
	b := build(t, 0, 1)
	m, _ := b.Elect(nil)
	m.Done(OK)
	defer func() {
		if recover() == nil {
			t.Error("a second Done went unseen")
		}
	}()
	m.Done(OK)
}

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
		some := slices.ContainsFunc(b.Members(), func(m *Member) bool { return usable(m.Index()) })
		m, err := b.Elect(nil)
		if (err == nil) != some {
			return fmt.Sprintf("error %v, while some member is usable: %v", err, some)
		}
		if err != nil {
			continue
		}
		if !usable(m.Index()) {
			return fmt.Sprintf("member %d elected in error state", m.Index())
		}
		elections[m.Index()]++
		if s.fails {
			usableAt[m.Index()] = time.Now().Add(retry)
			m.Done(Failed)
		} else {
			m.Done(OK)
		}
	}
	for i, m := range b.Members() {
		if c := m.Counters(); c.Elected != elections[i] || c.Busy != 0 {
			return fmt.Sprintf("member %d: counters %+v, elected %d times", i, c, elections[i])
		}
	}
	return ""
}

// Many goroutines at once leave the shares of equal members exact and no
// exchange behind; under -race this is also the proof of the locking.
func TestConcurrentElectionsStayExact(t *testing.T) {
	const workers, each = 8, 300
	b := build(t, time.Hour, 1, 1, 1)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				m, err := b.Elect(nil)
				if err != nil {
					t.Error(err)
					return
				}
				m.Counters()
				m.InError()
				m.Done(OK)
			}
		})
	}
	wg.Wait()
	for _, m := range b.Members() {
		if got, want := m.Counters(), (Counters{Elected: workers * each / 3}); got != want {
			t.Errorf("%s: %+v, want %+v", m.Name(), got, want)
		}
	}
}

func TestConcurrentFailuresCountOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := build(t, time.Second, 1, 1)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if m, err := b.Elect(nil); err == nil {
					m.Done(Failed)
				}
			})
		}
		wg.Wait()
		if got := picks(b, 1); got != "-" {
			t.Fatalf("got %s with both members in error", got)
		}
		time.Sleep(time.Second)
		if got := picks(b, 2); got != "AB" && got != "BA" {
			t.Errorf("got %s after retry, want both", got)
		}
	})
}

func TestElectDoesNotAllocate(t *testing.T) {
	b := build(t, time.Hour, 1, 2, 3)
	down, _ := b.Elect(nil)
	down.Done(Failed)
	tried := []*Member{b.Members()[0]}
	if n := testing.AllocsPerRun(100, func() {
		for _, t := range [][]*Member{nil, tried, b.Members()} {
			if m, err := b.Elect(t); err == nil {
				m.Done(OK)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkElect(b *testing.B) {
	for _, bb := range []struct {
		name string
		n    int
	}{{"members=3", 3}, {"members=10", 10}, {"members=1000", 1000}} {
		b.Run(bb.name, func(b *testing.B) {
			fs := make([]float64, bb.n)
			for i := range fs {
				fs[i] = float64(1 + i%5)
			}
			lb := build(b, time.Second, fs...)
			b.ReportAllocs()
			for b.Loop() {
				m, err := lb.Elect(nil)
				if err != nil {
					b.Fatal(err)
				}
				m.Done(OK)
			}
		})
	}
}
