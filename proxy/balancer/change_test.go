package balancer

import (
	"strings"
	"testing"
	"time"
)

func TestParseFlags(t *testing.T) {
	for _, tt := range []struct{ text, set, clear string }{
		{"", "", ""}, {"D", "D", ""}, {"+D-E", "D", "E"}, {"hr", "RH", ""}, {"+D-D", "", "D"}, {"-SN+I", "I", "SN"}, {"+C-O", "C", "O"},
	} {
		set, clear, err := ParseFlags(tt.text)
		if err != nil || set.String() != tt.set || clear.String() != tt.clear {
			t.Errorf("%q: %q, %q, %v", tt.text, set, clear, err)
		}
	}
	if _, _, err := ParseFlags("+X"); err == nil || !strings.Contains(err.Error(), `'X' is none of DSRHNIECO`) {
		t.Errorf("+X: %v", err)
	}
}

func ptr[T any](v T) *T { return &v }

func TestChangesAreObeyedAndShown(t *testing.T) {
	b := must(t, Config{Name: "o", Method: "byrequests", Members: parse(t, "A B C")})
	for _, step := range []struct {
		claim  string
		member string
		change MemberChange
		want   string
	}{
		{"a loadfactor", "B", MemberChange{LoadFactor: ptr(2.0)}, "BACBBACB"},
		{"an lbset", "A", MemberChange{LBSet: ptr(1)}, "BCBBCB"},
		{"a status", "B", MemberChange{Set: Disabled}, "CCC"},
		{"an error", "C", MemberChange{Set: InError}, "AAA"},
		{"that is over", "C", MemberChange{Clear: InError}, "CCC"},
		{"a max", "C", MemberChange{Max: ptr(1)}, "CCC"},
	} {
		if err := b.ChangeMember(step.member, step.change); err != nil {
			t.Fatal(err)
		}
		if got := picks(b, len(step.want)); got != step.want {
			t.Errorf("%s: got %s, want %s", step.claim, got, step.want)
		}
	}
	s := b.Status()
	m := s.Members[1]
	if !m.Changed || m.LoadFactor != 2 || m.LBFactor != 200 || m.Flags != Disabled || m.Candidate {
		t.Errorf("B: %+v", m)
	}
	if m := s.Members[2]; !m.Changed || m.Max != 1 || !m.Candidate || m.Retries != 0 {
		t.Errorf("C: %+v", m)
	}
}

func TestChangesThatAreRefusedChangeNothing(t *testing.T) {
	b := must(t, Config{Name: "o", Method: "byrequests", Members: parse(t, "A B")})
	for want, change := range map[string]MemberChange{
		"loadfactor 0 is not between":        {LoadFactor: ptr(0.0), Set: Disabled},
		"lbset -1 is not between":            {LBSet: ptr(-1), Set: Disabled},
		`route "b" is that of "B"`:           {Route: ptr("b"), Set: Disabled},
		"status RH is hot spare and":         {Set: HotSpare | HotStandby},
		"redirect \"a\" is the member's own": {Redirect: ptr("a"), Set: Disabled},
	} {
		if err := b.ChangeMember("A", change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := b.ChangeMember("X", MemberChange{}); err == nil || !strings.Contains(err.Error(), `no member "X"`) {
		t.Errorf("a member that is none: %v", err)
	}
	if err := b.ChangeMethod("x"); err == nil {
		t.Error("an unknown lbmethod was taken")
	}
	if m := b.Status().Members[0]; m.Changed || m.Flags != 0 {
		t.Errorf("A: %+v", m)
	}
}

func TestChangeMethodBeginsAnew(t *testing.T) {
	b := must(t, Config{Name: "o", Method: "byrequests", Members: parse(t, "A2 B")})
	picks(b, 1)
	if err := b.ChangeMethod("bybusyness"); err != nil {
		t.Fatal(err)
	}
	for _, m := range b.Status().Members {
		if m.LBStatus != 0 {
			t.Errorf("lbstatus %d of %s", m.LBStatus, m.Name)
		}
	}
	if s := b.Status(); s.Method != "bybusyness" || !s.Changed {
		t.Errorf("method %s, changed %v", s.Method, s.Changed)
	}
}

// successor is what a reload does.
func successor(t *testing.T, earlier *Balancer, method, list string) *Balancer {
	b := must(t, Config{Name: "o", Method: method, Members: parse(t, list)})
	b.TakeOver(earlier)
	return b
}

func TestTakeOverKeepsWhatStays(t *testing.T) {
	b := must(t, Config{Name: "o", Method: "byrequests", Members: parse(t, "A B C")})
	picks(b, 4) // A is one ahead
	late, _ := elect(b, nil)
	if late.Member().Name() != "B" {
		t.Fatal(late.Member().Name())
	}
	next := successor(t, b, "byrequests", "C D A B")
	if got := picks(next, 1); got != "C" {
		t.Errorf("got %s, want C, which was next", got)
	}
	late.Done(Result{Outcome: Failed, To: 1, From: 2})
	m := next.Status().Members[3]
	if m.Elected != 2 || m.Busy != 0 || m.Errors != 1 || m.To != 1 || m.From != 2 {
		t.Errorf("an exchange that ended later: %+v", m)
	}
	l, _ := elect(next, &Request{Route: []byte("a")})
	l.done(Unreachable)
	if _, err := elect(b, &Request{Tried: []*Member{member(b, "B"), member(b, "C")}}); err == nil {
		t.Error("the earlier balancer does not know that A is in error")
	}
}

// A change at run time stays, unless the Site says something new in that very
// thing.
func TestTakeOverKeepsChanges(t *testing.T) {
	b := must(t, Config{Name: "o", Method: "byrequests", Members: parse(t, "A B")})
	change(t, b, "A", "+DN")
	change(t, b, "B", "+E")
	if err := b.ChangeMember("B", MemberChange{LoadFactor: ptr(5.0), LBSet: ptr(3), Max: ptr(7)}); err != nil {
		t.Fatal(err)
	}
	if err := b.ChangeMethod("bytraffic"); err != nil {
		t.Fatal(err)
	}
	next := successor(t, b, "byrequests", "A+D B2")
	s := next.Status()
	if s.Method != "bytraffic" || !s.Changed {
		t.Errorf("method %s, changed %v", s.Method, s.Changed)
	}
	if a := s.Members[0]; a.Flags != Disabled|Draining {
		t.Errorf("A: %+v", a)
	}
	if m := s.Members[1]; m.LoadFactor != 2 || m.LBSet != 3 || m.Max != 7 || m.Flags != InError || time.Until(m.ErrorEnd) <= 0 {
		t.Errorf("B: %+v", m)
	}
	s = successor(t, next, "leastconn", "A B").Status()
	if s.Method != "leastconn" || s.Changed || s.Members[0].Flags != Draining || s.Members[1].LoadFactor != 1 {
		t.Errorf("%+v", s)
	}
}

// The sequence of byrequests goes on over a reload where it was.
func TestTakeOverKeepsLbstatus(t *testing.T) {
	b := must(t, Config{Name: "o", Method: "byrequests", Members: parse(t, "A B C2")})
	want := picks(b, 12)
	for n := range 4 {
		b := must(t, Config{Name: "o", Method: "byrequests", Members: parse(t, "A B C2")})
		got := picks(b, n)
		if got += picks(successor(t, b, "byrequests", "A B C2"), 12-n); got != want {
			t.Errorf("taken over after %d: got %s, want %s", n, got, want)
		}
	}
}
