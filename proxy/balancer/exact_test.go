package balancer

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// bytraffic elects what a look at every member's bytes would find: the least
// to/lbfactor + from/lbfactor, each division cut, and the first of equal ones;
// whatever was sent, and whoever was out of service, weighed anew or full meanwhile.
func TestTrafficIsThatOfALookAtAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := factors(t)
		b := must(t, Config{Name: "o", Method: "bytraffic", Members: members(0, fs...)})
		type bytes struct{ to, from int64 }
		sent, out := make([]bytes, len(fs)), make([]bool, len(fs))
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			if i := rapid.IntRange(0, 4*len(fs)).Draw(t, "member to change"); i < len(fs) {
				name := b.Members()[i].Name()
				out[i] = !out[i]
				change(t, b, name, map[bool]string{true: "+D", false: "-D"}[out[i]])
				fs[i] = float64(rapid.IntRange(1, 100).Draw(t, "loadfactor"))
				if err := b.ChangeMember(name, MemberChange{LoadFactor: &fs[i]}); err != nil {
					t.Fatal(err)
				}
			}
			want, least := -1, int64(math.MaxInt64)
			for i, s := range sent {
				factor := int64(fs[i] * 100)
				if load := s.to/factor + s.from/factor; !out[i] && load < least {
					want, least = i, load
				}
			}
			l, err := elect(b, nil)
			if err != nil {
				if want >= 0 {
					t.Fatal(err)
				}
				continue
			}
			if l.Index() != want {
				t.Fatalf("elected %d of %v, loadfactors %v; want %d", l.Index(), sent, fs, want)
			}
			r := Result{To: rapid.Int64Range(0, 2000).Draw(t, "to"), From: rapid.Int64Range(0, 50000).Draw(t, "from")}
			sent[l.Index()].to += r.To
			sent[l.Index()].from += r.From
			l.Done(r)
		}
	})
}

// The parts of all chances that fall to each candidate are its lbfactor's.
func TestChancesAreTheLoadfactors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := factors(t)
		b := must(t, Config{Name: "o", Method: "random2", Members: members(0, fs...)})
		if l, err := elect(b, nil); err != nil {
			t.Fatal(err)
		} else {
			l.done(OK)
		}
		r := b.roster.Load()
		got, sum := make([]float64, len(fs)), 0.0
		for i, a := range r.alias {
			edge := float64(a.edge) / (1 << 64)
			got[i] += edge
			got[a.other] += 1 - edge
			sum += fs[i]
		}
		for i, f := range fs {
			if want := f / sum * float64(len(fs)); math.Abs(got[i]-want) > 1e-9 {
				t.Fatalf("loadfactors %v: %d has %v parts of %d, want %v", fs, i, got[i], len(fs), want)
			}
		}
	})
}

// byrequests is Apache's arithmetic for the members that are left: where some were
// tried or have their max, they neither gain nor are paid for, and of equal ones the
// first is elected.
func TestByrequestsPassesOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := factors(t)
		b := build(t, 0, fs...)
		lbstatus := make([]int, len(fs))
		for range rapid.IntRange(1, 40).Draw(t, "requests") {
			tried := rapid.SliceOfN(rapid.Bool(), len(fs), len(fs)).Draw(t, "tried")
			q, best, total, most := new(Request), -1, 0, math.MinInt
			for i, out := range tried {
				if out {
					q.Tried = append(q.Tried, b.Members()[i])
					continue
				}
				total += int(fs[i] * 100)
				if lbstatus[i] += int(fs[i] * 100); lbstatus[i] > most {
					best, most = i, lbstatus[i]
				}
			}
			l, err := elect(b, q)
			if best < 0 && err != nil {
				continue
			}
			if err != nil || l.Index() != best {
				t.Fatalf("loadfactors %v, tried %v: elected %d (%v), want %d", fs, tried, l.Index(), err, best)
			}
			lbstatus[best] -= total
			l.done(OK)
		}
	})
}

// Members that only further attempts come to take turns as well.
func TestFurtherAttemptsTakeTurns(t *testing.T) {
	list := members(0, 1, 1, 1)
	list[1].LBSet, list[2].LBSet = 1, 1
	b := must(t, Config{Name: "o", Method: "byrequests", Members: list})
	if got := picksFor(b, &Request{Tried: b.Members()[:1]}, 4); got != "BCBC" {
		t.Errorf("got %s, want BCBC", got)
	}
}
