package balancer

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// homes tells the member of each of n keys, with nobody else asking.
func homes(t fataler, b *Balancer, n int) []string {
	list := make([]string, n)
	for i := range list {
		l, err := elect(b, &Request{Key: mix(uint64(i) + 1), Keyed: true})
		if err != nil {
			t.Fatal(err)
		}
		list[i] = l.Member().Name()
		l.done(OK)
	}
	return list
}

// A member that goes moves its own keys and no other; when it is back, all are
// where they were. The same holds for a loadfactor that is raised: keys move to
// that member alone.
func TestHashMovesAsLittleAsCanBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := append(factors(t), 1)
		b := must(t, Config{Name: "o", Method: "hash", Members: members(0, fs...)})
		before := homes(t, b, 300)
		m := b.Members()[rapid.IntRange(0, len(fs)-1).Draw(t, "member")].Name()
		change(t, b, m, "+D")
		for i, home := range homes(t, b, 300) {
			if home == m || before[i] != m && home != before[i] {
				t.Fatalf("without %s key %d went from %s to %s", m, i, before[i], home)
			}
		}
		change(t, b, m, "-D")
		if err := b.ChangeMember(m, MemberChange{LoadFactor: ptr(100.0)}); err != nil {
			t.Fatal(err)
		}
		for i, home := range homes(t, b, 300) {
			if home != before[i] && home != m {
				t.Fatalf("with more of %s key %d went from %s to %s", m, i, before[i], home)
			}
		}
	})
}

// Keys fall to members by their loadfactors: within five standard deviations of
// what chance would give.
func TestHashSharesByLoadfactor(t *testing.T) {
	const keys = 30000
	b := must(t, Config{Name: "o", Method: "hash", Members: members(0, 1, 2, 3.5, 8, 1)})
	got := make(map[string]float64)
	for _, home := range homes(t, b, keys) {
		got[home]++
	}
	for name, factor := range map[string]float64{"A": 1, "B": 2, "C": 3.5, "D": 8, "E": 1} {
		p := factor / 15.5
		if want := keys * p; math.Abs(got[name]-want) > 5*math.Sqrt(want*(1-p)) {
			t.Errorf("%s has %v keys, want about %.0f", name, got[name], want)
		}
	}
}

// Whatever the keys and however long the requests run, no member has more than
// its bounded share, rounded up, and a member is found.
func TestHashKeepsItsBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := factors(t)
		bound := rapid.SampledFrom([]float64{1.01, 1.25, 2}).Draw(t, "bound")
		b := must(t, Config{Name: "o", Method: "hash", HashBound: bound, Members: members(0, fs...)})
		sum := 0.0
		for _, f := range fs {
			sum += f
		}
		var held []*Lease
		for _, key := range rapid.SliceOfN(rapid.Uint64Range(0, 3), 1, 120).Draw(t, "keys") {
			if len(held) > 0 && rapid.IntRange(0, 3).Draw(t, "end one") == 0 {
				held[0].done(OK)
				held = held[1:]
			}
			l, err := elect(b, &Request{Key: key, Keyed: true})
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, l)
			most := int64(math.Ceil(bound * float64(len(held)) * fs[l.Index()] / sum))
			if busy := l.Member().Busy(); busy > most {
				t.Fatalf("member %d has %d of %d, bound %d", l.Index(), busy, len(held), most)
			}
		}
	})
}

// The lbmethods by chance starve nobody and do not forget weights.
func TestChanceIsFair(t *testing.T) {
	for _, method := range []string{"leastconn", "random2", "ewma"} {
		b := must(t, Config{Name: "o", Method: method, Members: members(0, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1)})
		got := make(map[string]int)
		var held []*Lease
		for range 11000 { // 110 run at each moment
			l, _ := elect(b, nil)
			got[l.Member().Name()]++
			if held = append(held, l); len(held) > 110 {
				held[0].Done(Result{Took: 1e6})
				held = held[1:]
			}
		}
		for name, n := range got {
			least, most := 700, 1400 // of 1000
			if name == "C" {
				least, most = 1000, 2600 // of 2000
			}
			if n < least || n > most {
				t.Errorf("%s: %s elected %d times", method, name, n)
			}
		}
		if len(got) != 10 {
			t.Errorf("%s: %d members of 10", method, len(got))
		}
	}
}

// A slow member gets less, and is tried again after a while.
func TestEwmaAvoidsTheSlow(t *testing.T) {
	b := must(t, Config{Name: "o", Method: "ewma", Members: members(0, 1, 1, 1)})
	got := make(map[string]int)
	for range 3000 {
		l, _ := elect(b, nil)
		got[l.Member().Name()]++
		took := Result{Took: 1e6}
		if l.Member().Name() == "B" {
			took.Took = 50e6
		}
		l.Done(took)
	}
	if got["B"] > 300 || got["A"] < 1000 || got["C"] < 1000 {
		t.Errorf("%v, B is fifty times slower", got)
	}
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014): each bit of x
// changes each bit of the result with probability one half.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// The keys of a member that went fall to the others by their loadfactors: what two
// members draw for a key has nothing to do with each other.
func TestHashSpreadsTheKeysOfWhoWent(t *testing.T) {
	const keys = 60000
	b := must(t, Config{Name: "o", Method: "hash", Members: members(0, 4, 1, 2, 3)})
	before := homes(t, b, keys)
	change(t, b, "A", "+D")
	got, moved := make(map[string]float64), 0.0
	for i, home := range homes(t, b, keys) {
		if before[i] == "A" {
			got[home]++
			moved++
		}
	}
	for name, factor := range map[string]float64{"B": 1, "C": 2, "D": 3} {
		p := factor / 6
		if want := moved * p; math.Abs(got[name]-want) > 5*math.Sqrt(want*(1-p)) {
			t.Errorf("%s got %v keys of %v, want about %.0f", name, got[name], moved, want)
		}
	}
}
