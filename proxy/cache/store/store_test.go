package store

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"proxylab/proxy/cache"
	"proxylab/proxy/message"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func fieldsOf(lines ...string) (f message.Fields) {
	for _, l := range lines {
		name, value, _ := bytes.Cut([]byte(l), []byte(": "))
		f = append(f, message.Field{Name: name, Value: value, Known: message.NameOf(name)})
	}
	return f
}

func requestFor(path string, lines ...string) *cache.Request {
	q := &cache.Request{Method: []byte("GET"), Host: []byte("example.com"), Path: []byte(path), Fields: fieldsOf(lines...)}
	q.Read(&cache.Policy{})
	return q
}

func keyOf(path string) []byte { return requestFor(path).AppendKey(nil) }

// fataler is what testing.TB and rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// clock is one that tests set. It is read behind their back, too.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(epoch.UnixNano())
	return c
}

func (c *clock) now() time.Time      { return time.Unix(0, c.nanos.Load()) }
func (c *clock) add(d time.Duration) { c.nanos.Add(int64(d)) }

// entryOf is an entry as a response of an origin makes it.
func entryOf(t fataler, q *cache.Request, size int, at time.Time, lines ...string) *cache.Entry {
	t.Helper()
	f := fieldsOf(append([]string{
		"Date: Sun, 01 Mar 2026 12:00:00 GMT", "Content-Type: text/html", `ETag: "5f3a-60b1c"`,
		"Last-Modified: Sun, 01 Feb 2026 12:00:00 GMT", "Cache-Control: max-age=3600",
	}, lines...)...)
	e, why := cache.New(q, &cache.Response{Status: 200, Fields: f, Length: int64(size)}, &cache.Policy{}, at, at)
	if e == nil {
		t.Fatalf("not stored: %v", why)
	}
	return e
}

// bodyOf is content that follows from its name.
func bodyOf(name string, size int) []byte {
	h := fnv.New64a()
	h.Write([]byte(name))
	src := rand.NewChaCha8([32]byte(fmt.Appendf(nil, "%032x", h.Sum64())))
	b := make([]byte, size)
	src.Read(b)
	return b
}

func open(t testing.TB, o Options) *Store {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// put stores a response as an exchange does.
func put(t testing.TB, s *Store, q *cache.Request, body []byte, at time.Time, lines ...string) bool {
	t.Helper()
	e := entryOf(t, q, len(body), at, lines...)
	f := s.Take(e.Key, &Variants{}, &cache.Taken{Fill: e})
	for len(body) > 0 {
		n := min(len(body), 16<<10)
		if _, err := f.Write(body[:n]); err != nil {
			return f.Commit(e)
		}
		body = body[n:]
	}
	return f.Commit(e)
}

// get finds what fits a request, as an exchange does; nil for nothing.
func get(t testing.TB, s *Store, q *cache.Request, at time.Time) []byte {
	t.Helper()
	var v Variants
	key := q.AppendKey(nil)
	if s.Get(key, &v) == OnDisk {
		s.Load(key, &v)
	}
	d := cache.Lookup(q, v.Entries, &cache.Policy{}, at)
	if d.Outcome != cache.Hit {
		return nil
	}
	return bytesOf(t, s, &v, d.Entry)
}

func bytesOf(t testing.TB, s *Store, v *Variants, e *cache.Entry) []byte {
	t.Helper()
	b, err := s.Body(v, e)
	if err == ErrGone {
		return nil
	}
	if err != nil {
		t.Error(err)
		return nil
	}
	defer b.Close()
	out := make([]byte, b.Size)
	if n, err := b.ReadAt(out, 0); n != len(out) {
		t.Errorf("%d of %d bytes: %v", n, len(out), err)
	}
	return out
}

func TestWhatIsPutIsFound(t *testing.T) {
	for _, kind := range kinds(t) {
		t.Run(kind.name, func(t *testing.T) {
			s := open(t, kind.options())
			for _, size := range []int{0, 1, 1024, 70_000, 300_000} {
				name := fmt.Sprintf("/of/%d", size)
				q := requestFor(name)
				if get(t, s, q, epoch) != nil {
					t.Fatal("found before it was put")
				}
				if stored := put(t, s, q, bodyOf(name, size), epoch); stored != (size <= kind.largest) {
					t.Fatalf("%d bytes: stored %v", size, stored)
				}
				if got := get(t, s, q, epoch); size <= kind.largest && !bytes.Equal(got, bodyOf(name, size)) {
					t.Errorf("%d bytes: %d found", size, len(got))
				}
			}
			s.Remove(keyOf("/of/1024"))
			if get(t, s, requestFor("/of/1024"), epoch) != nil {
				t.Error("found after it was removed")
			}
			if kind.dir && s.Stats().DiskFiles == 0 {
				t.Error("nothing on disk")
			}
		})
	}
}

type storeKind struct {
	name    string
	largest int
	dir     bool
	options func() Options
}

// kinds are the stores that there are.
func kinds(t *testing.T) []storeKind {
	return []storeKind{
		{"memory", 100_000, false, func() Options { return Options{Memory: 8 << 20, Object: 100_000} }},
		{"disk", 1 << 30, true, func() Options { return Options{Memory: 8 << 20, Object: 100_000, Dir: t.TempDir()} }},
	}
}

func TestVariantsHaveABound(t *testing.T) {
	for _, kind := range kinds(t) {
		t.Run(kind.name, func(t *testing.T) {
			o := kind.options()
			o.Variants = 3
			s := open(t, o)
			of := func(i int) *cache.Request { return requestFor("/", fmt.Sprintf("X-User: %d", i)) }
			for i := range 5 {
				put(t, s, of(i), bodyOf(fmt.Sprint(i), 500), epoch.Add(time.Duration(i)*time.Second), "Vary: X-User")
			}
			for i := range 5 {
				got := get(t, s, of(i), epoch.Add(time.Minute))
				if i < 2 && got != nil || i >= 2 && !bytes.Equal(got, bodyOf(fmt.Sprint(i), 500)) {
					t.Errorf("variant %d of 5, where the newest 3 are kept: %d bytes", i, len(got))
				}
			}
		})
	}
}

func TestUpdates(t *testing.T) {
	for _, kind := range kinds(t) {
		for _, size := range []int{500, 300_000} {
			if size > kind.largest {
				continue
			}
			t.Run(fmt.Sprint(kind.name, size), func(t *testing.T) {
				o := kind.options()
				s := open(t, o)
				q, body := requestFor("/u"), bodyOf("/u", size)
				put(t, s, q, body, epoch)
				late := epoch.Add(2 * time.Hour)
				if get(t, s, q, late) != nil {
					t.Fatal("fresh after two hours")
				}
				var v Variants
				s.Get(keyOf("/u"), &v)
				fresh := *v.Entries[0]
				fresh.Requested, fresh.Received = late, late
				n := fresh.Stored.Entry(&cache.Policy{})
				stale := Variants{}
				s.Get(keyOf("/u"), &stale)
				s.Update(keyOf("/u"), &v, []cache.Update{{Old: v.Entries[0], New: n, From: v.Entries[0]}})
				check := func(when string) {
					t.Helper()
					s.Get(keyOf("/u"), &v)
					if len(v.Entries) == 0 {
						s.Load(keyOf("/u"), &v)
					}
					if len(v.Entries) != 1 || !v.Entries[0].Received.Equal(late) || !bytes.Equal(bytesOf(t, s, &v, v.Entries[0]), body) {
						t.Fatalf("%s: %d entries, or another one", when, len(v.Entries))
					}
				}
				check("after an update")
				s.Update(keyOf("/u"), &stale, []cache.Update{{Old: stale.Entries[0], From: stale.Entries[0]}})
				check("after an update of what was replaced")
				if kind.dir {
					s.Flush()
					s.memory.InvalidateAll()
					check("from the file")
				}
				s.Get(keyOf("/u"), &v)
				s.Update(keyOf("/u"), &v, []cache.Update{{New: n, From: v.Entries[0]}})
				if s.Get(keyOf("/u"), &v); len(v.Entries) != 2 || !bytes.Equal(bytesOf(t, s, &v, v.Entries[0]), body) {
					t.Errorf("beside: %d entries", len(v.Entries))
				}
				s.Update(keyOf("/u"), &v, []cache.Update{{Old: v.Entries[0]}, {Old: v.Entries[1]}})
				if s.Get(keyOf("/u"), &v) == Ready || s.Load(keyOf("/u"), &v) == Ready {
					t.Error("there after all was removed")
				}
			})
		}
	}
}

// TestInvalidatedWhileItComes is for a PUT that succeeds while a GET is answered
// with what was there before.
func TestInvalidatedWhileItComes(t *testing.T) {
	c := newClock()
	s := open(t, Options{Memory: 8 << 20, Now: c.now})
	q := requestFor("/a")
	e := entryOf(t, q, 3, c.now())
	f := s.Take(e.Key, &Variants{}, &cache.Taken{Fill: e})
	f.Write([]byte("old"))
	c.add(time.Second)
	s.Remove(e.Key)
	if f.Commit(e) || get(t, s, q, c.now()) != nil {
		t.Error("what was asked for before the invalidation is stored after it")
	}
	for i := range 2000 { // until the stripe has forgotten /a
		s.Remove(fmt.Appendf(nil, "other%d", i))
	}
	if put(t, s, q, []byte("old"), epoch) {
		t.Error("likewise, when many others were invalidated")
	}
	c.add(time.Second)
	if !put(t, s, q, []byte("new"), c.now()) {
		t.Error("what was asked for after it is not stored")
	}
}

// TestParts puts a body together from what was there and what came.
func TestParts(t *testing.T) {
	for _, kind := range kinds(t) {
		for _, size := range []int{1000, 400_000} {
			if size > kind.largest {
				continue
			}
			t.Run(fmt.Sprint(kind.name, size), func(t *testing.T) {
				s := open(t, kind.options())
				q, body := requestFor("/p"), bodyOf("/p", size)
				e := entryOf(t, q, size, epoch)
				f := s.Take(e.Key, &Variants{}, &cache.Taken{Fill: e})
				f.Write(body[:size/3])
				cut := e.Cut(int64(size/3), &cache.Policy{})
				if !f.Commit(cut) {
					t.Fatal("the part is not stored")
				}
				var v Variants
				s.Get(e.Key, &v)
				b, err := s.Body(&v, v.Entries[0])
				if err != nil {
					t.Fatal(err)
				}
				part := b.Part(cache.Span{First: 10, Last: 19})
				got := make([]byte, part.Size)
				part.ReadAt(got, 0)
				b.Close()
				if !bytes.Equal(got, body[10:20]) {
					t.Error("other bytes of the part")
				}
				taken := &cache.Taken{
					Fill: e, At: cache.Span{First: int64(size / 4), Last: int64(size - 1)},
					Updates: []cache.Update{{Old: v.Entries[0], New: e, From: v.Entries[0]}},
				}
				f = s.Take(e.Key, &v, taken)
				f.Write(body[size/4:])
				if !f.Commit(e) {
					t.Fatal("the whole is not stored")
				}
				if got := get(t, s, q, epoch); !bytes.Equal(got, body) {
					t.Errorf("%d bytes, or others", len(got))
				}
			})
		}
	}
}

func TestAnotherPolicy(t *testing.T) {
	for _, kind := range kinds(t) {
		t.Run(kind.name, func(t *testing.T) {
			s := open(t, kind.options())
			q := requestFor("/a")
			minute, hour := &cache.Policy{TTL: []cache.TTL{{For: time.Minute}}}, &cache.Policy{TTL: []cache.TTL{{For: time.Hour}}}
			f := fieldsOf("Date: Sun, 01 Mar 2026 12:00:00 GMT", `ETag: "1"`)
			e, _ := cache.New(q, &cache.Response{Status: 200, Fields: f, Length: 1}, minute, epoch, epoch)
			fill := s.Take(e.Key, &Variants{}, &cache.Taken{Fill: e})
			fill.Write([]byte("a"))
			fill.Commit(e)
			s.Flush()
			later := epoch.Add(10 * time.Minute)
			check := func(when string, fresh bool) {
				t.Helper()
				if got := get(t, s, q, later); (got != nil) != fresh {
					t.Errorf("%s: fresh %v", when, got != nil)
				}
			}
			check("by the first", false)
			s.SetPolicy(hour)
			check("by the second", true)
			if kind.dir {
				s.memory.InvalidateAll()
				check("by the second, from the file", true)
			}
			s.SetPolicy(minute)
			check("by the first again", false)
		})
	}
}
