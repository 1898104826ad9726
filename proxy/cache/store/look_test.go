package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/cache"
)

func TestLookShowsWhereAResponseIs(t *testing.T) {
	for _, kind := range kinds(t) {
		t.Run(kind.name, func(t *testing.T) {
			s := open(t, kind.options())
			sizes := map[string]int{"/small": 500, "/empty": 0}
			if kind.dir {
				sizes["/large"] = 300_000
			}
			for name, size := range sizes {
				put(t, s, requestFor(name, "X-User: 1"), bodyOf(name, size), epoch, "Vary: X-User")
				put(t, s, requestFor(name, "X-User: 2"), bodyOf(name, size), epoch.Add(time.Second), "Vary: X-User")
			}
			check := func(when string, memory, disk func(name string) bool) {
				t.Helper()
				s.Flush()
				before := s.Stats()
				for name, size := range sizes {
					l := s.Look(keyOf(name))
					if len(l) != 2 || string(l[0].Entry.Vary[0].Value) != "2" || string(l[1].Entry.Vary[0].Value) != "1" {
						t.Fatalf("%s: %s: %+v", when, name, l)
					}
					for _, h := range l {
						if h.Size != int64(size) || h.InMemory != memory(name) || h.OnDisk != disk(name) {
							t.Errorf("%s: %s: %+v", when, name, h)
						}
					}
				}
				after := s.Stats()
				if after.MemoryBytes, after.DiskScanned = before.MemoryBytes, before.DiskScanned; after != before { // these two follow behind
					t.Errorf("%s: a look counts:\n%+v\n%+v", when, before, after)
				}
			}
			large := func(name string) bool { return name == "/large" }
			yes, no := func(string) bool { return true }, func(string) bool { return false }
			if !kind.dir {
				check("put", yes, no)
			} else {
				check("put", func(name string) bool { return !large(name) }, yes)
				s.memory.InvalidateAll()
				check("evicted", no, yes)
			}
			if l := s.Look(keyOf("/nothing")); l != nil {
				t.Errorf("%+v", l)
			}
		})
	}
}

// walked goes through all that matches, with between done after each step, and
// returns how often each key was shown, with how many responses.
func walked(t *testing.T, s *Store, m Match, between func()) (times, responses map[string]int) {
	t.Helper()
	w := s.Walk(m)
	defer w.Close()
	times, responses = map[string]int{}, map[string]int{}
	for more := true; more; between() {
		var found [][]Held
		found, more = w.Next(7)
		if len(found) > 7 {
			t.Fatalf("%d in one step", len(found))
		}
		for _, l := range found {
			path := string(l[0].Entry.Path)
			times[path]++
			responses[path] += len(l)
		}
	}
	return times, responses
}

func TestWalkShowsEachKeyOnce(t *testing.T) {
	for _, kind := range kinds(t) {
		t.Run(kind.name, func(t *testing.T) {
			s := open(t, kind.options())
			want, red := map[string]int{}, map[string]int{}
			store := func(part string, n int) {
				for i := range n {
					path := fmt.Sprintf("/%s/%d", part, i)
					for user := range i%3 + 1 {
						tag := "Surrogate-Key: blue"
						if user == 1 {
							tag = "Surrogate-Key: blue red"
							red[path]++
						}
						put(t, s, requestFor(path, fmt.Sprint("X-User: ", user)), bodyOf(path, 100), epoch, "Vary: X-User", tag)
						want[path]++
					}
				}
			}
			store("a", 100)
			if kind.dir {
				s.Flush()
				s.memory.InvalidateAll() // these are on disk only
				store("b", 50)
				s.Flush() // these in both
				s.disk.trouble.since.Store(true)
				s.disk.trouble.until.Store(epoch.AddDate(100, 0, 0).UnixNano())
				store("c", 50) // and these in memory only
			}
			move := func() {}
			n := 0
			if kind.dir {
				move = func() { // some come to memory meanwhile
					var v Variants
					s.Load(keyOf(fmt.Sprintf("/a/%d", n)), &v)
					n += 9
				}
			}
			for _, c := range []struct {
				m    Match
				want map[string]int
			}{
				{Match{}, want},
				{Match{Prefix: "http://example.com/a/1"}, under(want, "/a/1")},
				{Match{Tag: "red"}, red},
				{Match{Tag: "red", Prefix: "http://example.com/a/"}, under(red, "/a/")},
				{Match{Prefix: "http://example.org/"}, map[string]int{}},
			} {
				times, responses := walked(t, s, c.m, move)
				if !maps.Equal(responses, c.want) {
					t.Errorf("%+v: %d keys, not %d", c.m, len(responses), len(c.want))
				}
				for path, n := range times {
					if n != 1 {
						t.Errorf("%+v: %s is shown %d times", c.m, path, n)
					}
				}
			}
			if err := s.Purge(Match{Tag: "red"}, false); err != nil {
				t.Fatal(err)
			}
			if times, _ := walked(t, s, Match{Tag: "red"}, move); len(times) > 0 {
				t.Errorf("purged and shown: %v", slices.Collect(maps.Keys(times)))
			}
		})
	}
}

func under(all map[string]int, prefix string) map[string]int {
	some := maps.Clone(all)
	maps.DeleteFunc(some, func(path string, _ int) bool { return !strings.HasPrefix(path, prefix) })
	return some
}

// What matches nothing is looked for in steps, each of which costs no more than
// the others.
func TestStepsOfAWalkAreBounded(t *testing.T) {
	s := open(t, Options{})
	const keys, step = 1000, 100
	for i := range keys {
		put(t, s, requestFor(fmt.Sprintf("/%d", i)), nil, epoch)
	}
	w := s.Walk(Match{Prefix: "http://example.com/none"})
	defer w.Close()
	if w.step != stepWork {
		t.Errorf("a step may cost %d", w.step)
	}
	w.step = step
	for n := range keys / step {
		if found, more := w.Next(10); len(found) > 0 || !more {
			t.Fatalf("after step %d: %v %v", n, found, more)
		}
	}
	if found, more := w.Next(10); len(found) > 0 || more {
		t.Errorf("it does not end: %v %v", found, more)
	}
}

func TestPurgeKey(t *testing.T) {
	for _, kind := range kinds(t) {
		for _, soft := range []bool{false, true} {
			t.Run(fmt.Sprint(kind.name, soft), func(t *testing.T) {
				clock := newClock()
				o := kind.options()
				o.Now = clock.now
				s := open(t, o)
				paths := []string{"/a", "/a/b"}
				if kind.dir {
					paths = append(paths, "/large")
				}
				for _, path := range paths {
					for user := range 2 {
						put(t, s, requestFor(path, fmt.Sprint("X-User: ", user)), bodyOf(path, 500+len(path)/6*200_000), clock.now(), "Vary: X-User")
					}
				}
				coming := entryOf(t, requestFor("/a", "X-User: 9"), 1, clock.now(), "Vary: X-User")
				fill := s.Take(coming.Key, &Variants{}, &cache.Taken{Fill: coming})
				clock.add(time.Second)
				for _, path := range append(paths[2:], "/a") {
					if n, err := s.PurgeKey(keyOf(path), soft); n != 2 || err != nil {
						t.Fatalf("%s: %d %v", path, n, err)
					}
				}
				if n, err := s.PurgeKey(keyOf("/nothing"), soft); n != 0 || err != nil {
					t.Errorf("nothing: %d %v", n, err)
				}
				fill.Write([]byte("x"))
				fill.Commit(coming)
				check := func(when string) {
					t.Helper()
					for _, path := range paths {
						l := s.Look(keyOf(path))
						purged := path != "/a/b"
						if there := len(l) == 2; there != (!purged || soft) {
							t.Errorf("%s: %s: %d responses", when, path, len(l))
						}
						for _, h := range l {
							if h.Entry.Invalid != purged {
								t.Errorf("%s: %s: invalid %v", when, path, h.Entry.Invalid)
							}
						}
						if body := get(t, s, requestFor(path, "X-User: 1"), clock.now()); (body == nil) != purged {
							t.Errorf("%s: %s: %d bytes", when, path, len(body))
						}
					}
				}
				check("at once")
				if n := s.Stats().Purged; n != int64(2*(len(paths)-1)) {
					t.Errorf("%d are counted", n)
				}
				if kind.dir {
					s.Flush()
					s.memory.InvalidateAll()
					check("from the files")
					s.Close()
					s = open(t, o)
					check("after a restart")
				}
				clock.add(time.Second)
				put(t, s, requestFor("/a", "X-User: 7"), []byte("new"), clock.now(), "Vary: X-User")
				if get(t, s, requestFor("/a", "X-User: 7"), clock.now()) == nil {
					t.Error("what came after the purge is purged")
				}
			})
		}
	}
}

// What waits to be written may have left the memory: a purge finds it before it
// is in a file.
func TestASweepFindsWhatWaitsToBeWritten(t *testing.T) {
	clock := newClock()
	s := open(t, Options{Dir: t.TempDir(), Now: clock.now})
	waitScanned(t, s)
	close(s.disk.stop) // the writer ends
	s.disk.done.Wait()
	put(t, s, requestFor("/a"), []byte("a"), clock.now())
	s.memory.InvalidateAll()
	if l := s.Look(keyOf("/a")); len(l) != 1 || !l[0].InMemory || l[0].OnDisk {
		t.Fatalf("%+v", l)
	}
	clock.add(time.Second)
	if err := s.Purge(Match{Prefix: "http://example.com/"}, false); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); len(s.disk.waitingRecords()) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is written still")
		}
	}
	s.disk.stop = make(chan struct{})
}
