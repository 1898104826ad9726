package store

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"proxylab/proxy/cache"
)

func TestHitAllocatesNothing(t *testing.T) {
	s := open(t, Options{Memory: 8 << 20})
	body := bodyOf("/a", 1024)
	for i := range 100 {
		put(t, s, requestFor(fmt.Sprint("/", i), "Accept-Encoding: br"), body, epoch, "Vary: Accept-Encoding")
	}
	var v Variants
	keys := make([][]byte, 100)
	for i := range keys {
		keys[i] = keyOf(fmt.Sprint("/", i))
		s.Get(keys[i], &v)
	}
	i := 0
	n := testing.AllocsPerRun(10_000, func() {
		i++
		if s.Get(keys[i%100], &v) != Ready {
			t.Fatal("not found")
		}
		b, err := s.Body(&v, v.Entries[0])
		if err != nil || b.Size != 1024 {
			t.Fatal(err)
		}
		b.Close()
	})
	if n != 0 {
		t.Errorf("%v allocations a hit", n)
	}
	s.Get(keys[0], &v)
	one, _ := s.Body(&v, v.Entries[0])
	two, _ := s.Body(&v, v.Entries[0])
	if &one.Bytes[0] != &two.Bytes[0] {
		t.Error("the body is copied")
	}
}

// TestMemoryOfAnObject measures what 100,000 objects of 1 KiB take beside their
// bodies: heads, keys, and all that finds them.
func TestMemoryOfAnObject(t *testing.T) {
	const n, size, bound = 100_000 / slowness, 1024, 600
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s := open(t, Options{Memory: 1 << 30})
	body := bodyOf("", size)
	head := 0
	for i := range n {
		q := requestFor(fmt.Sprintf("/images/%06d.html", i), "Accept-Encoding: gzip, br")
		put(t, s, q, body, epoch, "Vary: Accept-Encoding")
	}
	s.memory.CleanUp()
	for _, o := range s.memory.All() {
		head += len(o.record)
	}
	st := s.Stats()
	if st.MemoryKeys != n {
		t.Fatalf("%d keys of %d", st.MemoryKeys, n)
	}
	each := int64(heap()-before)/n - size
	counted := st.MemoryBytes/n - size
	t.Logf("%d bytes beside the body, %d of them the head; the bound counts %d", each, head/n, counted)
	if each > bound {
		t.Errorf("%d bytes beside the body of 1 KiB, more than %d", each, bound)
	}
	if counted < each*3/4 {
		t.Errorf("the bound counts %d bytes beside the body, where it takes %d", counted, each)
	}
	runtime.KeepAlive(s)
}

func TestMemoryIsBounded(t *testing.T) {
	const bound = 1 << 20
	s := open(t, Options{Memory: bound})
	for i := range 3_000 {
		put(t, s, requestFor(fmt.Sprint("/", i)), make([]byte, i%2048), epoch)
	}
	s.memory.CleanUp()
	if st := s.Stats(); st.MemoryBytes > bound || st.MemoryBytes < bound/2 || st.Evicted == 0 {
		t.Errorf("%d bytes of %d, %d keys evicted", st.MemoryBytes, bound, st.Evicted)
	}
}

func BenchmarkHit(b *testing.B) {
	for _, size := range []int{1024, 100_000} {
		for _, where := range []string{"memory", "file"} {
			b.Run(fmt.Sprintf("where=%s/size=%d", where, size), func(b *testing.B) {
				o := Options{Memory: 64 << 20}
				if where == "file" {
					o.Object, o.Dir = 100, b.TempDir()
				}
				s := open(b, o)
				put(b, s, requestFor("/a"), bodyOf("/a", size), epoch)
				key := keyOf("/a")
				b.ReportAllocs()
				b.RunParallel(func(p *testing.PB) {
					var v Variants
					for p.Next() {
						s.Get(key, &v)
						body, err := s.Body(&v, v.Entries[0])
						if err != nil {
							b.Error(err)
							return
						}
						body.Close()
					}
				})
			})
		}
	}
}

func BenchmarkPut(b *testing.B) {
	for _, where := range []string{"memory", "file"} {
		b.Run("where="+where, func(b *testing.B) {
			o := Options{Memory: 64 << 20}
			if where == "file" {
				o.Dir = b.TempDir()
			}
			s := open(b, o)
			body := bytes.Repeat([]byte("x"), 1024)
			e := entryOf(b, requestFor("/a"), len(body), epoch)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				c := e.Stored
				c.Key = fmt.Appendf(nil, "http://example.com/%d", i)
				f := s.Take(c.Key, &Variants{}, &cache.Taken{Fill: c.Entry(s.policy.Load())})
				f.Write(body)
				f.Commit(f.Entry)
				if i%1000 == 0 {
					s.Flush()
				}
			}
		})
	}
}
