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
