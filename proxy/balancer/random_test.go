package balancer

import (
	"testing"
	"testing/synctest"
	"time"
)

// Of members with nothing to do random2 elects the one that it drew first: by
// loadfactor.
func TestRandom2DrawsByLoadfactor(t *testing.T) {
	b := must(t, Config{Name: "o", Method: "random2", Members: members(0, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1)})
	n := 0
	for range 10000 {
		l, _ := elect(b, nil)
		if l.Index() == 0 {
			n++
		}
		l.done(OK)
	}
	if n < 4700 || n > 5300 {
		t.Errorf("the member with half of all loadfactors was elected %d times of 10000", n)
	}
}

// Of two members as quick as each other ewma elects the one with less to do, and one
// that was slow has another chance after a while.
func TestEwmaLooksAtWhatRunsAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := must(t, Config{Name: "o", Method: "ewma", Members: parse(t, "A B")})
		answer := func(name string, took time.Duration) {
			l, _ := elect(b, &Request{Route: []byte(name)})
			l.Done(Result{Took: took})
		}
		answer("a", 10*time.Millisecond)
		answer("b", 10*time.Millisecond)
		held, _ := elect(b, &Request{Route: []byte("a")})
		if got := picks(b, 20); got != "BBBBBBBBBBBBBBBBBBBB" {
			t.Errorf("got %s, while A has something to do", got)
		}
		held.done(OK)
		answer("b", time.Second)
		if got := picks(b, 20); got != "AAAAAAAAAAAAAAAAAAAA" {
			t.Errorf("got %s, while B is slow", got)
		}
		time.Sleep(time.Hour)
		answer("a", 10*time.Millisecond)
		if got := picks(b, 1); got != "B" {
			t.Errorf("got %s, an hour after B was slow", got)
		}
	})
}
