package loadtest

import (
	"math"
	"sort"
	"time"
)

// Schedule is a plan worked out: which hits there are, when each is due, and
// what it asks for. It is pure; nothing in it depends on a clock or an answer.
//
// The rate r(t) is made of pieces: lines, sine waves and traces. Its integral is
// the number of hits due before t, and hit n is due where that number is n:
//
//	 r ▲                              H ▲
//	   │      ┌─────                    │           ╱
//	   │    ╱ │                         │         ╱
//	   │  ╱   └── constant            n │·······╱
//	   │╱  ramp                         │   _╱  ·
//	   └───────────► t                  └───────┴───► t
//	                                           At(n)
//
//	H(t) = ∫₀ᵗ r             within a piece that begins at t₀, u = t − t₀:
//	line                     H(t) = H₀ + a·u + k·u²/2        rate a, slope k
//	wave                     H(t) = H₀ + a·u + b/ω·(1 − cos ωu)
//	At(n) = H⁻¹(n)           of a line: t₀ + 2h / (a + √(a² + 2kh)),  h = n − H₀
//
// Stairs and spikes are constant lines. Hit 0 is due at 0, and hits go on as long
// as n < H(end).
//
// Poisson arrivals are the same with another clock: hit n is due where H is Γₙ,
// the n-th arrival of a Poisson process of rate 1 that is drawn from the seed.
// Their number before t then is Poisson with mean and variance H(t), whatever the
// shape.
type Schedule struct {
	pieces  []piece
	hits    uint64
	length  time.Duration
	seed    uint64
	clients int       // of a closed loop; 0 for all others
	turn    uint64    // Plan.InTurn, 0 for a choice by weight
	cum     []float64 // cum[i] is the sum of the weights of targets 0..i
	items   [][]float64
	gamma   []float64 // Γ of Poisson arrivals; nil for even ones
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
		if ph.Shape == Closed {
			s.clients = ph.Clients
		}
		for _, one := range ph.pieces() {
			s.add(one)
		}
		s.length += ph.For
	}
	if sum := s.sum(); p.Arrivals == Poisson && sum <= MaxPoisson {
		s.gamma = arrivals(p.Seed, sum)
		s.hits = uint64(len(s.gamma))
	} else {
		s.hits = uint64(math.Ceil(sum))
	}
	sum := 0.0
	for _, t := range p.Targets {
		sum += t.filled().Weight
		s.cum = append(s.cum, sum)
		s.items = append(s.items, popularity(t))
	}
	return s
}

// sum is H(end).
func (s *Schedule) sum() float64 {
	if len(s.pieces) == 0 {
		return 0
	}
	last := &s.pieces[len(s.pieces)-1]
	return last.before + last.due
}

func (s *Schedule) add(n piece) {
	n.before = s.sum()
	if len(s.pieces) > 0 {
		last := &s.pieces[len(s.pieces)-1]
		n.start = last.start + last.length
	}
	n.due = snap(n.before+n.whole()) - n.before
	s.pieces = append(s.pieces, n)
}

// whole is the hits due in all of the piece.
func (p *piece) whole() float64 {
	if p.trace != nil {
		return float64(len(p.trace))
	}
	return p.sum(p.length)
}

// snap takes rounding away from a count that is whole: else 100/s for 3 × 0.1 s
// might be 31 hits, and the hit due after a pause might come before it.
func snap(h float64) float64 {
	if r := math.Round(h); math.Abs(h-r) < 1e-6 {
		return r
	}
	return h
}

// Hits is the number of hits, 0..Hits()-1. A closed loop has none: how many it
// sends depends on the answers.
func (s *Schedule) Hits() uint64 { return s.hits }

// Length is that of all phases. The last hit is due before it.
func (s *Schedule) Length() time.Duration { return s.length }

// At is the planned start of hit n, counted from the start of the schedule.
func (s *Schedule) At(n uint64) time.Duration {
	h := float64(n)
	if s.gamma != nil {
		h = s.gamma[n]
	}
	p := s.holding(h)
	return seconds(p.start + p.at(h-p.before))
}

// holding is the piece in which hit h is due.
func (s *Schedule) holding(h float64) *piece {
	return &s.pieces[sort.Search(len(s.pieces)-1, func(i int) bool { return h < s.pieces[i].before+s.pieces[i].due })]
}

// Rate is r(t) in requests per second, 0 outside the schedule.
func (s *Schedule) Rate(t time.Duration) float64 {
	if t < 0 || t >= s.length {
		return 0
	}
	i := sort.Search(len(s.pieces)-1, func(i int) bool { return t.Seconds() < s.pieces[i].start+s.pieces[i].length })
	return s.pieces[i].speed(t.Seconds() - s.pieces[i].start)
}

// Target is the index of the target of hit n. The plan and n alone decide, so
// that no order of sending can change what is sent: by weight, from a stream of
// random numbers that starts at the seed, or in turn where the plan says so.
func (s *Schedule) Target(n uint64) int {
	if s.clients == 0 && n < s.hits {
		h := float64(n)
		if p := s.holding(h); p.trace != nil {
			if t := p.trace[p.index(h-p.before)].Target; t >= 0 {
				return t
			}
		}
	}
	if len(s.cum) < 2 {
		return 0
	}
	if s.turn > 0 {
		return int(n / s.turn % uint64(len(s.cum)))
	}
	return pick(s.cum, uniform(s.seed, n))
}

// Item is the item that hit n asks for, from 1, or 0 where its target has none.
func (s *Schedule) Item(n uint64) int {
	cum := s.items[s.Target(n)]
	if cum == nil {
		return 0
	}
	return 1 + pick(cum, uniform(s.seed+itemStream, n))
}

// popularity is the sums of the weights of a target's items, k^-Zipf each; nil
// for no items.
func popularity(t Target) []float64 {
	if t.Items < 1 || t.Items > MaxItems {
		return nil
	}
	cum, sum := make([]float64, t.Items), 0.0
	for k := range cum {
		sum += math.Pow(float64(k+1), -t.Zipf)
		cum[k] = sum
	}
	return cum
}

// pick is the place in cum, sums of weights, where the share u of all lies.
func pick(cum []float64, u float64) int {
	x := u * cum[len(cum)-1]
	return min(sort.SearchFloat64s(cum, math.Nextafter(x, math.Inf(1))), len(cum)-1)
}

// arrivals is Γ: sums of exponential gaps with mean 1, as long as they are
// below end.
func arrivals(seed uint64, end float64) []float64 {
	gamma := make([]float64, 0, int(end)+16)
	at := 0.0
	for n := uint64(0); ; n++ {
		at -= math.Log1p(-uniform(seed+arrivalStream, n))
		if at >= end {
			return gamma
		}
		gamma = append(gamma, at)
	}
}

// One seed gives several streams: what is asked for, and when, do not hang
// together. The numbers are part of stored runs.
const (
	itemStream    = 0x6974656d
	arrivalStream = 0x61727276
)

// uniform is the n-th number of a stream, in [0, 1).
func uniform(seed, n uint64) float64 { return float64(mix(seed, n)>>11) / (1 << 53) }

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
