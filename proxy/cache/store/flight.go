package store

import (
	"hash/maphash"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Flights has one of all who want a key at once fetch it, and the others follow.
// The zero value is not one: NewFlights.
type Flights struct {
	seed maphash.Seed

	mu      sync.Mutex
	flights map[string]*flight
	alone   [1024]struct { // keys whose responses were not for others lately, by hash
		hash  uint64
		until time.Time
	}
	ended atomic.Int64
}

// flight is one fetch.
type flight struct {
	key     string
	leader  *Seat
	waiting []*Seat // in the order they came
	fill    *Fill   // nil until the head of the response is there, and may be stored
}

// Role is what one of those who want a key is to do.
type Role uint8

// The roles. Only Wait changes into another one by itself: the seat's wake is
// called then.
const (
	Lead   Role = iota // fetch it; then Stream or Release, and Leave in the end
	Wait               // for the head of the response
	Follow             // read Reader, if Fill().Entry is for this request; else leave, and go on as with Alone
	Again              // look into the store again: what is there has been validated, or replaced
	Alone              // fetch it for oneself, and store what comes as if there were no others
)

// Seat is a place in a flight. One goroutine at a time uses it.
type Seat struct {
	f      *Flights
	flight *flight
	wake   func()

	role   Role // guarded by f.mu
	reader *Reader
	left   bool
}

// NewFlights is a set of no flights.
func NewFlights() *Flights {
	return &Flights{seed: maphash.MakeSeed(), flights: map[string]*flight{}}
}

// Join takes a seat in the flight of a key, or begins one. wake is called when
// Wait has become another role, and as the wake of Fill.Follow: from the goroutine
// of another exchange, so it must not wait for anything, nor call the seat.
func (f *Flights) Join(key []byte, now time.Time, wake func()) *Seat {
	s := &Seat{f: f, wake: wake}
	f.mu.Lock()
	defer f.mu.Unlock()
	fl := f.flights[string(key)]
	if fl != nil && fl.fill != nil {
		if err := fl.fill.ended(); err != nil {
			f.end(fl)
			if err == io.EOF {
				s.role = Again
				return s
			}
			fl = nil
		}
	}
	switch {
	case fl == nil && f.isAlone(key, now):
		s.role = Alone
	case fl == nil:
		f.begin(s, key)
	case fl.fill == nil:
		s.flight, s.role = fl, Wait
		fl.waiting = append(fl.waiting, s)
	default:
		s.flight = fl
		s.follow(fl.fill)
	}
	return s
}

// Try begins a flight that nobody waits for: a validation behind an answer. nil
// is for a key that has one.
func (f *Flights) Try(key []byte) *Seat {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.flights[string(key)] != nil {
		return nil
	}
	s := &Seat{f: f, wake: func() {}}
	f.begin(s, key)
	return s
}

// Ended is how many flights have ended. Who found nothing stored, and leads a new
// flight, looks again where one has ended meanwhile: it may have been of the same key.
func (f *Flights) Ended() int64 { return f.ended.Load() }

// begin makes s the leader of a new flight. f.mu is held.
func (f *Flights) begin(s *Seat, key []byte) {
	s.role = Lead
	s.flight = &flight{key: string(key), leader: s}
	f.flights[s.flight.key] = s.flight
}

// Role is what to do now.
func (s *Seat) Role() Role {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	return s.role
}

// Reader reads the content for Follow; for Lead it is nil before Stream, and then
// its own client's, which reads like all others.
func (s *Seat) Reader() *Reader {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	return s.reader
}

// Fill is what Reader reads; nil without one.
func (s *Seat) Fill() *Fill {
	if r := s.Reader(); r != nil {
		return r.f
	}
	return nil
}

// Stream says, by the leader, that the response may be stored and its content
// will be written to fill. All who wait follow, and so does the leader's client.
func (s *Seat) Stream(fill *Fill) {
	f := s.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.role != Lead || s.left {
		return
	}
	fl := s.flight
	fl.fill = fill
	s.reader = fill.Follow(s.wake)
	waiting := fl.waiting
	fl.waiting = nil
	for _, w := range waiting {
		w.follow(fill)
		w.wake()
	}
}

// Waiting says how many wait for what the leader gets, before Stream and Release.
func (s *Seat) Waiting() int {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	if s.flight == nil {
		return 0
	}
	return len(s.flight.waiting)
}

func (s *Seat) follow(fill *Fill) {
	s.role, s.reader = Follow, fill.Follow(s.wake)
}

// Release says, by the leader, that there is nothing to follow: with Again for
// what was validated or is in the store already, with Alone for a response that is
// not for others, or none at all. For as long as pass, nobody waits for that key
// again to hear the same.
func (s *Seat) Release(role Role, now time.Time, pass time.Duration) {
	f := s.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.role != Lead || s.left || s.flight.fill != nil {
		return
	}
	f.end(s.flight)
	f.passBy(s.flight.key, now, pass)
	waiting := s.flight.waiting
	s.flight.waiting = nil
	for _, w := range waiting {
		w.role = role
		w.wake()
	}
}

// Close says, by the leader, that nobody can follow any more who does not yet: the
// content is not going to be stored. Pass is as with Release.
func (s *Seat) Close(now time.Time, pass time.Duration) {
	f := s.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.role == Lead && !s.left {
		f.end(s.flight)
		f.passBy(s.flight.key, now, pass)
	}
}

// passBy has nobody wait for a key for so long. f.mu is held.
func (f *Flights) passBy(key string, now time.Time, pass time.Duration) {
	if pass > 0 {
		h := maphash.String(f.seed, key)
		a := &f.alone[h%uint64(len(f.alone))]
		a.hash, a.until = h, now.Add(pass)
	}
}

func (f *Flights) isAlone(key []byte, now time.Time) bool {
	h := maphash.Bytes(f.seed, key)
	a := &f.alone[h%uint64(len(f.alone))]
	return a.hash == h && now.Before(a.until)
}

// end has nobody join a flight any more. f.mu is held.
func (f *Flights) end(fl *flight) {
	if f.flights[fl.key] == fl {
		f.ended.Add(1)
		delete(f.flights, fl.key)
	}
}

// Leave gives the seat up; it is called once by each. A leader who leaves before
// Stream or Release makes the one who waits longest the leader. One who leaves
// with a Fill that is neither committed nor aborted aborts it: those who follow get
// what came.
func (s *Seat) Leave() {
	f := s.f
	f.mu.Lock()
	if s.left {
		f.mu.Unlock()
		return
	}
	s.left = true
	reader, fl := s.reader, s.flight
	s.reader = nil
	var fill *Fill
	switch {
	case fl == nil:
	case s.role == Wait:
		if i := slices.Index(fl.waiting, s); i >= 0 {
			fl.waiting = slices.Delete(fl.waiting, i, i+1)
		}
	case fl.leader != s:
	case fl.fill == nil && len(fl.waiting) > 0:
		next := fl.waiting[0]
		fl.waiting = fl.waiting[1:]
		fl.leader, next.role = next, Lead
		next.wake()
	default:
		f.end(fl)
		fill = fl.fill
	}
	f.mu.Unlock()
	if reader != nil {
		reader.Close()
	}
	if fill != nil {
		fill.Abort() // nothing, after Commit
	}
}
