package balancer

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// notes keeps what a balancer tells.
type notes struct {
	mu   sync.Mutex
	list []string
}

func (n *notes) tell(e Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, fmt.Sprintf("%s %s>%s %s", e.Member, e.Was, e.Is, e.By))
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.list, ", ")
}

// Each going and coming is told once, however many requests and probes find out.
func TestEventsAreToldOnce(t *testing.T) {
	for _, tt := range []struct {
		claim  string
		config Config
		play   func(t *testing.T, b *Balancer, p *pulse)
		want   string
	}{
		{"a restart", Config{Probe: time.Second}, func(t *testing.T, b *Balancer, p *pulse) {
			p.set(errDown)
			first, _ := elect(b, nil)
			elect(b, nil)
			late, _ := elect(b, nil)
			first.done(Unreachable)
			late.done(Unreachable)
			time.Sleep(30 * time.Second)
			p.set(nil)
			time.Sleep(10 * time.Second)
		}, "A >E failure, A E> probe"},
		{"nobody probes", Config{}, func(t *testing.T, b *Balancer, _ *pulse) {
			bad(t, b, Unreachable)
			time.Sleep(2 * time.Minute)
			picks(b, 4)
		}, "A >E failure, A E> time"},
		{"checks that fail", Config{Check: Checks{Interval: time.Second, Passes: 2, Fails: 2}}, func(t *testing.T, b *Balancer, p *pulse) {
			p.set(errDown)
			time.Sleep(10 * time.Second)
			p.set(nil)
			time.Sleep(10 * time.Second)
		}, "A >C check, A C> check, B >C check, B C> check"},
		{"an outlier", Config{Outliers: Outliers{Errors: 50, Interval: time.Second, Time: 5 * time.Second, Keep: 50}}, func(t *testing.T, b *Balancer, _ *pulse) {
			answers(t, b, 20, func(name string, _ int) Result { return Result{Status: map[string]int{"A": 503, "B": 200}[name]} })
			time.Sleep(20 * time.Second)
			picks(b, 1)
		}, "A >O outlier, A O> time"},
		{"people", Config{}, func(t *testing.T, b *Balancer, _ *pulse) {
			change(t, b, "A", "+D")
			change(t, b, "A", "-D")
		}, ""},
	} {
		t.Run(tt.claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := tt.config
				c.Name, c.Method, c.Members = "o", "byrequests", members(time.Minute, 1, 1)
				for i := range c.Members {
					c.Members[i].Route = c.Members[i].Name
				}
				b, p, n := must(t, c), new(pulse), new(notes)
				b.Tell(n.tell)
				b.Watch(p.probe)
				tt.play(t, b, p)
				synctest.Wait()
				got := strings.Split(n.String(), ", ")
				if tt.config.Check.Interval > 0 {
					slices.Sort(got) // which of the two is checked first is chance
				}
				if s := strings.Join(got, ", "); s != tt.want {
					t.Errorf("told %q, want %q", s, tt.want)
				}
				b.Unwatch()
			})
		})
	}
}

// RetryAfter is when the first member that comes back by itself does.
func TestRetryAfterIsTheSoonestReturn(t *testing.T) {
	for _, tt := range []struct {
		claim  string
		config Config
		play   func(t *testing.T, b *Balancer)
		want   time.Duration
	}{
		{"retry", Config{}, func(t *testing.T, b *Balancer) {
			bad(t, b, Unreachable)
			time.Sleep(10 * time.Second)
			l, _ := elect(b, nil)
			l.done(Unreachable)
			time.Sleep(time.Second)
		}, 49 * time.Second},
		{"a probe before that", Config{Probe: 2 * time.Second}, func(t *testing.T, b *Balancer) {
			bad(t, b, Unreachable)
		}, 2 * time.Second},
		{"a member in error and out of service", Config{}, func(t *testing.T, b *Balancer) {
			bad(t, b, Unreachable)
			time.Sleep(10 * time.Second)
			l, _ := elect(b, nil)
			l.done(Unreachable)
			change(t, b, "A", "+D")
		}, time.Minute},
		{"none comes back by itself", Config{}, func(t *testing.T, b *Balancer) {
			change(t, b, "A", "+D")
			change(t, b, "B", "+S")
		}, 0},
	} {
		t.Run(tt.claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := tt.config
				c.Name, c.Method, c.Members = "o", "byrequests", members(time.Minute, 1, 1)
				b := must(t, c)
				tt.play(t, b)
				if got := b.RetryAfter(ErrNoMember); got != tt.want {
					t.Errorf("%v, want %v", got, tt.want)
				}
			})
		})
	}
	b := must(t, Config{Name: "o", Method: "byrequests", Timeout: 8 * time.Second, Queue: 4, Members: members(0, 1)})
	if got := b.RetryAfter(ErrFull); got <= 0 || got > time.Second {
		t.Errorf("with an empty queue %v, want a second at most", got)
	}
	b.core.queue.long.Store(3)
	if got := b.RetryAfter(ErrFull); got != 6*time.Second {
		t.Errorf("three of four wait, none for longer than 8s: %v, want 6s", got)
	}
}
