package balancer

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func hedger(t testing.TB, change func(*Config)) *Balancer {
	t.Helper()
	c := Config{Name: "b", Method: "byrequests", Hedge: 95, HedgeBudget: 10, Budget: 20, Members: []MemberConfig{
		{Name: "a", LoadFactor: 1, Retry: time.Second}, {Name: "b", LoadFactor: 1, Retry: time.Second}, {Name: "c", LoadFactor: 1, Retry: time.Second},
	}}
	if change != nil {
		change(&c)
	}
	b, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// answer has a request elected and answered after took.
func answer(t testing.TB, b *Balancer, took time.Duration) {
	t.Helper()
	var l Lease
	if err := b.Elect(nil, &l); err != nil {
		t.Fatal(err)
	}
	l.Done(Result{Took: took})
}

func TestBucketsHoldWhatTheySay(t *testing.T) {
	for i := range buckets {
		if end := upTo(i); bucketOf(end-1) != i || bucketOf(end) != min(i+1, buckets-1) {
			t.Fatalf("bucket %d ends at %v: that is in %d, and a moment before in %d", i, end, bucketOf(end), bucketOf(end-1))
		}
		if i >= eighths && float64(upTo(i)-upTo(i-1)) > float64(upTo(i-1))/eighths*1.001 {
			t.Errorf("bucket %d is %v wide at %v", i, upTo(i)-upTo(i-1), upTo(i-1))
		}
	}
	if bucketOf(-1) != 0 || bucketOf(1<<62) != buckets-1 {
		t.Error("the ends")
	}
}

// The delay is the percentile of what was observed, or up to an eighth more.
func TestHedgeDelayIsThePercentile(t *testing.T) {
	for _, percent := range []int{50, 90, 95, 99} {
		synctest.Test(t, func(t *testing.T) {
			b := hedger(t, func(c *Config) { c.Hedge = percent })
			var all []time.Duration
			r := rand.New(rand.NewPCG(1, 2))
			for range 5000 {
				took := time.Duration(5e6 + r.ExpFloat64()*50e6)
				all = append(all, took)
				answer(t, b, took)
				time.Sleep(time.Millisecond)
			}
			slices.Sort(all)
			time.Sleep(delayAge)
			answer(t, b, all[0])
			want := all[len(all)*percent/100]
			if got := b.HedgeDelay(); got < want*98/100 || got > want*9/8*102/100 {
				t.Errorf("%d%%: %v, want %v", percent, got, want)
			}
		})
	}
}

func TestNothingIsHedgedBeforeEnoughIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hedger(t, nil)
		for i := range 99 {
			time.Sleep(delayAge)
			if answer(t, b, 20*time.Millisecond); b.HedgeDelay() != 0 {
				t.Fatalf("after %d answers: %v", i+1, b.HedgeDelay())
			}
		}
		time.Sleep(delayAge)
		if answer(t, b, 20*time.Millisecond); b.HedgeDelay() < 20*time.Millisecond {
			t.Errorf("after 100 answers: %v", b.HedgeDelay())
		}
		time.Sleep(3 * recent)
		if b.HedgeDelay() != 0 {
			t.Errorf("what was is still believed: %v", b.HedgeDelay())
		}
	})
}

// What answers took is forgotten: members that have become slow, all alike, are
// measured by what they are now.
func TestTheDelayFollowsTheMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hedger(t, nil)
		second := func(took time.Duration) {
			for range 100 {
				answer(t, b, took)
				time.Sleep(10 * time.Millisecond)
			}
		}
		for range 20 {
			second(10 * time.Millisecond)
		}
		if d := b.HedgeDelay(); d < 10*time.Millisecond || d > 12*time.Millisecond {
			t.Fatal(d)
		}
		for range 2 {
			second(time.Second)
		}
		if d := b.HedgeDelay(); d < time.Second || d > 1200*time.Millisecond {
			t.Errorf("2 s after all have become slow: %v", d)
		}
		for range 21 {
			second(5 * time.Millisecond)
		}
		if d := b.HedgeDelay(); d > 6*time.Millisecond {
			t.Errorf("21 s after all have become quick: %v", d)
		}
		second(time.Microsecond)
		if d := b.HedgeDelay(); d < leastDelay {
			t.Errorf("sooner than the timers: %v", d)
		}
	})
}

func TestHedgesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hedger(t, nil)
		hedged, requests := 0, 0
		for range 3000 { // each wants one
			var l, h Lease
			if err := b.Elect(nil, &l); err != nil {
				t.Fatal(err)
			}
			requests++
			if b.Hedge(&Request{Tried: []*Member{l.Member()}}, &h) {
				hedged++
				if h.Member() == l.Member() {
					t.Fatal("the same member")
				}
				h.Done(Result{Outcome: Canceled})
			}
			l.Done(Result{Took: time.Second})
			time.Sleep(10 * time.Millisecond)
		}
		if hedged < requests*9/100 || hedged > requests/10+6*freeHedges { // one is free each budgetTime/2
			t.Errorf("%d of %d, want 10%%", hedged, requests)
		}
		s := b.Status()
		if s.Hedges != uint64(hedged) || s.HedgesRefused != uint64(requests-hedged) || s.HedgesWon != 0 || s.Again != 0 || s.Refused != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhoIsHedgedWith(t *testing.T) {
	first := func(t *testing.T, b *Balancer, l *Lease) {
		if err := b.Elect(nil, l); err != nil || l.Member().Name() != "a" {
			t.Fatal(err, l.Member())
		}
	}
	rows := []struct {
		claim  string
		change func(*Config)
		want   string // "" for nobody
	}{
		{"the next one", nil, "b"},
		{"one that is usable", func(c *Config) { c.Members[1].Status = Disabled }, "c"},
		{"nobody, where there is no other", func(c *Config) { c.Members = c.Members[:1] }, ""},
		{"no standby", func(c *Config) { c.Members[1].Status, c.Members[2].Status = HotStandby, HotStandby }, ""},
		{"no spare that is not needed", func(c *Config) { c.Members[1].Status, c.Members[2].Status = HotSpare, Disabled }, "b"}, // c is missing, so it is needed
		{"nobody of a higher lbset", func(c *Config) { c.Members[1].LBSet, c.Members[2].LBSet = 1, 1 }, ""},
		{"nobody, without hedge", func(c *Config) { c.Hedge = 0 }, ""},
		{"nobody, without a budget", func(c *Config) { c.HedgeBudget = 0 }, ""},
	}
	for _, row := range rows {
		t.Run(row.claim, func(t *testing.T) {
			b := hedger(t, row.change)
			var l, h Lease
			first(t, b, &l)
			defer l.Done(Result{})
			got := ""
			if b.Hedge(&Request{Tried: []*Member{l.Member()}}, &h) {
				got = h.Member().Name()
				h.Done(Result{})
			}
			if got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
			if row.want == "" && b.Status().Hedges != 0 {
				t.Error("one was counted")
			}
		})
	}
	t.Run("nobody with its max", func(t *testing.T) {
		b := hedger(t, func(c *Config) { c.Members[1].Max, c.Members[2].Max = 1, 1 })
		var l, second, third, h Lease
		first(t, b, &l)
		if b.Elect(nil, &second) != nil || b.Elect(nil, &third) != nil {
			t.Fatal("not elected")
		}
		if b.Hedge(&Request{Tried: []*Member{l.Member()}}, &h) {
			t.Error(h.Member().Name())
		}
		second.Done(Result{})
		if !b.Hedge(&Request{Tried: []*Member{l.Member()}}, &h) {
			t.Error("the refusal cost the budget")
		} else {
			h.Done(Result{})
		}
		l.Done(Result{})
		third.Done(Result{})
	})
}

func TestHedgesAreLeasesLikeOthers(t *testing.T) {
	b := hedger(t, nil)
	var l, h, adopted Lease
	if err := b.Elect(nil, &l); err != nil {
		t.Fatal(err)
	}
	if !b.Hedge(&Request{Tried: []*Member{l.Member()}}, &h) {
		t.Fatal("no hedge")
	}
	m := h.Member()
	l.Done(Result{Outcome: Canceled, Took: time.Second})
	adopted.Take(&h)
	adopted.Won()
	if h.Member() != nil || adopted.Member() != m || m.Busy() != 1 {
		t.Error("it was not handed over")
	}
	if !panics(func() { h.Done(Result{}) }) || !panics(func() { adopted.Take(&l) }) {
		t.Error("a lease can be ended twice, or lost")
	}
	adopted.Done(Result{Took: time.Millisecond})
	s := b.Status()
	if s.Hedges != 1 || s.HedgesWon != 1 || s.Members[0].Busy != 0 || s.Members[1].Busy != 0 || s.Members[0].Errors != 0 {
		t.Errorf("%+v", s)
	}
	// The request counts once, and with the member that was asked first.
	b.core.hedging.times.delay.Store(0)
	if n := b.core.hedging.times.counts[b.core.hedging.times.now.Load()][bucketOf(time.Second)].Load(); n != 1 {
		t.Errorf("%d times of a second", n)
	}
	if n := b.core.hedging.times.counts[b.core.hedging.times.now.Load()][bucketOf(time.Millisecond)].Load(); n != 0 {
		t.Errorf("%d times of the hedge", n)
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestHedgesOutliveAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hedger(t, nil)
		for range 200 {
			answer(t, b, 20*time.Millisecond)
			time.Sleep(time.Millisecond)
		}
		var l, h Lease
		b.Elect(nil, &l)
		b.Hedge(&Request{Tried: []*Member{l.Member()}}, &h)
		h.Won()
		after := hedger(t, func(c *Config) { c.HedgeBudget = 5 })
		after.TakeOver(b)
		h.Done(Result{})
		l.Done(Result{})
		if s := after.Status(); s.Hedges != 1 || s.HedgesWon != 1 || s.HedgeDelay < 20*time.Millisecond {
			t.Errorf("%+v", s)
		}
	})
}

func TestHedgingDoesNotAllocate(t *testing.T) {
	b := hedger(t, nil)
	var l, h Lease
	q := &Request{Tried: make([]*Member, 1)}
	if n := testing.AllocsPerRun(1000, func() {
		b.Elect(nil, &l)
		b.HedgeDelay()
		q.Tried[0] = l.Member()
		if b.Hedge(q, &h) {
			h.Done(Result{})
		}
		l.Done(Result{Took: time.Millisecond})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTimesAreObservedByMany(t *testing.T) {
	b := hedger(t, nil)
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 500 {
				var l, h Lease
				if err := b.Elect(nil, &l); err != nil {
					t.Error(err)
					return
				}
				b.HedgeDelay()
				if b.Hedge(&Request{Tried: []*Member{l.Member()}}, &h) {
					h.Done(Result{Outcome: Canceled})
				}
				l.Done(Result{Took: 20 * time.Millisecond})
			}
		})
	}
	running.Wait()
	for _, m := range b.Status().Members {
		if m.Busy != 0 {
			t.Errorf("%s is busy with %d", m.Name, m.Busy)
		}
	}
	if n := b.core.hedging.times.counts[b.core.hedging.times.now.Load()][bucketOf(20*time.Millisecond)].Load(); n != 4000 {
		t.Errorf("%d of 4000 answers", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	var t times
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			t.observe(3*time.Millisecond, 95)
		}
	})
}
