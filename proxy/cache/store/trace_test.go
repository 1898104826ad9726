package store

import (
	"container/list"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"testing"
)

// lru is what the store is compared with: it has as many bytes, each object takes
// as many, and the longest unused goes.
type lru struct {
	room int64
	l    *list.List
	m    map[int]*list.Element
}

type lruObject struct {
	k     int
	bytes int64
}

func newLRU(room int64) *lru { return &lru{room, list.New(), map[int]*list.Element{}} }

func (c *lru) get(k int, bytes int64) bool {
	if e, ok := c.m[k]; ok {
		c.l.MoveToFront(e)
		return true
	}
	c.m[k] = c.l.PushFront(lruObject{k, bytes})
	for c.room -= bytes; c.room < 0; {
		last := c.l.Remove(c.l.Back()).(lruObject)
		delete(c.m, last.k)
		c.room += last.bytes
	}
	return false
}

// zipf draws from n objects: the i-th is asked for with a probability that is
// proportional to 1/i^skew.
type zipf struct {
	r      *rand.Rand
	shares []float64 // of all up to there
}

func newZipf(seed uint64, skew float64, n int) *zipf {
	z := &zipf{rand.New(rand.NewPCG(seed, 1)), make([]float64, n)}
	sum := 0.0
	for i := range z.shares {
		sum += math.Pow(float64(i+1), -skew)
		z.shares[i] = sum
	}
	return z
}

func (z *zipf) next() int {
	return sort.SearchFloat64s(z.shares, z.r.Float64()*z.shares[len(z.shares)-1])
}

// Who asks for objects that nobody asks for twice, or scans all that there are,
// counts from here.
const foreign = 1_000_000

// sameSize and mixedSizes are how large an object is, in bytes.
func sameSize(int) int { return 1024 }

// mixedSizes are as on a page: most objects are small, and a few are a hundred
// times as large, whether asked for often or not.
func mixedSizes(k int) int {
	r := rand.New(rand.NewPCG(uint64(k), 7))
	return min(100_000, int(500*math.Exp(1.5*math.Abs(r.NormFloat64()))))
}

// played is what came of a trace: ratios of hits, of all requests after the first
// quarter, in which caches fill.
type played struct{ store, lru, known, knownLRU float64 }

// play asks the store and an LRU of the same bytes for n objects, and puts what
// they do not have. The LRU counts an object as the store does.
func play(t *testing.T, room int64, size func(k int) int, next func(i int) int, n int) played {
	t.Helper()
	s := open(t, Options{Memory: room, Object: 100_000})
	other := newLRU(room)
	head := int64(overhead + len(record(entryOf(t, requestFor("/0000000"), 1024, epoch))))
	body := make([]byte, 100_000)
	var v Variants
	var all, known [3]int // requests, hits, hits of the LRU
	for i := range n {
		k := next(i)
		path := fmt.Sprintf("/%07d", k)
		hit := s.Get(keyOf(path), &v) == Ready
		if !hit {
			put(t, s, requestFor(path), body[:size(k)], epoch)
		}
		if i%16 == 0 {
			s.memory.CleanUp() // what goes on behind has its turn
		}
		theirs := other.get(k, head+int64(size(k)))
		if i < n/4 {
			continue
		}
		count(&all, hit, theirs)
		if k < foreign {
			count(&known, hit, theirs)
		}
	}
	ratio := func(c [3]int, i int) float64 { return float64(c[i]) / float64(max(1, c[0])) }
	return played{ratio(all, 1), ratio(all, 2), ratio(known, 1), ratio(known, 2)}
}

func count(c *[3]int, hit, theirs bool) {
	c[0]++
	if hit {
		c[1]++
	}
	if theirs {
		c[2]++
	}
}

// TestHitRatioIsNoLessThanThatOfLRU plays traces of 20,000 objects, asked for as
// Zipf's law has it, with room for about a twentieth of them.
func TestHitRatioIsNoLessThanThatOfLRU(t *testing.T) {
	const objects, short, long = 20_000, 40_000, 200_000
	once := func(share int) func(z *zipf) func(int) int {
		return func(z *zipf) func(int) int {
			return func(i int) int {
				if i%10 < share {
					return foreign + i
				}
				return z.next()
			}
		}
	}
	// A robot reads 3,000 objects, one by one, now and then.
	scan := func(z *zipf) func(int) int {
		return func(i int) int {
			if i%12_000 < 3_000 {
				return foreign + i%12_000
			}
			return z.next()
		}
	}
	for i, tt := range []struct {
		name string
		skew float64
		room int64
		size func(int) int
		next func(z *zipf) func(int) int
		n    int
	}{
		{"flat", 0.6, 2 << 20, sameSize, once(0), short},
		{"usual", 0.8, 2 << 20, sameSize, once(0), short},
		{"steep", 1.0, 2 << 20, sameSize, once(0), short},
		{"very steep", 1.3, 2 << 20, sameSize, once(0), long}, // there is little to win
		{"usual, with little room", 0.8, 1 << 20, sameSize, once(0), short},
		{"usual, with room for half", 0.8, 16 << 20, sameSize, once(0), long}, // it takes longer to fill
		{"mixed sizes, flat", 0.6, 4 << 20, mixedSizes, once(0), short},
		{"mixed sizes, usual", 0.8, 4 << 20, mixedSizes, once(0), short},
		{"mixed sizes, steep", 1.0, 4 << 20, mixedSizes, once(0), short},
		{"half are asked for once", 0.8, 2 << 20, sameSize, once(5), short},
		{"half are asked for once, mixed sizes", 0.8, 4 << 20, mixedSizes, once(5), short},
		{"scans", 0.8, 2 << 20, sameSize, scan, short},
		{"scans, mixed sizes", 1.0, 4 << 20, mixedSizes, scan, short},
	} {
		if i%slowness != 0 {
			continue // a shorter trace would end before much is evicted
		}
		p := play(t, tt.room, tt.size, tt.next(newZipf(1, tt.skew, objects)), tt.n)
		t.Logf("%-38s skew %.1f, %2d MiB: %.3f, LRU %.3f, %+.1f %%", tt.name, tt.skew, tt.room>>20, p.store, p.lru, 100*(p.store/p.lru-1))
		if p.store < p.lru {
			t.Errorf("%s: hit ratio %.3f, where LRU has %.3f", tt.name, p.store, p.lru)
		}
	}
}

// TestUniqueURLsEvictLittle has one client ask for a URL that nobody asked for
// before, three times for each request of all others.
func TestUniqueURLsEvictLittle(t *testing.T) {
	const objects, room = 10_000, 3 << 20
	z := newZipf(3, 1.1, objects)
	p := play(t, room, sameSize, func(i int) int {
		if i%4 != 0 {
			return foreign + i
		}
		return z.next()
	}, 80_000/slowness)
	z = newZipf(3, 1.1, objects)
	calm := play(t, room, sameSize, func(int) int { return z.next() }, 20_000/slowness)
	t.Logf("others hit %.3f, of an LRU %.3f, without that client %.3f", p.known, p.knownLRU, calm.store)
	if p.known < calm.store-0.1 {
		t.Errorf("others hit %.3f, and %.3f without the client", p.known, calm.store)
	}
	if p.known < p.knownLRU {
		t.Errorf("others hit %.3f, and %.3f of an LRU", p.known, p.knownLRU)
	}
}
