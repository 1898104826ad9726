package store

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"proxylab/proxy/cache"
)

// A model is what a store may have: of each variant of a key the last content. The
// store may have lost any of them, but for those that are still within its bounds;
// it must never have another one.
type model struct {
	t     *rapid.T
	s     *Store
	o     Options
	clock *clock
	have  map[string][]byte // by path and variant
	fills []*coming
	keep  bool // the bounds are far away: nothing may be lost either
}

type coming struct {
	f         *Fill
	name      string
	path      string
	body      []byte
	written   int
	reader    *Reader
	read      []byte
	overtaken bool
}

func TestModel(t *testing.T) {
	for _, kind := range []struct {
		name string
		o    Options
		keep bool
		dir  bool
	}{
		{"memory", Options{Memory: 64 << 20}, true, false},
		{"memory tight", Options{Memory: 1 << 20, Object: 20_000}, false, false},
		{"disk", Options{Memory: 64 << 20, Object: 1000}, true, true},
		{"disk tight", Options{Memory: 1 << 20, Object: 1000, Disk: 60_000, Files: 4}, false, true},
	} {
		t.Run(kind.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				m := &model{t: rt, o: kind.o, keep: kind.keep, clock: newClock(), have: map[string][]byte{}}
				m.o.Now = m.clock.now
				if kind.dir {
					m.o.Dir = t.TempDir()
				}
				m.reopen(t)
				defer func() { m.s.Close() }()
				rt.Repeat(map[string]func(*rapid.T){
					"begin":   m.begin,
					"write":   m.write,
					"read":    m.read,
					"commit":  m.commit,
					"abort":   m.abort,
					"get":     func(rt *rapid.T) { m.check(m.path(rt), m.variant(rt)) },
					"remove":  m.remove,
					"purge":   m.purge,
					"refresh": m.refresh,
					"forget":  func(*rapid.T) { m.forget(kind.dir) },
					"restart": func(*rapid.T) { m.restart(t, kind.dir) },
				})
			})
		})
	}
}

func (m *model) reopen(t *testing.T) { m.s = open(t, m.o) }

func (m *model) path(rt *rapid.T) string {
	return fmt.Sprint("/", rapid.IntRange(0, 5).Draw(rt, "path"))
}

func (m *model) variant(rt *rapid.T) string {
	return fmt.Sprint(rapid.IntRange(0, 2).Draw(rt, "variant"))
}

func (m *model) request(path, variant string) *cache.Request {
	return requestFor(path, "X-V: "+variant)
}

func (m *model) variants(path string) *Variants {
	var v Variants
	if m.s.Get(keyOf(path), &v) == OnDisk {
		m.s.Load(keyOf(path), &v)
	}
	return &v
}

// find is the entry for a variant.
func (m *model) find(v *Variants, path, variant string) *cache.Entry {
	return cache.Lookup(m.request(path, variant), v.Entries, &cache.Policy{}, m.clock.now()).Entry
}

func (m *model) check(path, variant string) {
	v := m.variants(path)
	e := m.find(v, path, variant)
	want, there := m.have[path+" "+variant]
	var got []byte
	if e != nil {
		b, err := m.s.Body(v, e)
		if err != nil {
			if m.keep {
				m.t.Fatalf("%s %s: %v", path, variant, err)
			}
			return
		}
		got = make([]byte, b.Size)
		b.ReadAt(got, 0)
		b.Close()
	}
	switch {
	case e == nil && there && m.keep:
		m.t.Fatalf("%s %s is lost", path, variant)
	case e != nil && !there:
		m.t.Fatalf("%s %s is there: %d bytes", path, variant, len(got))
	case e != nil && !bytes.Equal(got, want):
		m.t.Fatalf("%s %s: %d bytes, or others, of %d", path, variant, len(got), len(want))
	}
}

func (m *model) begin(rt *rapid.T) {
	if len(m.fills) == 3 {
		return
	}
	m.clock.add(time.Second)
	path, variant := m.path(rt), m.variant(rt)
	body := bodyOf(m.clock.now().String(), rapid.SampledFrom([]int{0, 1, 900, 1000, 1001, 5000, 30_000}).Draw(rt, "size"))
	e := entryOf(m.t, m.request(path, variant), len(body), m.clock.now(), "Vary: X-V", "Surrogate-Key: tag"+variant)
	v := m.variants(path)
	t := cache.Taken{Fill: e}
	if old := m.find(v, path, variant); old != nil {
		t.Updates = append(t.Updates, cache.Update{Old: old, From: old})
	}
	delete(m.have, path+" "+variant)
	f := m.s.Take(e.Key, v, &t)
	m.fills = append(m.fills, &coming{f: f, name: path + " " + variant, path: path, body: body, reader: f.Follow(func() {})})
}

func (m *model) pick(rt *rapid.T) *coming {
	if len(m.fills) == 0 {
		rt.Skip("nothing comes")
	}
	return m.fills[rapid.IntRange(0, len(m.fills)-1).Draw(rt, "fill")]
}

func (m *model) write(rt *rapid.T) {
	c := m.pick(rt)
	n := rapid.IntRange(0, len(c.body)-c.written).Draw(rt, "bytes")
	if _, err := c.f.Write(c.body[c.written : c.written+n]); err == nil {
		c.written += n
	} else if m.keep {
		rt.Fatal(err)
	}
}

func (m *model) read(rt *rapid.T) {
	c := m.pick(rt)
	m.readOn(c)
	if m.keep && len(c.read) != c.written {
		m.t.Fatalf("%d bytes read of %d", len(c.read), c.written)
	}
}

func (m *model) readOn(c *coming) error {
	for {
		p, err := c.reader.Next()
		if err != nil {
			return err
		}
		b := Body{Bytes: p.Bytes, File: p.File, At: p.At, Size: p.Size}
		part := make([]byte, p.Size)
		b.ReadAt(part, 0)
		c.read = append(c.read, part...)
		c.reader.Advance(p.Size)
		if !bytes.HasPrefix(c.body, c.read) {
			m.t.Fatalf("%s: other bytes than were written", c.name)
		}
	}
}

func (m *model) end(c *coming) {
	m.readOn(c)
	c.reader.Close()
	for i := range m.fills {
		if m.fills[i] == c {
			m.fills = append(m.fills[:i], m.fills[i+1:]...)
			return
		}
	}
}

func (m *model) commit(rt *rapid.T) {
	c := m.pick(rt)
	for c.written < len(c.body) {
		if _, err := c.f.Write(c.body[c.written:]); err != nil {
			break
		}
		c.written = len(c.body)
	}
	// Another fill for the same variant may have been committed since: an exchange
	// has it replaced by what is the newest.
	path, variant := c.path, c.name[len(c.path)+1:]
	v := m.variants(path)
	if old := m.find(v, path, variant); old != nil {
		m.s.Update(keyOf(path), v, []cache.Update{{Old: old, From: old}})
	}
	delete(m.have, c.name)
	stored := c.f.Commit(c.f.Entry)
	if stored && c.overtaken {
		rt.Fatalf("%s: stored after it was invalidated", c.name)
	}
	if !stored && !c.overtaken && m.keep {
		rt.Fatalf("%s: not stored", c.name)
	}
	if stored {
		m.have[c.name] = c.body
	}
	m.end(c)
	m.check(path, variant)
}

func (m *model) abort(rt *rapid.T) {
	c := m.pick(rt)
	c.f.Abort()
	m.end(c)
}

func (m *model) lose(which func(name string) bool) {
	for name := range m.have {
		if which(name) {
			delete(m.have, name)
		}
	}
	for _, c := range m.fills {
		c.overtaken = c.overtaken || which(c.name)
	}
}

func (m *model) remove(rt *rapid.T) {
	path := m.path(rt)
	m.clock.add(time.Second)
	m.s.Remove(keyOf(path))
	m.lose(func(name string) bool { return name[:len(path)] == path })
	m.clock.add(time.Second)
}

func (m *model) purge(rt *rapid.T) {
	variant := m.variant(rt)
	m.clock.add(time.Second)
	if err := m.s.Purge(Match{Tag: "tag" + variant}, false); err != nil {
		rt.Fatal(err)
	}
	m.lose(func(name string) bool { return name[len(name)-1:] == variant })
	m.clock.add(time.Second)
}

// refresh is a 304.
func (m *model) refresh(rt *rapid.T) {
	path, variant := m.path(rt), m.variant(rt)
	v := m.variants(path)
	e := m.find(v, path, variant)
	if e == nil {
		return
	}
	m.clock.add(time.Second)
	s := e.Stored
	s.Requested, s.Received = m.clock.now(), m.clock.now()
	m.s.Update(keyOf(path), v, []cache.Update{{Old: e, New: s.Entry(&cache.Policy{}), From: e}})
	if e := m.find(m.variants(path), path, variant); m.keep && (e == nil || !e.Received.Equal(m.clock.now())) {
		rt.Fatalf("%s %s is not refreshed", path, variant)
	}
	m.check(path, variant)
}

// forget has the memory evict all.
func (m *model) forget(dir bool) {
	m.s.Flush()
	m.s.memory.InvalidateAll()
	if !dir {
		clear(m.have)
	}
}

func (m *model) restart(t *testing.T, dir bool) {
	for len(m.fills) > 0 {
		m.fills[0].f.Abort()
		m.end(m.fills[0])
	}
	m.s.Close()
	m.reopen(t)
	if !dir {
		clear(m.have)
	}
}
