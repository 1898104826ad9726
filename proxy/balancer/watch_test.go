package balancer

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// pulse is a Probe whose answers a test decides.
type pulse struct {
	mu    sync.Mutex
	err   error
	asked []time.Time
	whole bool
}

func (p *pulse) probe(_ context.Context, _ int, whole bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, time.Now())
	p.whole = whole
	return p.err
}

func (p *pulse) set(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *pulse) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

var errDown = errors.New("down")

// bad makes the first member fail.
func bad(t *testing.T, b *Balancer, o Outcome) {
	l, err := elect(b, nil)
	if err != nil || l.Member().Name() != "A" {
		t.Fatal(err)
	}
	l.done(o)
}

func TestAProbeBringsAMemberBackBeforeRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := must(t, Config{Name: "o", Method: "byrequests", Probe: time.Second, Members: members(time.Minute, 1, 1)})
		p := &pulse{err: errDown}
		b.Watch(p.probe)
		defer b.Unwatch()
		time.Sleep(10 * time.Second)
		if p.count() != 0 {
			t.Error("a member that is well was probed")
		}
		bad(t, b, Unreachable)
		time.Sleep(3*time.Second + time.Millisecond)
		if n := p.count(); n != 3 {
			t.Errorf("%d probes in 3s", n)
		}
		p.set(nil)
		time.Sleep(time.Second)
		if got := picks(b, 2); !strings.Contains(got, "A") {
			t.Errorf("got %s a second after the member was back", got)
		}
		n := p.count()
		time.Sleep(time.Minute)
		if p.count() != n {
			t.Error("probed after it was back")
		}
		if s := b.Status().Members[0]; s.Retries != 1 || s.Check.Err != nil || s.Check.At.IsZero() {
			t.Errorf("%+v", s)
		}
	})
}

// A killed container's address does not even refuse: each probe ends with its timeout.
// The next one follows at once, so that whenever the member answers again it is back
// one timeout later at most, not one and the time between probes.
func TestProbesThatTimeOutFollowEachOther(t *testing.T) {
	const timeout = time.Second
	for after := time.Duration(0); after < 2*timeout; after += timeout / 5 {
		synctest.Test(t, func(t *testing.T) {
			b := must(t, Config{Name: "o", Method: "byrequests", Probe: time.Second, Members: members(time.Minute, 1, 1)})
			well := time.Now().Add(5*time.Second + after)
			b.Watch(func(ctx context.Context, _ int, _ bool) error {
				if time.Now().Before(well) { // what was sent then is lost
					time.Sleep(timeout)
					return errDown
				}
				return nil
			})
			defer b.Unwatch()
			bad(t, b, Unreachable)
			time.Sleep(time.Until(well.Add(timeout + time.Millisecond)))
			if got := picks(b, 2); !strings.Contains(got, "A") {
				t.Errorf("%v after a probe: got %s a timeout after the member was back", after, got)
			}
		})
	}
}

// As long as probes fail no client is sent there, for however short a retry; where
// the probe itself has no means, retry decides.
func TestAFailingProbeKeepsAMemberInError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := must(t, Config{Name: "o", Method: "byrequests", Probe: time.Second, Members: members(2*time.Second, 1, 1)})
		p := &pulse{err: errDown}
		b.Watch(p.probe)
		defer b.Unwatch()
		bad(t, b, Unreachable)
		for range 60 {
			time.Sleep(time.Second)
			if got := picks(b, 2); got != "BB" {
				t.Fatalf("got %s", got)
			}
		}
		p.set(ErrNoVerdict)
		time.Sleep(5 * time.Second)
		if got := picks(b, 2); !strings.Contains(got, "A") {
			t.Errorf("got %s, without a verdict for longer than retry", got)
		}
	})
}

// A connection says nothing of a member that answers 503.
func TestAProbeDoesNotEndAnErrorByStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := must(t, Config{Name: "o", Method: "byrequests", Probe: time.Second, FailOnStatus: []int{503}, Members: members(5*time.Second, 1, 1)})
		p := new(pulse)
		b.Watch(p.probe)
		defer b.Unwatch()
		l, _ := elect(b, nil)
		l.Done(Result{Status: 503})
		time.Sleep(5*time.Second - 1)
		if got := picks(b, 2); got != "BB" || p.count() != 0 {
			t.Errorf("got %s after %d probes", got, p.count())
		}
		time.Sleep(1)
		if got := picks(b, 2); !strings.Contains(got, "A") {
			t.Errorf("got %s after retry", got)
		}
	})
}

func TestFailOnTimeout(t *testing.T) {
	for _, on := range []bool{false, true} {
		b := must(t, Config{Name: "o", Method: "byrequests", FailOnTimeout: on, Members: members(time.Minute, 1, 1)})
		bad(t, b, Silent)
		if inError(b.Members()[0]) != on {
			t.Errorf("failontimeout %v: in error %v", on, !on)
		}
	}
}

func TestHealthChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := must(t, Config{Name: "o", Method: "byrequests", Check: Checks{10 * time.Second, 2, 3}, Members: members(time.Minute, 1)})
		p := new(pulse)
		b.Watch(p.probe)
		defer b.Unwatch()
		until := func(checks int) {
			for p.count() < checks {
				time.Sleep(100 * time.Millisecond)
			}
			synctest.Wait()
		}
		until(5)
		p.set(errDown)
		for i, want := range []string{"A", "A", "-"} {
			until(6 + i)
			if got := picks(b, 1); got != want {
				t.Errorf("after %d failures: got %s, want %s", i+1, got, want)
			}
		}
		p.set(nil)
		for i, want := range []string{"-", "A"} {
			until(9 + i)
			if got := picks(b, 1); got != want {
				t.Errorf("after %d passes: got %s, want %s", i+1, got, want)
			}
		}
		for i := 1; i < len(p.asked); i++ {
			if gap := p.asked[i].Sub(p.asked[i-1]); gap < 9*time.Second || gap > 11*time.Second {
				t.Errorf("%v between checks", gap)
			}
		}
		if !p.whole {
			t.Error("only a connection was asked for")
		}
	})
}

// The share of a member that is back grows from a tenth, and is whole at the end.
func TestSlowStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := must(t, Config{Name: "o", Method: "byrequests", SlowStart: 100 * time.Second, Members: members(time.Second, 1, 1)})
		bad(t, b, Unreachable)
		time.Sleep(time.Second)
		last := 0
		for i, want := range []int{10, 20, 40, 60, 80, 100, 100} { // of 110 to 200
			got := strings.Count(picks(b, 100+want), "A")
			if got < want-2 || got > want+2 || got < last {
				t.Errorf("after %ds: %d of %d", 20*i, got, 100+want)
			}
			last = got
			time.Sleep(20 * time.Second)
		}
	})
}

func TestWaitingIsFairAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := members(time.Minute, 1)
		list[0].Max = 1
		b := must(t, Config{Name: "o", Method: "byrequests", Timeout: 10 * time.Second, Queue: 3, Members: list})
		held, _ := elect(b, nil)
		var mu sync.Mutex
		var order []int
		for i := range 4 {
			go func() {
				var l Lease
				q := new(Request)
				if err := b.Elect(q, &l); err != ErrFull {
					t.Errorf("%d: %v", i, err)
				}
				err := b.Wait(q, &l)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					order = append(order, -i)
					return
				}
				order = append(order, i)
				time.AfterFunc(time.Second, func() { l.done(OK) })
			}()
			synctest.Wait()
		}
		if n := b.Status().Waiting; n != 3 {
			t.Errorf("%d wait, want 3", n)
		}
		time.Sleep(5 * time.Second)
		held.done(OK)
		if _, err := elect(b, nil); err != ErrFull {
			t.Errorf("somebody went before those who wait: %v", err)
		}
		time.Sleep(10 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if len(order) != 4 || order[0] != -3 || order[1] != 0 || order[2] != 1 || order[3] != 2 {
			t.Errorf("order %v, want the fourth refused, then 0 1 2", order)
		}
	})
}

func TestWaitingEnds(t *testing.T) {
	wait := func(t *testing.T, b *Balancer) chan error {
		over := make(chan error, 1)
		go func() {
			var l Lease
			err := b.Wait(new(Request), &l)
			if err == nil {
				l.done(OK)
			}
			over <- err
		}()
		synctest.Wait()
		return over
	}
	for _, tt := range []struct {
		claim string
		do    func(b *Balancer, held *Lease)
		want  error
	}{
		{"by time", func(*Balancer, *Lease) { time.Sleep(time.Second) }, ErrFull},
		{"when a max is raised", func(b *Balancer, _ *Lease) { b.ChangeMember("A", MemberChange{Max: ptr(2)}) }, nil},
		{"when there is nobody to wait for", func(_ *Balancer, held *Lease) { held.done(Unreachable) }, ErrNoMember},
		{"with the proxy", func(b *Balancer, _ *Lease) { b.Abort() }, ErrNoMember},
	} {
		t.Run(tt.claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				list := members(time.Minute, 1)
				list[0].Max = 1
				b := must(t, Config{Name: "o", Method: "byrequests", Timeout: time.Second, Queue: 3, Members: list})
				held, _ := elect(b, nil)
				over := wait(t, b)
				tt.do(b, held)
				if err := <-over; err != tt.want {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if n := b.Status().Waiting; n != 0 {
					t.Errorf("%d wait still", n)
				}
			})
		})
	}
}

// Whatever the load, the maxes and the failures: no member has more than its max,
// nobody waits while a member is free, and nothing is left behind.
func TestNobodyWaitsWhileAMemberIsFree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		method := rapid.SampledFrom(Methods()).Draw(rt, "lbmethod")
		maxes := rapid.SliceOfN(rapid.IntRange(1, 3), 1, 4).Draw(rt, "maxes")
		times := rapid.SliceOfN(rapid.IntRange(1, 50), 1, 60).Draw(rt, "times in ms")
		fault := ""
		synctest.Test(t, func(t *testing.T) {
			list := members(time.Minute, make([]float64, len(maxes))...)
			free := 0
			for i := range list {
				list[i].LoadFactor, list[i].Max = 1, maxes[i]
				free += maxes[i]
			}
			b := must(t, Config{Name: "o", Method: method, Timeout: time.Hour, Queue: 100, Members: list})
			for _, ms := range times {
				go func() {
					var l Lease
					q := new(Request)
					err := b.Elect(q, &l)
					if err == ErrFull {
						err = b.Wait(q, &l)
					}
					if err != nil {
						panic(err)
					}
					time.Sleep(time.Duration(ms) * time.Millisecond)
					l.done(OK)
				}()
				synctest.Wait()
			}
			for len(fault) == 0 {
				s := b.Status()
				busy := 0
				for i, m := range s.Members {
					busy += int(m.Busy)
					if m.Busy > int64(maxes[i]) {
						fault = "more than max"
					}
				}
				if s.Waiting > 0 && busy < free {
					fault = "somebody waits while a member is free"
				}
				if s.Waiting == 0 && busy == 0 {
					break
				}
				time.Sleep(time.Millisecond)
				synctest.Wait()
			}
			time.Sleep(time.Minute)
		})
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// Requests that fail at each member, one by one and in a storm: further attempts
// stay within the share, and a few are free.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := must(t, Config{Name: "o", Method: "byrequests", Budget: 20, Members: members(0, 1, 1, 1)})
		attempts := func(requests int) (again int) {
			for range requests {
				var l Lease
				for range 3 {
					if b.Elect(nil, &l) != nil {
						t.Fatal("no member")
					}
					l.done(Failed)
					if !b.MayRetry() {
						break
					}
					again++
				}
				time.Sleep(time.Millisecond)
			}
			return again
		}
		if n := attempts(10); n < 20 || n > 22 {
			t.Errorf("%d further attempts of 10 requests, want 20, which are free, and 20%%", n)
		}
		if n := attempts(10000); n < 1900 || n > 2000+2*freeAttempts {
			t.Errorf("%d further attempts of 10000 requests in 10s, want up to 20%%", n)
		}
		time.Sleep(time.Hour)
		if n := attempts(10); n < 20 || n > 23 {
			t.Errorf("%d further attempts of 10 requests an hour later", n)
		}
		s := b.Status()
		if s.Again == 0 || s.Refused == 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A member with checks of its own obeys these, and the others those of the balancer.
func TestChecksOfAMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Config{Name: "o", Method: "byrequests", Members: members(0, 1, 1)}
		c.Members[1].Check = Checks{Interval: time.Second, Passes: 1, Fails: 3}
		b, p := must(t, c), &pulse{err: errDown}
		b.Watch(p.probe)
		defer b.Unwatch()
		time.Sleep(1799 * time.Millisecond) // two intervals less their jitter
		if f := b.Members()[1].Flags(); f != 0 {
			t.Errorf("%s before a third check can have been", f)
		}
		time.Sleep(3 * time.Second)
		if a, b := b.Members()[0].Flags(), b.Members()[1].Flags(); a != 0 || b != HealthFailed {
			t.Errorf("%q and %q, want none and C", a, b)
		}
	})
}
