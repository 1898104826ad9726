package balancer

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
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
		m.Done(Unreachable)
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
		first.Done(Unreachable)
		time.Sleep(4 * time.Second)
		second.Done(Unreachable)
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
			m.Done(Unreachable)
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
	m.Done(Unreachable)
	if got := picks(b, 2); got != "AA" {
		t.Errorf("got %s, want AA", got)
	}
}

// One URL that is slow or broken must not take members out of service.
func TestOnlyAnUnreachableMemberIsInError(t *testing.T) {
	for _, tt := range []struct {
		outcome Outcome
		inError bool
		errors  uint64
	}{{OK, false, 0}, {Canceled, false, 0}, {Failed, false, 1}, {Unreachable, true, 1}} {
		b := build(t, time.Hour, 1)
		m, _ := b.Elect(nil)
		m.Done(tt.outcome)
		if m.InError() != tt.inError || m.Counters() != (Counters{Elected: 1, Errors: tt.errors}) {
			t.Errorf("outcome %d: in error %v, counters %+v", tt.outcome, m.InError(), m.Counters())
		}
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
	x.Done(Failed)
	y.Done(Unreachable)
	if got, want := z.Counters(), (Counters{Elected: 3, Busy: 1, Errors: 2}); got != want {
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
					m.Done(Unreachable)
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
	down.Done(Unreachable)
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
