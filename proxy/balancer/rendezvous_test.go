package balancer

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"
)

// drawOf is what the comment of hash says of a draw, worked out in another way.
func drawOf(key uint64, name string, factor float64) float64 {
	word := func(x uint64) *big.Int { return new(big.Int).SetUint64(x) }
	z := new(big.Int).Mul(word(key^xxhash.Sum64String(name)), word(key+0x9e3779b97f4a7c15))
	low := new(big.Int).And(z, word(math.MaxUint64))
	u := new(big.Int).Xor(low, new(big.Int).Rsh(z, 64))
	return -math.Log1p(-float64(u.Uint64()>>11)/(1<<53)) / math.Floor(factor*100)
}

// Whatever is passed over in haste: who is elected has the least draw of all that
// are usable, untried and below their max.
func TestHashElectsTheLeastDraw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := make([]MemberConfig, rapid.OneOf(rapid.IntRange(1, 12), rapid.IntRange(13, 200)).Draw(t, "members"))
		heaviest := rapid.SampledFrom([]int{1, 5, 100}).Draw(t, "heaviest")
		full := rapid.Bool().Draw(t, "some have a max")
		for i := range list {
			list[i] = MemberConfig{Name: fmt.Sprint("m", i), LoadFactor: float64(rapid.IntRange(1, heaviest).Draw(t, "loadfactor"))}
			if full && i%3 == 0 {
				list[i].Max = 1
			}
		}
		b := must(t, Config{Name: "o", Method: "hash", Members: list})
		tried := b.Members()[:rapid.IntRange(0, len(list)-1).Draw(t, "tried")]
		for range 40 {
			q := &Request{Key: rapid.Uint64().Draw(t, "key"), Keyed: true, Tried: tried}
			least := math.Inf(1)
			for i, m := range list {
				if (m.Max == 0 || b.Members()[i].Busy() == 0) && i >= len(tried) {
					least = min(least, drawOf(q.Key, m.Name, m.LoadFactor))
				}
			}
			l, err := elect(b, q)
			if err != nil && math.IsInf(least, 1) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			m := list[l.Index()]
			if d := drawOf(q.Key, m.Name, m.LoadFactor); d > least*(1+1e-14) {
				t.Fatalf("%s of %d members was elected by %v, there is one of %v", m.Name, len(list), d, least)
			}
			if m.Max == 0 {
				l.done(OK) // the others stay full
			}
		}
	})
}

// What was elected once is elected in every process to come, and whatever place a
// member has in the Site.
func TestHashIsTheSameEverywhere(t *testing.T) {
	list := members(0, 1, 1, 2, 3, 5, 1.5)
	const want = "EAEDFFDDDEBDEAEECDEFDADCFFEABBAECDEEADCE"
	for range 6 {
		b := must(t, Config{Name: "o", Method: "hash", HashBound: 1.25, Members: list})
		if got := strings.Join(homes(t, b, len(want)), ""); got != want {
			t.Errorf("members in another order: got %s, want %s", got, want)
		}
		list = append(slices.Clone(list[1:]), list[0])
	}
}

// A hundred members of all weights get what is theirs: Pearson's chi-square of 99
// degrees of freedom is beyond 170 by chance once in 10^5; the keys do not change.
func TestHashSharesChiSquare(t *testing.T) {
	const keys = 200000
	list, sum := many(100), 0.0
	for i := range list {
		list[i].LoadFactor = 1 + float64(i*i%97)/4
		sum += list[i].LoadFactor
	}
	b := must(t, Config{Name: "o", Method: "hash", Members: list})
	got := make(map[string]float64)
	for _, home := range homes(t, b, keys) {
		got[home]++
	}
	chi := 0.0
	for _, m := range list {
		want := keys * m.LoadFactor / sum
		chi += (got[m.Name] - want) * (got[m.Name] - want) / want
	}
	if chi > 170 {
		t.Errorf("chi-square %.1f", chi)
	}
}

// The bound is no reason to refuse: where exchanges that hash did not elect, or a
// member's max, leave no room within it, somebody is elected all the same.
func TestTheBoundRefusesNobody(t *testing.T) {
	t.Run("elections before by another lbmethod", func(t *testing.T) {
		b := must(t, Config{Name: "o", Method: "byrequests", HashBound: 1.25, Members: members(0, 1, 1, 1)})
		for range 30 {
			elect(b, nil)
		}
		if err := b.ChangeMethod("hash"); err != nil {
			t.Fatal(err)
		}
		if _, err := elect(b, nil); err != nil {
			t.Error(err)
		}
	})
	t.Run("one has its max", func(t *testing.T) {
		list := members(0, 1, 1)
		list[0].Max = 1
		b := must(t, Config{Name: "o", Method: "hash", HashBound: 1.01, Members: list})
		for i := range 100 {
			if _, err := elect(b, &Request{Key: mix(uint64(i)), Keyed: true}); err != nil {
				t.Fatalf("request %d: %v", i, err)
			}
		}
	})
	t.Run("one was tried", func(t *testing.T) {
		b := must(t, Config{Name: "o", Method: "hash", HashBound: 1.01, Members: members(0, 1, 1)})
		for i := range 100 {
			if _, err := elect(b, &Request{Tried: b.Members()[:1]}); err != nil {
				t.Fatalf("request %d: %v", i, err)
			}
		}
	})
}
