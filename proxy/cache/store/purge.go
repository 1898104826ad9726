package store

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"proxylab/proxy/cache"
	"proxylab/proxy/message"
)

// A Match is what a purge is about: responses that have all that is given.
type Match struct {
	Key    string // of Request.AppendKey
	Prefix string // of the key
	Tag    string // a word of Surrogate-Key, or an element of Cache-Tag
}

// purge is a Match and its time: it concerns what was requested before. So a
// purge is in force at once, however much is stored, and holds for what is being
// fetched; the sweeper then goes through memory and files behind.
type purge struct {
	Match
	soft  bool // it only has to be validated
	at    time.Time
	swept bool
}

// keepPurge is how long a purge is kept after the sweep, for responses that were
// asked for before it and come after it.
const keepPurge = 10 * time.Minute

// maxPurges bounds what each lookup has to go through.
const maxPurges = 1024

type purges struct {
	s    *Store
	list atomic.Pointer[[]purge] // nil without any

	mu   sync.Mutex // who changes list
	file string     // "" without a disk
	wake chan struct{}
	stop chan struct{}
	done sync.WaitGroup
}

// Purge removes what matches, or with soft has it validated before it is used
// again. It is in force when Purge returns. The error is that of the file that it
// is noted in: the purge is then forgotten when the process ends before all
// files are swept.
func (s *Store) Purge(m Match, soft bool) error {
	if m == (Match{}) {
		return fmt.Errorf("cache: purge of nothing: neither key, prefix nor tag")
	}
	p := &s.purges
	p.mu.Lock()
	defer p.mu.Unlock()
	one := purge{Match: m, soft: soft, at: s.o.Now()}
	var list []purge
	if l := p.list.Load(); l != nil {
		if list = *l; len(list) >= maxPurges {
			return fmt.Errorf("cache: %d purges are still at work: try again later", len(list))
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

// pass says whether an entry was not purged, and marks one that was, softly.
func (p *purges) pass(e *cache.Entry) bool {
	list := p.list.Load()
	if list == nil {
		return true
	}
	for i := range *list {
		if b := &(*list)[i]; b.concerns(e) {
			if !b.soft {
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

func (b *purge) concerns(e *cache.Entry) bool {
	return !e.Requested.After(b.at) && (b.Key == "" || string(e.Key) == b.Key) &&
		(b.Prefix == "" || bytes.HasPrefix(e.Key, []byte(b.Prefix))) && (b.Tag == "" || tagged(e.Fields, b.Tag))
}

// tagged says whether fields have the tag.
func tagged(fields message.Fields, tag string) bool {
	for i := range fields {
		var apart func(rune) bool
		switch {
		case message.EqualFold(fields[i].Name, "surrogate-key"):
			apart = func(r rune) bool { return r == ' ' || r == '\t' }
		case message.EqualFold(fields[i].Name, "cache-tag"):
			apart = func(r rune) bool { return r == ',' }
		default:
			continue
		}
		for _, word := range bytes.FieldsFunc(fields[i].Value, apart) {
			if string(bytes.TrimSpace(word)) == tag {
				return true
			}
		}
	}
	return false
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
func (p *purges) note(list []purge) error {
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
		fmt.Fprintf(f, "%d %t %q %q %q\n", b.at.UnixNano(), b.soft, b.Key, b.Prefix, b.Tag)
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
	dir, err := os.Open(filepath.Dir(p.file))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func readPurges(file string) (list []purge) {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan() && len(list) < maxPurges; {
		var b purge
		var at int64
		if n, err := fmt.Sscanf(lines.Text(), "%d %t %q %q %q", &at, &b.soft, &b.Key, &b.Prefix, &b.Tag); n == 5 && err == nil && b.Match != (Match{}) {
			b.at = time.Unix(0, at)
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
		unswept := slices.DeleteFunc(slices.Clone(*list), func(b purge) bool { return b.swept })
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
	var left []purge
	for i, b := range *list {
		b.swept = b.swept || i < n
		if !b.swept || now.Sub(b.at) < keepPurge {
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
