package balancer

import (
	"testing"
	"testing/synctest"
	"time"
)

// answers has each member answer n requests: as result says.
func answers(t fataler, b *Balancer, n int, result func(name string, i int) Result) {
	for _, m := range b.Members() {
		for i := range n {
			l, err := elect(b, &Request{Route: []byte(m.set.route)})
			if err != nil {
				t.Fatal(err)
			}
			l.Done(result(l.Member().Name(), i))
		}
	}
}

func ejected(b *Balancer) (names string) {
	for _, m := range b.Members() {
		if m.Flags()&Ejected != 0 {
			names += m.Name()
		}
	}
	return names
}

func TestOutliers(t *testing.T) {
	failing := func(names string, percent int) func(string, int) Result {
		return func(name string, i int) Result {
			r := Result{Status: 200, Took: 10 * time.Millisecond}
			for _, n := range names {
				if string(n) == name && i%100 < percent {
					r.Status = 503
				}
			}
			return r
		}
	}
	slow := func(name string, took time.Duration) func(string, int) Result {
		return func(n string, _ int) Result {
			if n == name {
				return Result{Took: took}
			}
			return Result{Took: 10 * time.Millisecond}
		}
	}
	const both, errors, dawdle = 3, 1, 2
	for _, tt := range []struct {
		claim string
		look  int
		n     int
		do    func(string, int) Result
		want  string
	}{
		{"all well", both, 100, failing("", 0), ""},
		{"fewer errors than the share", errors, 100, failing("B", 49), ""},
		{"as many errors as the share", errors, 100, failing("B", 50), "B"},
		{"too few answers to tell", errors, 9, failing("B", 100), ""},
		{"errors that nobody looks at", dawdle, 100, failing("B", 100), ""},
		{"half of them are kept", errors, 100, failing("ABCD", 100), "AB"},
		{"slow, but not that slow", dawdle, 100, slow("C", 29*time.Millisecond), ""},
		{"slower than thrice the median", dawdle, 100, slow("C", 31*time.Millisecond), "C"},
		{"slowness that nobody looks at", errors, 100, slow("C", time.Second), ""},
	} {
		t.Run(tt.claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := Outliers{50, 3, 10 * time.Second, 30 * time.Second, 50}
				if tt.look&errors == 0 {
					o.Errors = 0
				}
				if tt.look&dawdle == 0 {
					o.Latency = 0
				}
				b := must(t, Config{Name: "o", Method: "byrequests", Outliers: o, Members: parse(t, "A B C D")})
				b.Watch(new(pulse).probe)
				defer b.Unwatch()
				answers(t, b, tt.n, tt.do)
				time.Sleep(10*time.Second + 1)
				synctest.Wait()
				if got := ejected(b); got != tt.want {
					t.Errorf("ejected %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// An ejection ends by itself, the next one in a row lasts longer, and after a good
// interval it begins anew.
func TestEjectionsInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := must(t, Config{Name: "o", Method: "byrequests", Outliers: Outliers{50, 0, 10 * time.Second, 30 * time.Second, 0}, Members: parse(t, "A B C")})
		b.Watch(new(pulse).probe)
		defer b.Unwatch()
		bad := func(name string, _ int) Result {
			if name == "A" {
				return Result{Outcome: Failed}
			}
			return Result{}
		}
		lasts := func() (d time.Duration) {
			answers(t, b, 20, bad)
			for ejected(b) == "" {
				time.Sleep(time.Second)
			}
			began := time.Now()
			for ejected(b) != "" {
				time.Sleep(time.Second)
				picks(b, 1)
			}
			return time.Since(began).Round(10 * time.Second)
		}
		for _, want := range []time.Duration{30 * time.Second, 60 * time.Second, 90 * time.Second} {
			if got := lasts(); got != want {
				t.Errorf("%v without requests, want %v", got, want)
			}
		}
		time.Sleep(time.Minute)
		if got := lasts(); got != 30*time.Second {
			t.Errorf("%v without requests after a good minute, want 30s", got)
		}
	})
}

// When all members fail, as many as Keep says are not ejected, at least one, at once
// or one after the other.
func TestOutliersKeep(t *testing.T) {
	for _, tt := range []struct {
		members string
		keep    int
		want    string
	}{
		{"A B C D", 50, "AB"},
		{"A B C D", 0, "ABC"},
		{"A B C", 50, "A"},
		{"A B C", 34, "A"},
		{"A B C", 33, "AB"},
		{"A B", 100, ""},
		{"A", 0, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := must(t, Config{Name: "o", Method: "byrequests", Outliers: Outliers{50, 0, 10 * time.Second, time.Hour, tt.keep}, Members: parse(t, tt.members)})
			b.Watch(new(pulse).probe)
			defer b.Unwatch()
			for interval := range 3 {
				answers(t, b, 20, func(string, int) Result { return Result{Outcome: Failed} })
				time.Sleep(10*time.Second + 1)
				synctest.Wait()
				if got := ejected(b); got != tt.want {
					t.Errorf("%s, keep %d%%: ejected %q after %d intervals, want %q", tt.members, tt.keep, got, interval+1, tt.want)
				}
			}
		})
	}
}
