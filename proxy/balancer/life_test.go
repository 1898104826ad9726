package balancer

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// A deed is something that befalls a balancer; who and how choose among what there is.
type deed struct {
	kind     string
	who, how int
}

var deeds = []string{"elect", "elect", "elect", "elect again", "done", "done", "wait", "status", "weigh", "method"}

const lifeRetry = 5 * time.Second

// life is a balancer, and a model of it that knows who may be elected and what was
// counted, but of no lbmethod.
type life struct {
	b      *Balancer
	list   []MemberConfig
	model  []lived
	leases []*Lease // that run
}

type lived struct {
	errorEnd                  time.Time
	busy, elected, errors, to int64
}

// Members of all kinds, weighed, drained, disabled, failing and full in any order,
// by lbmethods that change: whoever is elected may be, somebody is where anybody
// may, the error is the right one, max holds, and each count is what happened.
func TestLifeOfABalancer(t *testing.T) {
	drawMember := rapid.Custom(func(t *rapid.T) MemberConfig {
		return MemberConfig{
			LoadFactor: float64(rapid.IntRange(1, 5).Draw(t, "loadfactor")),
			LBSet:      rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "lbset"),
			Status:     rapid.SampledFrom([]Flags{0, 0, 0, HotSpare, HotStandby, IgnoreErrors}).Draw(t, "status"),
			Max:        rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "max"),
			Retry:      lifeRetry,
		}
	})
	drawDeed := rapid.Custom(func(t *rapid.T) deed {
		return deed{rapid.SampledFrom(deeds).Draw(t, "deed"), rapid.IntRange(0, 999).Draw(t, "who"), rapid.IntRange(0, 999).Draw(t, "how")}
	})
	rapid.Check(t, func(rt *rapid.T) {
		list := rapid.SliceOfN(drawMember, 1, 12).Draw(rt, "members")
		for i := range list {
			list[i].Name = string(rune('A' + i))
		}
		c := Config{Name: "o", Method: rapid.SampledFrom(Methods()).Draw(rt, "lbmethod"), Members: slices.Clone(list)}
		c.HashBound = rapid.SampledFrom([]float64{0, 1.01, 1.25}).Draw(rt, "bound")
		todo := rapid.SliceOfN(drawDeed, 1, 80).Draw(rt, "deeds")
		var fault error
		synctest.Test(t, func(t *testing.T) {
			l := &life{b: must(t, c), list: list, model: make([]lived, len(list))}
			for i, d := range todo {
				if fault = l.do(d); fault != nil {
					fault = fmt.Errorf("deed %d, %v: %w", i, d, fault)
					return
				}
			}
			fault = l.end()
		})
		if fault != nil {
			rt.Fatal(fault)
		}
	})
}

func (l *life) do(d deed) error {
	i := d.who % len(l.list)
	m := &l.list[i]
	switch d.kind {
	case "elect":
		return l.elect(nil)
	case "elect again":
		var tried []int
		for j := range l.list {
			if d.how>>j&1 != 0 {
				tried = append(tried, j)
			}
		}
		return l.elect(tried)
	case "done":
		if len(l.leases) > 0 {
			l.done(d.who%len(l.leases), []Outcome{OK, OK, Unreachable, Failed, Silent, Canceled}[d.how%6])
		}
	case "wait":
		time.Sleep([]time.Duration{1, time.Second, lifeRetry - 1, lifeRetry}[d.how%4])
	case "status":
		flag := []Flags{Disabled, Draining, Stopped}[d.how%3]
		m.Status ^= flag
		return l.b.ChangeMember(m.Name, MemberChange{Set: m.Status & flag, Clear: flag &^ m.Status})
	case "weigh":
		m.LoadFactor, m.Max = float64(1+d.how%100), d.how%4
		return l.b.ChangeMember(m.Name, MemberChange{LoadFactor: &m.LoadFactor, Max: &m.Max})
	case "method":
		return l.b.ChangeMethod(Methods()[d.how%len(Methods())])
	}
	return nil
}

// elect elects, for a request that has tried some members, as the model allows.
func (l *life) elect(tried []int) error {
	q := new(Request)
	for _, i := range tried {
		q.Tried = append(q.Tried, l.b.Members()[i])
	}
	allowed := slices.DeleteFunc(l.candidates(nil), func(i int) bool { return slices.Contains(tried, i) })
	if len(allowed) == 0 {
		allowed = l.candidates(tried)
	}
	var want error
	if len(allowed) == 0 {
		want = ErrNoMember
	}
	allowed = slices.DeleteFunc(allowed, func(i int) bool { return l.list[i].Max > 0 && l.model[i].busy >= int64(l.list[i].Max) })
	if len(allowed) == 0 && want == nil {
		want = ErrFull
	}
	lease, err := elect(l.b, q)
	if !errors.Is(err, want) {
		return fmt.Errorf("got %v, want %v", err, want)
	}
	if err != nil {
		return nil
	}
	i := lease.Index()
	if !slices.Contains(allowed, i) {
		return fmt.Errorf("elected %d, only %v may be", i, allowed)
	}
	l.model[i].busy++
	l.model[i].elected++
	l.leases = append(l.leases, lease)
	return nil
}

// candidates are who may get a request without a session, if without are unusable.
func (l *life) candidates(without []int) []int {
	for lbset := range 2 {
		ready := make(map[Flags][]int)
		missing := 0
		for i, m := range l.list {
			kind := m.Status & (HotSpare | HotStandby)
			switch {
			case m.LBSet != lbset:
			case m.Status&(Disabled|Stopped|Draining) == 0 && !l.inError(i) && !slices.Contains(without, i):
				ready[kind] = append(ready[kind], i)
			case kind == 0:
				missing++
			}
		}
		list := append(ready[0], ready[HotSpare][:min(missing, len(ready[HotSpare]))]...)
		if len(list) == 0 {
			list = ready[HotStandby]
		}
		if len(list) > 0 {
			return list
		}
	}
	return nil
}

// inError forgets an error state that is over, unless the member is stopped.
func (l *life) inError(i int) bool {
	m := &l.model[i]
	if l.list[i].Status&Stopped == 0 && !time.Now().Before(m.errorEnd) {
		m.errorEnd = time.Time{}
	}
	return !m.errorEnd.IsZero()
}

func (l *life) done(which int, o Outcome) {
	lease := l.leases[which]
	l.leases = slices.Delete(l.leases, which, which+1)
	i := lease.Index()
	m := &l.model[i]
	if o == Unreachable && !l.inError(i) && l.list[i].Status&IgnoreErrors == 0 {
		m.errorEnd = time.Now().Add(lifeRetry)
	}
	if o != OK && o != Canceled {
		m.errors++
	}
	m.busy--
	m.to += 7
	lease.Done(Result{Outcome: o, To: 7})
}

// end ends what runs, and compares the books.
func (l *life) end() error {
	for i, s := range l.b.Status().Members {
		m := l.model[i]
		if s.Busy != m.busy || int64(s.Elected) != m.elected || int64(s.Errors) != m.errors || s.To != m.to {
			return fmt.Errorf("member %d: counted %+v, the model %+v", i, s, m)
		}
	}
	for len(l.leases) > 0 {
		l.done(0, Canceled)
	}
	for i, m := range l.b.Members() {
		if m.Busy() != 0 {
			return fmt.Errorf("member %d: %d exchanges are left", i, m.Busy())
		}
	}
	if n := l.b.core.inFlight.sum(); n != 0 {
		return fmt.Errorf("%d exchanges of hash are left", n)
	}
	return nil
}
