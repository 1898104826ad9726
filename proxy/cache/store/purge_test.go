package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/cache"
)

func TestPurge(t *testing.T) {
	for _, kind := range kinds(t) {
		for _, soft := range []bool{false, true} {
			for _, c := range []struct {
				m    Match
				gone string
			}{
				{Match{Prefix: "http://example.com/a/1"}, "/a/1"},
				{Match{Prefix: "http://example.com/a/"}, "/a/1 /a/2"},
				{Match{Tag: "red"}, "/a/1 /b/1"},
				{Match{Tag: "blue"}, "/b/2"},
				{Match{Tag: "red", Prefix: "http://example.com/b"}, "/b/1"},
				{Match{Tag: "re"}, ""},
			} {
				t.Run(fmt.Sprint(kind.name, soft, c.m), func(t *testing.T) {
					clock := newClock()
					o := kind.options()
					o.Now = clock.now
					s := open(t, o)
					if kind.dir {
						waitScanned(t, s)
					}
					all := map[string]string{
						"/a/1": "Surrogate-Key: red green", "/a/2": "X: red", "/b/1": "Cache-Tag: big, red", "/b/2": "surrogate-key: blue",
					}
					for name, tag := range all {
						put(t, s, requestFor(name), bodyOf(name, 500), clock.now(), tag)
					}
					coming := entryOf(t, requestFor("/a/3"), 1, clock.now(), "Surrogate-Key: red blue")
					fill := s.Take(coming.Key, &Variants{}, &cache.Taken{Fill: coming})
					clock.add(time.Second)
					if err := s.Purge(c.m, soft); err != nil {
						t.Fatal(err)
					}
					check := func(when string, s *Store) {
						t.Helper()
						for name := range all {
							gone := false
							for _, n := range fieldsOfText(c.gone) {
								gone = gone || n == name
							}
							if got := get(t, s, requestFor(name), clock.now()); (got == nil) != gone {
								t.Errorf("%s: %s: %d bytes", when, name, len(got))
							}
							var v Variants
							key := keyOf(name)
							if s.Get(key, &v) == OnDisk {
								s.Load(key, &v)
							}
							if there := len(v.Entries) == 1; there != (!gone || soft) || there && v.Entries[0].Invalid != gone {
								t.Errorf("%s: %s: %d entries", when, name, len(v.Entries))
							}
						}
					}
					check("at once", s)
					for range 600 { // the sweeper
						if list := s.purges.list.Load(); list == nil || (*list)[0].Swept {
							break
						}
						time.Sleep(10 * time.Millisecond)
					}
					check("after the sweep", s)
					fill.Write([]byte("x"))
					fill.Commit(coming)
					if got := get(t, s, requestFor("/a/3"), clock.now()); (got == nil) != (c.m.Tag == "red" && c.m.Prefix == "" || c.m.Tag == "blue" || c.m.Prefix == "http://example.com/a/" && c.m.Tag == "") {
						t.Errorf("what was on its way: %d bytes", len(got))
					}
					if kind.dir {
						s.Flush()
						s.memory.InvalidateAll()
						check("from the files", s)
						s.Close()
						s = open(t, o)
						check("after a restart", s)
					}
					clock.add(time.Minute)
					put(t, s, requestFor("/a/1"), bodyOf("/a/1", 500), clock.now(), all["/a/1"])
					if get(t, s, requestFor("/a/1"), clock.now()) == nil {
						t.Error("what came after the purge is purged")
					}
					clock.add(keepPurge)
					s.purges.finish(1)
					if s.purges.list.Load() != nil {
						t.Error("the purge is kept for ever")
					}
				})
			}
		}
	}
}

func fieldsOfText(s string) (words []string) {
	for w := range strings.FieldsSeq(s) {
		words = append(words, w)
	}
	return words
}

// TestPurgeIsNotedForTheNextProcess kills a process before its sweeper has done
// anything.
func TestPurgeIsNotedForTheNextProcess(t *testing.T) {
	clock := newClock()
	clock.add(time.Second)
	o := Options{Dir: t.TempDir(), Now: clock.now}
	s := open(t, o)
	put(t, s, requestFor("/a"), []byte("a"), epoch)
	s.Flush()
	close(s.purges.stop) // the sweeper is killed
	s.purges.done.Wait()
	if err := s.Purge(Match{Prefix: "http://example.com/"}, false); err != nil {
		t.Fatal(err)
	}
	s.purges.stop = make(chan struct{})
	s.Close()
	s = open(t, o)
	if get(t, s, requestFor("/a"), clock.now()) != nil {
		t.Error("it is there after a restart")
	}
	if err := s.Purge(Match{}, false); err == nil {
		t.Error("a purge of nothing is one")
	}
	for range maxPurges {
		s.Purge(Match{Tag: "x"}, false)
	}
	if err := s.Purge(Match{Tag: "x"}, false); err == nil {
		t.Error("purges have no bound")
	}
}
