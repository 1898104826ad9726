package store

import (
	"bufio"
	"bytes"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"proxylab/proxy/cache"
	"proxylab/proxy/message"
)

// A Match is what a purge or a Walk is about: responses that have all that is
// given.
type Match struct {
	Prefix string // of the key
	Tag    string // a word of Surrogate-Key, or an element of Cache-Tag
}

// A Purge is a rule about what was requested before it. So it is in force at once,
// however much is stored, and holds for what is being fetched; the sweeper then
// goes through memory and files behind.
type Purge struct {
	Match
	Soft  bool // what it is about is not removed: it has to be validated
	At    time.Time
	Swept bool // all that is stored has been gone through
}

// ErrPurges says that there are as many purges as each lookup may have to go
// through.
var ErrPurges = fmt.Errorf("cache: %d purges are in force; each is for ten minutes", maxPurges)

// keepPurge is how long a purge is kept after the sweep, for responses that were
// asked for before it and come after it.
const keepPurge = 10 * time.Minute

// maxPurges bounds what each lookup has to go through.
const maxPurges = 1024

type purges struct {
	s    *Store
	list atomic.Pointer[[]Purge] // nil without any

	mu   sync.Mutex // who changes list
	file string     // "" without a disk
	wake chan struct{}
	stop chan struct{}
	done sync.WaitGroup
}

// Purge removes what matches, or with soft has it validated before it is used
// again. It is in force when Purge returns. The error is ErrPurges, or that of the
// file that it is noted in: the purge is then forgotten when the process ends
// before all files are swept. One key is for PurgeKey.
func (s *Store) Purge(m Match, soft bool) error {
	if m == (Match{}) {
		return fmt.Errorf("cache: purge of nothing: neither prefix nor tag")
	}
	p := &s.purges
	p.mu.Lock()
	defer p.mu.Unlock()
	one := Purge{Match: m, Soft: soft, At: s.o.Now()}
	var list []Purge
	if l := p.list.Load(); l != nil {
		if list = *l; len(list) >= maxPurges {
			return ErrPurges
		}
	}
	list = append(list[:len(list):len(list)], one)
	p.list.Store(&list)
	err := p.note(list)
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return err
}

// Purges are those in force, the oldest first.
func (s *Store) Purges() []Purge {
	if l := s.purges.list.Load(); l != nil {
		return *l
	}
	return nil
}

// PurgeKey removes what is stored under a key, or with soft has it validated before
// it is used again. What was requested before that is not stored after it. It
// returns how many responses that were. When it returns, not even a loss of power
// brings them back, unless there is an error.
func (s *Store) PurgeKey(key []byte, soft bool) (n int, err error) {
	n = s.purgeKey(key, soft)
	if n > 0 && s.disk != nil {
		err = s.disk.sync(fileID(key))
	}
	return n, err
}

func (s *Store) purgeKey(key []byte, soft bool) (n int) {
	hash := s.hash(key)
	lock := s.stripe(hash)
	lock.Lock()
	defer lock.Unlock()
	lock.noteRemoved(hash, s.o.Now())
	n = len(s.Look(key))
	s.counts.purged.Add(int64(n))
	if !soft {
		s.drop(hash, key)
		return n
	}
	list := s.current(hash, key).list()
	for i, o := range list {
		var e cache.Entry
		if !e.ReadRecord(o.record) {
			continue
		}
		e.Invalid = true
		if s.disk != nil && !o.inFile() { // the file that is there says that it is fresh
			s.disk.remove(o.id)
		}
		list[i] = s.replaceHead(o, &e)
	}
	s.set(hash, list)
	return n
}

// pass says whether an entry was not purged, and marks one that was, softly.
func (p *purges) pass(e *cache.Entry) bool {
	list := p.list.Load()
	if list == nil {
		return true
	}
	for i := range *list {
		if b := &(*list)[i]; b.concerns(e) {
			if !b.Soft {
				return false
			}
			e.Invalid = true
		}
	}
	return true
}

// allows says whether an entry may be stored still.
func (p *purges) allows(e *cache.Entry) bool {
	c := *e
	return p.pass(&c)
}

func (b *Purge) concerns(e *cache.Entry) bool {
	return !e.Requested.After(b.At) && b.fits(e)
}

func (m *Match) fits(e *cache.Entry) bool {
	return m.begins(e.Key) && (m.Tag == "" || tagged(e.Fields, m.Tag))
}

func (m *Match) begins(key []byte) bool {
	return len(key) >= len(m.Prefix) && string(key[:len(m.Prefix)]) == m.Prefix
}

// tagged says whether fields have the tag.
func tagged(fields message.Fields, tag string) bool {
	for word := range Tags(fields) {
		if string(word) == tag {
			return true
		}
	}
	return false
}

// Tags are what a response is to be found by for a purge: the words of
// Surrogate-Key and the elements of Cache-Tag.
func Tags(fields message.Fields) iter.Seq[[]byte] {
	return func(see func([]byte) bool) {
		for i := range fields {
			apart := byte(' ')
			switch {
			case message.EqualFold(fields[i].Name, "surrogate-key"):
			case message.EqualFold(fields[i].Name, "cache-tag"):
				apart = ','
			default:
				continue
			}
			for rest := fields[i].Value; len(rest) > 0; {
				var word []byte
				word, rest, _ = bytes.Cut(rest, []byte{apart})
				if word = message.TrimOWS(word); len(word) > 0 && !see(word) {
					return
				}
			}
		}
	}
}

func (p *purges) open(s *Store) {
	p.s = s
	p.wake, p.stop = make(chan struct{}, 1), make(chan struct{})
	if s.disk != nil {
		p.file = filepath.Join(s.o.Dir, "purges")
		if list := readPurges(p.file); len(list) > 0 {
			p.list.Store(&list)
			p.wake <- struct{}{}
		}
	}
	p.done.Add(1)
	go p.sweeper()
}

func (p *purges) close() {
	close(p.stop)
	p.done.Wait()
}

// note writes all purges down, and waits until they are on the disk: who was told
// that something is gone must not get it after a loss of power.
func (p *purges) note(list []Purge) error {
	if p.file == "" {
		return nil
	}
	if len(list) == 0 {
		return os.Remove(p.file)
	}
	f, err := os.CreateTemp(filepath.Dir(p.file), "purges-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	for _, b := range list {
		fmt.Fprintf(f, "%d %t %q %q\n", b.At.UnixNano(), b.Soft, b.Prefix, b.Tag)
	}
	err = f.Sync()
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), p.file)
	}
	if err != nil {
		return err
	}
	return syncPath(filepath.Dir(p.file))
}

func readPurges(file string) (list []Purge) {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan() && len(list) < maxPurges; {
		var b Purge
		var at int64
		if n, err := fmt.Sscanf(lines.Text(), "%d %t %q %q", &at, &b.Soft, &b.Prefix, &b.Tag); n == 4 && err == nil && b.Match != (Match{}) {
			b.At = time.Unix(0, at)
			list = append(list, b)
		}
	}
	return list
}

func (p *purges) sweeper() {
	defer p.done.Done()
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-p.wake:
		case <-tick.C:
		case <-p.stop:
			return
		}
		list := p.list.Load()
		if list == nil {
			continue
		}
		unswept := slices.DeleteFunc(slices.Clone(*list), func(b Purge) bool { return b.Swept })
		if len(unswept) == 0 || p.s.sweep(unswept, p.stop) {
			p.finish(len(*list))
		}
	}
}

// finish forgets purges that are old and have been swept. The first n of the list
// have been.
func (p *purges) finish(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.s.o.Now()
	list := p.list.Load()
	if list == nil {
		return
	}
	var left []Purge
	for i, b := range *list {
		b.Swept = b.Swept || i < n
		if !b.Swept || now.Sub(b.At) < keepPurge {
			left = append(left, b)
		}
	}
	if len(left) == 0 {
		p.list.Store(nil)
	} else {
		p.list.Store(&left)
	}
	if len(left) < len(*list) {
		if err := p.note(left); err != nil && !os.IsNotExist(err) {
			p.s.o.Logger.Warn("purges could not be noted", "file", p.file, "error", err)
		}
	}
}
