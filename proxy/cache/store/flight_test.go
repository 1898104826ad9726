package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"proxylab/proxy/cache"
)

// herd is clients of one key before an origin that a function plays.
type herd struct {
	t       *testing.T
	s       *Store
	f       *Flights
	mu      sync.Mutex
	fetches int
	origin  func(seat *Seat) // fetches for the one who leads
}

func newHerd(t *testing.T, o Options) *herd {
	o.Memory = 64 << 20
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return &herd{t: t, s: s, f: NewFlights()}
}

// client is one exchange: what it got, and when the first byte of it came. pause
// is how long it takes to read a piece.
func (h *herd) client(path string, pause time.Duration) (got []byte, first time.Duration, err error) {
	begin := time.Now()
	first = -1
	woken := make(chan struct{}, 1)
	wake := func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
	seat := h.f.Join(keyOf(path), time.Now(), wake)
	defer seat.Leave()
	for {
		switch seat.Role() {
		case Lead:
			if seat.Reader() == nil {
				h.mu.Lock()
				h.fetches++
				h.mu.Unlock()
				go h.origin(seat)
			}
		case Wait:
			<-woken
			continue
		case Alone:
			return nil, time.Since(begin), errAlone
		case Again:
			return get(h.t, h.s, requestFor(path), epoch), time.Since(begin), nil
		}
		r := seat.Reader()
		if r == nil {
			<-woken
			continue
		}
		p, err := r.Next()
		switch err {
		case nil:
			if first < 0 {
				first = time.Since(begin)
			}
			b := Body{Bytes: p.Bytes, File: p.File, At: p.At, Size: p.Size}
			part := make([]byte, p.Size)
			if _, err := b.ReadAt(part, 0); err != nil {
				return got, first, err
			}
			got = append(got, part...)
			r.Advance(p.Size)
			time.Sleep(pause)
		case ErrWait:
			<-woken
		case io.EOF:
			return got, first, nil
		default:
			return got, first, err
		}
	}
}

var errAlone = errors.New("alone")

// fetch writes a body in pieces, a second apart, after a second for the head.
func (h *herd) fetch(path string, body []byte, pieces int) func(*Seat) {
	return func(seat *Seat) {
		time.Sleep(time.Second)
		e := entryOf(h.t, requestFor(path), len(body), epoch)
		fill := h.s.Take(e.Key, &Variants{}, &cache.Taken{Fill: e})
		seat.Stream(fill)
		seat.wake()
		for i := range pieces {
			time.Sleep(time.Second)
			fill.Write(body[len(body)*i/pieces : len(body)*(i+1)/pieces])
		}
		fill.Commit(e)
	}
}

// TestHerd has a thousand clients ask for one slow object, which grows into a file
// on its way. There is one fetch; all get the first bytes when they are there, also
// those who come late, and slow ones slow nobody.
func TestHerd(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := newHerd(t, Options{Dir: dir, Object: 100_000})
		body := bodyOf("/herd", 300_000)
		h.origin = h.fetch("/herd", body, 10)
		var all sync.WaitGroup
		for i := range 1000 / slowness {
			all.Go(func() {
				late := time.Duration(i%3) * 1500 * time.Millisecond
				pause := time.Duration(0)
				if i%10 == 0 {
					pause = time.Minute
				}
				time.Sleep(late)
				begin := time.Now()
				got, first, err := h.client("/herd", pause)
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("client %d: %d bytes of %d, %v", i, len(got), len(body), err)
				}
				if want := max(0, 2*time.Second-late); first != want {
					t.Errorf("client %d, %v late: first byte after %v, not %v", i, late, first, want)
				}
				if d := time.Since(begin); pause == 0 && d != 11*time.Second-late {
					t.Errorf("client %d, %v late: all after %v", i, late, d)
				}
			})
		}
		all.Wait()
		if h.fetches != 1 {
			t.Errorf("%d fetches", h.fetches)
		}
		if got := get(t, h.s, requestFor("/herd"), epoch); !bytes.Equal(got, body) {
			t.Error("it is not stored")
		}
		if got, _, err := h.client("/herd", 0); err != nil || !bytes.Equal(got, body) {
			t.Errorf("one who comes when it is there: %d bytes, %v", len(got), err)
		}
		if n := len(h.f.flights); n != 0 {
			t.Errorf("%d flights are left", n)
		}
		if n := h.s.Stats().OpenFiles; n > 1 {
			t.Errorf("%d files are open", n)
		}
		h.s.Close()
	})
}

func TestReleasedAtOnceWhenItIsForNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHerd(t, Options{})
		defer h.s.Close()
		h.origin = func(seat *Seat) {
			time.Sleep(time.Second)
			seat.Release(Alone, time.Now(), time.Minute)
		}
		leader := h.f.Join(keyOf("/x"), time.Now(), func() {})
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, after, err := h.client("/x", 0); err != errAlone || after != time.Second {
					t.Errorf("released after %v: %v", after, err)
				}
			})
		}
		synctest.Wait()
		h.origin(leader)
		all.Wait()
		leader.Leave()
		if _, after, err := h.client("/x", 0); err != errAlone || after != 0 {
			t.Errorf("a later one waits %v for the same: %v", after, err)
		}
		time.Sleep(time.Minute)
		if s := h.f.Join(keyOf("/x"), time.Now(), func() {}); s.Role() != Lead {
			t.Error("and so does one a minute later")
		}
	})
}

func TestLeaderLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHerd(t, Options{})
		defer h.s.Close()
		body := bodyOf("/l", 1000)
		h.origin = h.fetch("/l", body, 2)
		leader := h.f.Join(keyOf("/l"), time.Now(), func() {})
		quitter := h.f.Join(keyOf("/l"), time.Now(), func() {})
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if got, _, err := h.client("/l", 0); err != nil || !bytes.Equal(got, body) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			})
		}
		synctest.Wait()
		quitter.Leave()
		leader.Leave()
		leader.Leave()
		all.Wait()
		if h.fetches != 1 {
			t.Errorf("%d fetches after the leader left before the head", h.fetches)
		}
		// Amid the content: those who follow get what came, and hear that it broke off.
		leader = h.f.Join(keyOf("/m"), time.Now(), func() {})
		e := entryOf(t, requestFor("/m"), 1000, epoch)
		fill := h.s.Take(e.Key, &Variants{}, &cache.Taken{Fill: e})
		for range 20 {
			all.Go(func() {
				if got, _, err := h.client("/m", 0); err != ErrAborted || len(got) != 10 {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			})
		}
		synctest.Wait()
		leader.Stream(fill)
		fill.Write(body[:10])
		synctest.Wait()
		leader.Leave()
		all.Wait()
		if fill.Followers() != 0 || len(h.f.flights) != 0 || get(t, h.s, requestFor("/m"), epoch) != nil {
			t.Errorf("%d readers, %d flights left", fill.Followers(), len(h.f.flights))
		}
	})
}

func TestOneValidationBehind(t *testing.T) {
	h := newHerd(t, Options{})
	defer h.s.Close()
	one := h.f.Try(keyOf("/b"))
	if one == nil || h.f.Try(keyOf("/b")) != nil {
		t.Fatal("not one")
	}
	put(t, h.s, requestFor("/b"), []byte("b"), epoch)
	wakes := 0
	waiter := h.f.Join(keyOf("/b"), epoch, func() { wakes++ })
	if waiter.Role() != Wait {
		t.Error("who misses does not wait for it")
	}
	one.Release(Again, epoch, 0)
	one.Leave()
	if waiter.Role() != Again || wakes != 1 {
		t.Errorf("role %v after the validation, %d wakes", waiter.Role(), wakes)
	}
	waiter.Leave()
	if h.f.Try(keyOf("/b")) == nil {
		t.Error("none after it")
	}
}

// TestTooLargeForMemory is a body of unknown length that outgrows a store without
// a directory.
func TestTooLargeForMemory(t *testing.T) {
	s := open(t, Options{Memory: 8 << 20, Object: 10_000})
	e := entryOf(t, requestFor("/t"), -1, epoch)
	f := s.Take(e.Key, &Variants{}, &cache.Taken{Fill: e})
	r := f.Follow(func() {})
	defer r.Close()
	f.Write(make([]byte, 9000))
	if _, err := f.Write(make([]byte, 9000)); err != ErrTooLarge {
		t.Errorf("written: %v", err)
	}
	p, err := r.Next()
	if p.Size != 9000 || err != nil {
		t.Errorf("a follower gets %d bytes, %v", p.Size, err)
	}
	r.Advance(p.Size)
	if _, err := r.Next(); err != ErrWait {
		t.Errorf("and then %v", err)
	}
	if f.Commit(e.Sized(18000, &cache.Policy{})) || s.Stats().TooLarge != 1 {
		t.Error("it is stored")
	}
}

// TestContentsThatComeHaveABound has many contents come at once and never end.
func TestContentsThatComeHaveABound(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s := open(t, Options{Memory: 4 << 20, Object: 200_000, Dir: dir})
		var fills []*Fill
		refused := 0
		for i := range 20 {
			e := entryOf(t, requestFor(fmt.Sprint("/", i)), 200_000, epoch)
			f := s.Take(e.Key, &Variants{}, &cache.Taken{Fill: e})
			if _, err := f.Write(make([]byte, 150_000)); err != nil {
				refused++
			}
			fills = append(fills, f)
		}
		if n := s.coming.Load(); n > 1<<20 || n < 1<<19 {
			t.Errorf("%d bytes in memory, of 1 MiB", n)
		}
		if files := s.Stats().OpenFiles; dir == "" && refused != 14 || dir != "" && (refused != 0 || files != 14) {
			t.Errorf("%d of 20 refused, %d in files", refused, files)
		}
		for _, f := range fills {
			f.Abort()
		}
		if n, files := s.coming.Load(), s.Stats().OpenFiles; n != 0 || files != 0 {
			t.Errorf("%d bytes, %d files left", n, files)
		}
		if dir != "" {
			if left, err := os.ReadDir(s.disk.tmp); len(left) > 0 || err != nil {
				t.Errorf("%d files of contents that were given up: %v", len(left), err)
			}
		}
	}
}
