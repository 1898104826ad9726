package balancer

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// parse makes members from "A B+H C2+R@1": a name, a loadfactor, a status, an
// lbset. Each has its name in lower case as its route.
func parse(t fataler, text string) (list []MemberConfig) {
	for word := range strings.FieldsSeq(text) {
		m := MemberConfig{Name: word[:1], LoadFactor: 1, Route: strings.ToLower(word[:1]), Retry: time.Hour}
		word, lbset, _ := strings.Cut(word[1:], "@")
		factor, status, _ := strings.Cut(word, "+")
		if factor != "" {
			m.LoadFactor = float64(factor[0] - '0')
		}
		if lbset != "" {
			m.LBSet = int(lbset[0] - '0')
		}
		var err error
		if m.Status, _, err = ParseFlags(status); err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}

func member(b *Balancer, name string) *Member {
	for _, m := range b.Members() {
		if m.Name() == name {
			return m
		}
	}
	return nil
}

func change(t fataler, b *Balancer, name, flags string) {
	set, clear, err := ParseFlags(flags)
	if err == nil {
		err = b.ChangeMember(name, MemberChange{Set: set, Clear: clear})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The rows follow ap_proxy_balancer_get_best_worker (proxy_util.c, 2.4.58).
func TestWhoIsElected(t *testing.T) {
	tests := []struct{ claim, members, changes, want string }{
		{"disabled members get nothing", "A B+D C", "", "ACAC"},
		{"stopped members get nothing", "A+S B C", "", "BCBC"},
		{"draining members get nothing new", "A B+N C", "", "ACAC"},
		{"members that failed their checks get nothing", "A B C", "B+C", "ACAC"},
		{"spares and standbys wait", "A B+R C+H D", "", "ADAD"},
		{"a spare replaces a disabled member", "A B C+R D+R", "A+D", "BCBC"},
		{"as many spares as members are missing", "A B C+R D+R E+R", "A+D B+E", "CDCD"},
		{"a spare replaces one that drains", "A B C+R", "B+N", "ACAC"},
		{"a spare that is not usable replaces nobody", "A B C+R D+R", "A+D C+D", "BDBD"},
		{"spares go when the member is back", "A B C+R", "A+D A-D", "ABAB"},
		{"standbys are the last resort", "A B C+H D+H", "A+D", "BBBB"},
		{"all standbys at once", "A B C+H D+H", "A+D B+D", "CDCD"},
		{"no standby while a spare does", "A B+R C+H", "A+D", "BBBB"},
		{"the lowest lbset alone", "A@1 B C@1 D", "", "BDBD"},
		{"the next lbset when the first is out", "A@1 B C@2 D", "B+D D+D", "AAAA"},
		{"a spare is of its own lbset", "A B@1 C+R@1", "A+D", "BBBB"},
		{"a standby before the next lbset", "A B@1 C+H", "A+D", "CCCC"},
		{"a weight counts among spares too", "A B C2+R", "A+D", "CBCCBC"},
		{"ignore-errors keeps a member", "A+I B", "", "ABAB"},
		{"nobody", "A B", "A+D B+S", "----"},
	}
	for _, tt := range tests {
		t.Run(tt.claim, func(t *testing.T) {
			b := must(t, Config{Name: "o", Method: "byrequests", Members: parse(t, tt.members)})
			for c := range strings.FieldsSeq(tt.changes) {
				change(t, b, c[:1], c[1:])
			}
			if got := picks(b, len(tt.want)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestIgnoreErrorsIsNeverInError(t *testing.T) {
	b := must(t, Config{Name: "o", Method: "byrequests", Members: parse(t, "A+I")})
	l, _ := elect(b, nil)
	l.done(Unreachable)
	if got := picks(b, 1); got != "A" {
		t.Errorf("got %s", got)
	}
}

func TestForceRecovery(t *testing.T) {
	fail := func(b *Balancer, n int) {
		for range n {
			l, _ := elect(b, nil)
			l.done(Unreachable)
		}
	}
	for _, tt := range []struct {
		claim, members string
		force          bool
		want           string
	}{
		{"without it there is nobody", "A B", false, "--"},
		{"with it all are tried again", "A B", true, "BA"},
		{"a disabled member does not hinder it", "A B C+D", true, "BA"},
	} {
		b := must(t, Config{Name: "o", Method: "byrequests", ForceRecovery: tt.force, Members: parse(t, tt.members)})
		fail(b, 2)
		if got := picks(b, 2); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.claim, got, tt.want)
		}
	}
}

// When the members of the roster were tried, the walk goes on as if they were out.
func TestARetryGoesToSparesStandbysAndTheNextSet(t *testing.T) {
	for _, method := range Methods() {
		b := must(t, Config{Name: "o", Method: method, Members: parse(t, "A B+R C+H D@1")})
		var q Request
		var got strings.Builder
		for {
			l, err := elect(b, &q)
			if err != nil {
				break
			}
			got.WriteString(l.Member().Name())
			q.Tried = append(q.Tried, l.Member())
			l.done(Failed)
		}
		if got.String() != "ABCD" {
			t.Errorf("%s: got %s, want ABCD", method, got.String())
		}
		if got := picks(b, 3); got != "AAA" {
			t.Errorf("%s: then got %s, want AAA", method, got)
		}
	}
}

// find_route_worker and find_session_route of mod_proxy_balancer.c.
func TestSessions(t *testing.T) {
	tests := []struct{ claim, members, changes, route, want string }{
		{"a session stays", "A B C", "", "b", "BBBB"},
		{"no member has the route", "A B", "", "x", "ABAB"},
		{"a member that drains keeps its sessions", "A B C", "B+N", "b", "BBBB"},
		{"a session of a standby", "A B+H", "", "b", "BBBB"},
		{"a session of another lbset", "A B@1", "", "b", "BBBB"},
		{"a disabled member loses its sessions", "A B C", "B+D", "b", "ACAC"},
	}
	for _, tt := range tests {
		t.Run(tt.claim, func(t *testing.T) {
			b := must(t, Config{Name: "o", Method: "byrequests", Members: parse(t, tt.members)})
			for c := range strings.FieldsSeq(tt.changes) {
				change(t, b, c[:1], c[1:])
			}
			if got := picksFor(b, &Request{Route: []byte(tt.route)}, len(tt.want)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRedirectTakesTheSessions(t *testing.T) {
	list := parse(t, "A B C D")
	list[0].Redirect, list[1].Redirect, list[2].Redirect = "b", "c", "a" // a circle
	b := must(t, Config{Name: "o", Method: "byrequests", Members: list})
	q := &Request{Route: []byte("a")}
	for _, step := range []struct{ change, want string }{{"", "A"}, {"A+D", "B"}, {"B+D", "C"}, {"C+D", "D"}} {
		if step.change != "" {
			change(t, b, step.change[:1], step.change[1:])
		}
		if got := picksFor(b, q, 1); got != step.want {
			t.Errorf("after %q: got %s, want %s", step.change, got, step.want)
		}
	}
}

func TestNoFailover(t *testing.T) {
	b := must(t, Config{Name: "o", Method: "byrequests", NoFailover: true, Members: parse(t, "A B")})
	q := &Request{Route: []byte("b")}
	l, _ := elect(b, q)
	q.Tried = []*Member{l.Member()}
	l.done(Failed)
	if _, err := elect(b, q); !errors.Is(err, ErrNoMember) {
		t.Errorf("another member for a session that was tried: %v", err)
	}
	change(t, b, "B", "+D")
	if got := picksFor(b, &Request{Route: []byte("b")}, 1) + picksFor(b, &Request{Route: []byte("x")}, 1); got != "-A" {
		t.Errorf("got %s, want -A: a route of nobody is not the balancer's", got)
	}
}

// Requests of sessions count in the lbstatus, so that the others make up for it.
func TestSessionsCountForByrequests(t *testing.T) {
	b := must(t, Config{Name: "o", Method: "byrequests", Members: parse(t, "A B C")})
	picksFor(b, &Request{Route: []byte("a")}, 2)
	if got := picks(b, 4); got != "BCBC" {
		t.Errorf("after two of A: got %s, want BCBC", got)
	}
}

func TestBybusyness(t *testing.T) {
	b := must(t, Config{Name: "o", Method: "bybusyness", Members: parse(t, "A B2 C")})
	var held []*Lease
	var got strings.Builder
	for range 7 {
		l, err := elect(b, nil)
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString(l.Member().Name())
		held = append(held, l)
	}
	// Each is as busy as any other before one gets another; in between lbstatus
	// decides: 1 2 1, B; 2 0 2, A (tie); C; then again.
	if got.String() != "BACBACB" {
		t.Errorf("got %s, want BACBACB", got.String())
	}
	held[0].done(OK)
	held[3].done(OK)
	if l, _ := elect(b, nil); l.Member().Name() != "B" {
		t.Errorf("got %s, want B, which has the fewest", l.Member().Name())
	}
}

func TestBytraffic(t *testing.T) {
	b := must(t, Config{Name: "o", Method: "bytraffic", Members: parse(t, "A B2")})
	var got strings.Builder
	for range 9 {
		l, _ := elect(b, nil)
		got.WriteString(l.Member().Name())
		l.Done(Result{To: 600, From: 60_000})
	}
	// In units of bytes by lbfactor: A 606 a request, B 303.
	if got.String() != "ABBABBABB" {
		t.Errorf("got %s, want ABBABBABB", got.String())
	}
}

func TestMax(t *testing.T) {
	for _, method := range Methods() {
		list := members(time.Hour, 1, 1)
		list[0].Max, list[1].Max = 2, 3
		b := must(t, Config{Name: "o", Method: method, Members: list})
		var held []*Lease
		for range 5 {
			l, err := elect(b, nil)
			if err != nil {
				t.Fatalf("%s: %v after %d", method, err, len(held))
			}
			held = append(held, l)
		}
		if _, err := elect(b, nil); !errors.Is(err, ErrFull) {
			t.Errorf("%s: got %v, want ErrFull", method, err)
		}
		for i, m := range b.Status().Members {
			if m.Busy != int64(list[i].Max) {
				t.Errorf("%s: member %d has %d, max %d", method, i, m.Busy, list[i].Max)
			}
		}
		freed := held[3].Member()
		held[3].done(OK)
		if l, err := elect(b, nil); err != nil || l.Member() != freed {
			t.Errorf("%s: the one that is free is not elected: %v", method, err)
		}
	}
}

func TestSettleOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := members(time.Second, 1, 1, 1)
		list[1].Retry = 3 * time.Second
		b := must(t, Config{Name: "o", Method: "leastconn", Members: list})
		for range 2 {
			l, _ := elect(b, &Request{Tried: []*Member{member(b, "C")}})
			l.done(Unreachable)
		}
		for _, step := range []struct {
			wait time.Duration
			want string
		}{{0, "C"}, {time.Second, "AC"}, {2 * time.Second, "ABC"}} {
			time.Sleep(step.wait)
			got := picks(b, 60)
			for _, name := range "ABC" {
				if strings.ContainsRune(got, name) != strings.ContainsRune(step.want, name) {
					t.Errorf("after %v more: got %s, want all of %s", step.wait, got, step.want)
				}
			}
		}
	})
}

// A session that names its member by place is like one that names its route.
func TestHome(t *testing.T) {
	list := parse(t, "A B C")
	list[1].Redirect = "c"
	b := must(t, Config{Name: "o", Method: "leastconn", NoFailover: true, Members: list})
	q := &Request{Home: 2, Route: []byte("a")}
	for _, step := range []struct{ change, want string }{{"", "BB"}, {"B+N", "BB"}, {"B+D", "CC"}, {"C+D", "--"}, {"B-D", "BB"}} {
		if step.change != "" {
			change(t, b, step.change[:1], step.change[1:])
		}
		if got := picksFor(b, q, 2); got != step.want {
			t.Errorf("after %q: got %s, want %s", step.change, got, step.want)
		}
	}
}

// A session does not get past the max of its member, and does not go elsewhere.
func TestMaxHoldsForSessions(t *testing.T) {
	list := parse(t, "A B")
	list[1].Max = 1
	b := must(t, Config{Name: "o", Method: "byrequests", Members: list})
	q := &Request{Route: []byte("b")}
	l, _ := elect(b, q)
	if _, err := elect(b, q); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	l.done(OK)
	if got := picksFor(b, q, 2); got != "BB" {
		t.Errorf("then got %s", got)
	}
}

// Elections at the same moment do not add up to more than max.
func TestMaxHoldsWhenManyElect(t *testing.T) {
	for _, method := range Methods() {
		list := members(time.Hour, 1, 1)
		list[0].Max, list[1].Max = 2, 2
		b := must(t, Config{Name: "o", Method: method, Members: list})
		var wg sync.WaitGroup
		var holding [2]atomic.Int64 // counted here, by the member's index
		begin := make(chan struct{})
		for range 8 {
			wg.Go(func() {
				var l Lease
				<-begin
				for range 5000 {
					if b.Elect(nil, &l) != nil {
						continue
					}
					if n := holding[l.Index()].Add(1); n > 2 {
						t.Errorf("%s: %d exchanges, max 2", method, n)
					}
					holding[l.Index()].Add(-1)
					l.Done(Result{})
				}
			})
		}
		close(begin)
		wg.Wait()
		for _, m := range b.Status().Members {
			if m.Busy != 0 {
				t.Errorf("%s: %+v", method, m)
			}
		}
	}
}
