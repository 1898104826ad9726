package balancer

import (
	"testing"
	"testing/synctest"
	"time"
)

// Who waits for a certain member does not stop who takes any, but who comes later
// goes to the end of the queue.
func TestTheQueueAndWhoIsPicky(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := members(0, 1, 1)
		list[0].Max, list[1].Max, list[0].Route = 1, 1, "a"
		b := must(t, Config{Name: "o", Method: "byrequests", Timeout: time.Minute, Queue: 3, Members: list})
		first, _ := elect(b, nil)
		second, _ := elect(b, nil)
		var leases [2]Lease
		var errs [2]error
		for i, q := range []*Request{{Route: []byte("a")}, {}} {
			go func() { errs[i] = b.Wait(q, &leases[i]) }()
			synctest.Wait()
		}
		second.done(OK)
		synctest.Wait()
		if m := leases[1].Member(); m == nil || m.Name() != "B" {
			t.Fatal("who takes anybody waits behind who does not")
		}
		leases[1].done(OK)
		late, err := elect(b, nil)
		if err != ErrFull {
			t.Errorf("somebody went before who waits: %v", err)
		}
		if err := b.Wait(new(Request), late); err != nil || late.Member().Name() != "B" {
			t.Errorf("B is free: %v", err)
		}
		late.done(OK)
		first.done(OK)
		synctest.Wait()
		leases[0].done(OK)
		if errs[0] != nil || errs[1] != nil {
			t.Error(errs)
		}
	})
}

// How long who waits: a session for its member's acquire, others for the balancer's
// timeout, and without that for the longest acquire.
func TestAcquireIsAWaitForOneMember(t *testing.T) {
	member := func(name string, acquire time.Duration) MemberConfig {
		return MemberConfig{Name: name, LoadFactor: 1, Route: name, Max: 1, Acquire: acquire}
	}
	for _, row := range []struct {
		claim   string
		timeout time.Duration
		q       Request
		want    time.Duration
	}{
		{"anybody, without timeout", 0, Request{}, 2 * time.Second},
		{"anybody, with timeout", time.Second, Request{}, time.Second},
		{"a session by route", time.Second, Request{Route: []byte("a")}, 2 * time.Second},
		{"a session by our cookie", time.Second, Request{Home: 1}, 2 * time.Second},
		{"a session of a member without acquire", time.Second, Request{Route: []byte("b")}, time.Second},
		{"a session of nobody", time.Second, Request{Route: []byte("x")}, time.Second},
	} {
		t.Run(row.claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, err := New(Config{Name: "q", Method: "byrequests", Timeout: row.timeout, Queue: 5, Members: []MemberConfig{member("a", 2*time.Second), member("b", 0)}})
				if err != nil {
					t.Fatal(err)
				}
				var first, second, late Lease
				if b.Elect(nil, &first) != nil || b.Elect(nil, &second) != nil {
					t.Fatal("not elected")
				}
				began := time.Now()
				if err := b.Wait(&row.q, &late); err != ErrFull || time.Since(began) != row.want {
					t.Errorf("%v after %v, want %v", err, time.Since(began), row.want)
				}
				first.Done(Result{})
				second.Done(Result{})
			})
		})
	}
}
