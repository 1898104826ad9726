package loadtest

import (
	"math"
	"sort"
	"time"
)

// Schedule is a plan worked out: which hits there are, when each is due, and
// what it asks for. It is pure; nothing in it depends on a clock or an answer.
//
// The rate r(t) is made of pieces, each linear. Its integral is the number of
// hits due before t, and hit n is due where that number is n:
//
//	 r ▲                              H ▲
//	   │      ┌─────                    │           ╱
//	   │    ╱ │                         │         ╱
//	   │  ╱   └── constant            n │·······╱
//	   │╱  ramp                         │   _╱  ·
//	   └───────────► t                  └───────┴───► t
//	                                           At(n)
//
//	H(t) = ∫₀ᵗ r             within a piece that begins at t₀ with rate a and slope k:
//	H(t) = H₀ + a·u + k·u²/2,  u = t − t₀
//	At(n) = t₀ + 2h / (a + √(a² + 2kh)),  h = n − H₀
//
// The inverse is written with the root below the line, so that it loses no
// digits for small slopes and needs no case for k = 0. Stairs are constant
// pieces. Hit 0 is due at 0, and hits go on as long as n < H(end).
type Schedule struct {
	pieces []piece
	hits   uint64
	length time.Duration
	seed   uint64
	turn   uint64    // Plan.InTurn, 0 for a choice by weight
	cum    []float64 // cum[i] is the sum of the weights of targets 0..i
}

// piece is a stretch with linear rate.
type piece struct {
	start, length float64 // seconds
	before        float64 // hits due before start
	due           float64 // hits due within
	rate, slope   float64 // at start; per second
}

// Schedule works the plan out. The error is that of [Plan.Validate].
func (p Plan) Schedule() (*Schedule, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return newSchedule(p), nil
}

func newSchedule(p Plan) *Schedule {
	s := &Schedule{seed: p.Seed, turn: uint64(max(0, p.InTurn))}
	for _, ph := range p.Phases {
		s.addPhase(ph)
		s.length += ph.For
	}
	if len(s.pieces) > 0 {
		last := s.pieces[len(s.pieces)-1]
		s.hits = uint64(math.Ceil(last.before + last.due))
	}
	sum := 0.0
	for _, t := range p.Targets {
		sum += t.filled().Weight
		s.cum = append(s.cum, sum)
	}
	return s
}

func (s *Schedule) addPhase(p Phase) {
	length := p.For.Seconds()
	switch p.Shape {
	case Ramp:
		s.addPiece(length, p.Rate, (p.To-p.Rate)/length)
	case Stairs:
		for i := range p.Steps {
			s.addPiece(length/float64(p.Steps), p.Rate+(p.To-p.Rate)*float64(i)/float64(p.Steps-1), 0)
		}
	default:
		s.addPiece(length, p.Rate, 0)
	}
}

func (s *Schedule) addPiece(length, rate, slope float64) {
	n := piece{length: length, rate: rate, slope: slope}
	if len(s.pieces) > 0 {
		last := s.pieces[len(s.pieces)-1]
		n.start = last.start + last.length
		n.before = last.before + last.due
	}
	n.due = snap(n.before+rate*length+slope*length*length/2) - n.before
	s.pieces = append(s.pieces, n)
}

// snap takes rounding away from a count that is whole: else 100/s for 3 × 0.1 s
// might be 31 hits, and the hit due after a pause might come before it.
func snap(h float64) float64 {
	if r := math.Round(h); math.Abs(h-r) < 1e-6 {
		return r
	}
	return h
}

// Hits is the number of hits, 0..Hits()-1.
func (s *Schedule) Hits() uint64 { return s.hits }

// Length is that of all phases. The last hit is due before it.
func (s *Schedule) Length() time.Duration { return s.length }

// At is the planned start of hit n, counted from the start of the schedule.
func (s *Schedule) At(n uint64) time.Duration {
	i := sort.Search(len(s.pieces)-1, func(i int) bool {
		return float64(n) < s.pieces[i].before+s.pieces[i].due
	})
	p := s.pieces[i]
	h := float64(n) - p.before
	u := 0.0
	if h > 0 {
		u = 2 * h / (p.rate + math.Sqrt(max(0, p.rate*p.rate+2*p.slope*h)))
	}
	return time.Duration(math.Round((p.start + min(u, p.length)) * 1e9))
}

// Rate is r(t) in requests per second, 0 outside the schedule.
func (s *Schedule) Rate(t time.Duration) float64 {
	if t < 0 || t >= s.length {
		return 0
	}
	i := sort.Search(len(s.pieces)-1, func(i int) bool { return t.Seconds() < s.pieces[i].start+s.pieces[i].length })
	p := s.pieces[i]
	return max(0, p.rate+p.slope*(t.Seconds()-p.start))
}

// Target is the index of the target of hit n. The plan and n alone decide, so
// that no order of sending can change what is sent: by weight, from a stream of
// random numbers that starts at the seed, or in turn where the plan says so.
func (s *Schedule) Target(n uint64) int {
	if len(s.cum) < 2 {
		return 0
	}
	if s.turn > 0 {
		return int(n / s.turn % uint64(len(s.cum)))
	}
	u := float64(mix(s.seed, n)>>11) / (1 << 53) // [0, 1)
	x := u * s.cum[len(s.cum)-1]
	return min(sort.SearchFloat64s(s.cum, math.Nextafter(x, math.Inf(1))), len(s.cum)-1)
}

// mix is SplitMix64 (Steele, Lea and Flood, 2014) used as a counter: the n-th
// word of the stream that starts at the seed.
func mix(seed, n uint64) uint64 {
	z := finish(seed) + (n+1)*0x9e3779b97f4a7c15
	return finish(z)
}

func finish(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
