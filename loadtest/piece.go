package loadtest

import (
	"math"
	"sort"
	"time"
)

// piece is a stretch of the schedule: a line, a wave, or a trace. Times are
// seconds since its start, and hits count from its own first.
type piece struct {
	start, length float64 // seconds
	before        float64 // hits due before start
	due           float64 // hits due within

	rate, slope float64   // line: rate at the start, and its change per second
	swing, turn float64   // wave: rate + swing·sin(turn·u); swing 0 is no wave
	trace       []Arrival // trace: nil is none
}

// pieces are the pieces of one phase, without their places.
func (p Phase) pieces() []piece {
	length := p.For.Seconds()
	switch p.Shape {
	case Ramp:
		return []piece{{length: length, rate: p.Rate, slope: (p.To - p.Rate) / length}}
	case Stairs:
		var all []piece
		for i := range p.Steps {
			all = append(all, piece{length: length / float64(p.Steps), rate: p.Rate + (p.To-p.Rate)*float64(i)/float64(p.Steps-1)})
		}
		return all
	case Spike:
		return []piece{
			{length: p.At.Seconds(), rate: p.Rate},
			{length: p.Lasts.Seconds(), rate: p.To},
			{length: (p.For - p.At - p.Lasts).Seconds(), rate: p.Rate},
		}
	case Sine:
		return []piece{{length: length, rate: p.Rate, swing: p.To - p.Rate, turn: 2 * math.Pi / p.Period.Seconds()}}
	case Replay:
		return []piece{{length: length, trace: p.Trace}}
	}
	return []piece{{length: length, rate: p.Rate}}
}

// sum is the hits due within the first u seconds.
func (p *piece) sum(u float64) float64 {
	switch {
	case p.trace != nil:
		return float64(p.arrived(seconds(u)))
	case p.swing != 0:
		return p.rate*u + p.swing/p.turn*(1-math.Cos(p.turn*u))
	}
	return p.rate*u + p.slope*u*u/2
}

// at is the inverse of sum. Of a line it is written with the root below, so
// that it loses no digits for small slopes and needs no case for none; a wave has
// no formula, but its sum never falls, and halving finds the place.
func (p *piece) at(h float64) float64 {
	switch {
	case h <= 0 && p.trace == nil:
		return 0
	case p.trace != nil:
		return p.trace[p.index(h)].At.Seconds()
	case p.swing != 0:
		low, high := 0.0, p.length
		for high-low > 1e-10 {
			mid := (low + high) / 2
			if mid <= low || mid >= high {
				break // no number lies between
			}
			if p.sum(mid) < h {
				low = mid
			} else {
				high = mid
			}
		}
		return high
	}
	return min(p.length, 2*h/(p.rate+math.Sqrt(max(0, p.rate*p.rate+2*p.slope*h))))
}

// index is the arrival of a trace that is hit h of the piece.
func (p *piece) index(h float64) int { return min(int(max(0, h)), len(p.trace)-1) }

// speed is the rate after u seconds; of a trace, that of the second around.
func (p *piece) speed(u float64) float64 {
	switch {
	case p.trace != nil:
		return float64(p.arrived(seconds(u+0.5)) - p.arrived(seconds(u-0.5)))
	case p.swing != 0:
		return max(0, p.rate+p.swing*math.Sin(p.turn*u))
	}
	return max(0, p.rate+p.slope*u)
}

// arrived is how many arrivals of the trace come before t.
func (p *piece) arrived(t time.Duration) int {
	return sort.Search(len(p.trace), func(i int) bool { return p.trace[i].At >= t })
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }
