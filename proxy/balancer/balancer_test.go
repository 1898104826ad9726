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

// members are A, B, C, … with the given loadfactors.
func members(retry time.Duration, factors ...float64) (list []MemberConfig) {
	for i, f := range factors {
		list = append(list, MemberConfig{Name: string(rune('A' + i)), LoadFactor: f, Retry: retry})
	}
	return list
}

type fataler interface{ Fatal(...any) }

// build makes a balancer by requests of such members.
func build(t fataler, retry time.Duration, factors ...float64) *Balancer {
	return must(t, Config{Name: "origins", Method: "byrequests", Members: members(retry, factors...)})
}

func must(t fataler, c Config) *Balancer {
	b, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// elect elects with a lease of its own.
func elect(b *Balancer, q *Request) (*Lease, error) {
	l := new(Lease)
	return l, b.Elect(q, l)
}

func (l *Lease) done(o Outcome) { l.Done(Result{Outcome: o}) }

func inError(m *Member) bool { return m.Flags()&InError != 0 }

// picks elects n times, ending each with OK, and writes the names in a row;
// "-" for no member.
func picks(b *Balancer, n int) string { return picksFor(b, nil, n) }

func picksFor(b *Balancer, q *Request, n int) string {
	var s strings.Builder
	for range n {
		l, err := elect(b, q)
		if err != nil {
			s.WriteByte('-')
			continue
		}
		s.WriteString(l.Member().Name())
		l.done(OK)
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
		if got := build(t, 0, factor).Status().Members[0].LBFactor; got != want {
			t.Errorf("loadfactor %v: lbfactor %d, want %d", factor, got, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	one := func(change func(*MemberConfig)) []MemberConfig {
		m := MemberConfig{Name: "A", LoadFactor: 1}
		change(&m)
		return []MemberConfig{m}
	}
	tests := []struct {
		claim   string
		method  string
		members []MemberConfig
		want    string
	}{
		{"an unknown lbmethod", "bytrafic", members(0, 1), `unknown lbmethod "bytrafic"`},
		{"no member", "byrequests", nil, "no member"},
		{"a member twice", "byrequests", append(members(0, 1), members(0, 1)...), `"A": is there twice`},
		{"a loadfactor below one", "byrequests", members(0, 0.5), "0.5 is not between 1 and 100"},
		{"a loadfactor above a hundred", "byrequests", members(0, 101), "101 is not between 1 and 100"},
		{"a loadfactor that is no number", "byrequests", members(0, math.NaN()), "NaN is not between 1 and 100"},
		{"a negative retry", "byrequests", members(-1, 1), "retry -1ns is negative"},
		{"an lbset too high", "byrequests", one(func(m *MemberConfig) { m.LBSet = 100 }), "lbset 100 is not between 0 and 99"},
		{"a negative max", "byrequests", one(func(m *MemberConfig) { m.Max = -1 }), "max -1 is negative"},
		{"a status that comes by itself", "byrequests", one(func(m *MemberConfig) { m.Status = InError }), "status E is not declared"},
		{"a redirect to itself", "byrequests", one(func(m *MemberConfig) { m.Route, m.Redirect = "a", "a" }), `redirect "a" is the member's own route`},
	}
	for _, tt := range tests {
		t.Run(tt.claim, func(t *testing.T) {
			_, err := New(Config{Name: "o", Method: tt.method, Members: tt.members})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestRetryKeepsAMemberFromRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := build(t, 5*time.Second, 1, 1, 1)
		l, _ := elect(b, nil)
		m := l.Member()
		l.done(Unreachable)
		if !inError(m) {
			t.Error("a member that failed is not in error")
		}
		time.Sleep(5*time.Second - 1)
		if got := picks(b, 4); got != "BCBC" {
			t.Errorf("until retry: got %s, want BCBC", got)
		}
		time.Sleep(1)
		if inError(m) {
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
		first, _ := elect(b, nil)
		second, _ := elect(b, nil)
		first.done(Unreachable)
		time.Sleep(4 * time.Second)
		second.done(Unreachable)
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
			l, err := elect(b, nil)
			if err != nil {
				t.Fatal(err)
			}
			l.done(Unreachable)
			if got := picks(b, 1); got != "-" {
				t.Fatalf("got %s right after a failure", got)
			}
			time.Sleep(5 * time.Second)
		}
	})
}

func TestRetryZeroIsNoErrorState(t *testing.T) {
	b := build(t, 0, 1)
	l, _ := elect(b, nil)
	l.done(Unreachable)
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
	}{{OK, false, 0}, {Canceled, false, 0}, {Failed, false, 1}, {Silent, false, 1}, {Unreachable, true, 1}} {
		b := build(t, time.Hour, 1)
		l, _ := elect(b, nil)
		l.done(tt.outcome)
		s := b.Status().Members[0]
		if (s.Flags == InError) != tt.inError || s.Elected != 1 || s.Busy != 0 || s.Errors != tt.errors {
			t.Errorf("outcome %d: %+v", tt.outcome, s)
		}
	}
}

func TestElectAvoidsTheTried(t *testing.T) {
	for _, method := range Methods() {
		b := must(t, Config{Name: "o", Method: method, Members: members(time.Hour, 1, 1, 1)})
		var tried []*Member
		for range b.Members() {
			l, err := elect(b, &Request{Tried: tried})
			if err != nil {
				t.Fatal(err)
			}
			for _, other := range tried {
				if l.Member() == other {
					t.Fatalf("%s: %s elected twice", method, other.Name())
				}
			}
			tried = append(tried, l.Member())
		}
		if _, err := elect(b, &Request{Tried: tried}); !errors.Is(err, ErrNoMember) {
			t.Errorf("%s: got %v when all were tried, want ErrNoMember", method, err)
		}
	}
}

func TestMisuseOfALeasePanics(t *testing.T) {
	panics := func(f func()) (p bool) {
		defer func() { p = recover() != nil }()
		f()
		return false
	}
	b := build(t, 0, 1)
	// Another exchange with the member, so that its count alone tells nothing.
	other, _ := elect(b, nil)
	l, _ := elect(b, nil)
	if !panics(func() { b.Elect(nil, l) }) {
		t.Error("an Elect without Done went unseen")
	}
	l.done(OK)
	if !panics(func() { l.done(OK) }) {
		t.Error("a second Done went unseen")
	}
	if !panics(func() { new(Lease).done(OK) }) {
		t.Error("a Done without Elect went unseen")
	}
	if n := other.Member().Busy(); n != 1 {
		t.Errorf("%d exchanges run, want the other one", n)
	}
	other.done(OK)
}

// Many goroutines at once leave the shares of equal members exact and no
// exchange behind; under -race this is also the proof of the locking.
func TestConcurrentElectionsStayExact(t *testing.T) {
	const workers, each = 8, 300
	b := build(t, time.Hour, 1, 1, 1)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			var l Lease
			for range each {
				if err := b.Elect(nil, &l); err != nil {
					t.Error(err)
					return
				}
				b.Status()
				l.Done(Result{To: 2, From: 3})
			}
		})
	}
	wg.Wait()
	for _, m := range b.Status().Members {
		if m.Elected != workers*each/3 || m.Busy != 0 || m.Errors != 0 || m.To != 2*workers*each/3 || m.From != workers*each {
			t.Errorf("%+v", m)
		}
	}
}

// Where nothing makes elections serial, no count is lost: with one member all cores
// change the same ones, with a max and without.
func TestNoCountIsLost(t *testing.T) {
	const workers, each = 4, 30000
	for _, method := range []string{"leastconn", "random2", "ewma", "hash"} {
		for _, most := range []int{0, 1000} {
			list := members(time.Hour, 1)
			list[0].Max = most
			b := must(t, Config{Name: "o", Method: method, HashBound: 1.25, Members: list})
			var wg sync.WaitGroup
			begin := make(chan struct{})
			for range workers {
				wg.Go(func() {
					var l Lease
					<-begin
					for range each {
						if err := b.Elect(nil, &l); err != nil {
							t.Error(err)
							return
						}
						l.Done(Result{To: 2, From: 3})
					}
				})
			}
			close(begin)
			wg.Wait()
			m := b.Status().Members[0]
			if n := b.core.inFlight.sum(); m.Elected != workers*each || m.Busy != 0 || m.To != 2*workers*each || m.From != 3*workers*each || n != 0 {
				t.Errorf("%s, max %d: %d in flight, %+v", method, most, n, m)
			}
		}
	}
}

func TestConcurrentFailuresCountOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := build(t, time.Second, 1, 1)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if l, err := elect(b, nil); err == nil {
					l.done(Unreachable)
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
	for _, method := range Methods() {
		b := must(t, Config{Name: "o", Method: method, HashBound: 1.25, Members: members(time.Hour, 1, 2, 3)})
		down, _ := elect(b, nil)
		down.done(Unreachable)
		var l Lease
		qs := []Request{{}, {Tried: b.Members()[:1]}, {Tried: b.Members()}, {Key: 7, Keyed: true}, {Route: []byte("x")}}
		if n := testing.AllocsPerRun(100, func() {
			for i := range qs {
				if b.Elect(&qs[i], &l) == nil {
					l.Done(Result{From: 1})
				}
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", method, n)
		}
	}
}
