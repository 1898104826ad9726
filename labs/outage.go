package labs

import (
	"fmt"
	"slices"
	"time"

	"proxylab/loadtest"
)

// The rules by which an outage is read from samples. A system cannot be looked into
// from outside: what is told is what its clients noticed.
const (
	// noticed is how long a request waits, from its planned start, that was harmed
	// even though it was answered well. What a busy machine does to a request is
	// less most of the time.
	noticed = 250 * time.Millisecond

	// quietTurns are so many requests to each origin: where as many in a row are
	// unharmed, the origin that fails does not get its share of them.
	quietTurns = 10

	// evenWhile is how long shares are looked at, and evenWithin how far each may be
	// from its part, as a share of that part.
	evenWhile  = time.Second
	evenWithin = 0.1
)

// never is the time of what did not come about.
const never = time.Duration(-1)

// Outage is what clients noticed of a fault. A request was harmed that was not answered
// rightly, or had to wait for noticed.
type Outage struct {
	Requests int
	Failed   int           // not answered, or wrongly
	Slowest  time.Duration // from the planned start; 0 without samples
	Detected time.Duration // from Began until the last of the harmed requests was due after which the system left the origin alone; never where none was harmed
	Length   time.Duration // from Began until the last harmed request was due; 0 where none was harmed
	Back     time.Duration // from Mended until the first request was due that the origin answered; never where it did not
	Even     time.Duration // from Mended until the shares are even for evenWhile; never where the samples end before it
}

// outageOf reads an outage from the samples of a plan with equal shares, in order of
// their numbers. origins are the names of all. Requests that were sent before the
// fault may have met it; those that were due when the origin had answered again have
// not.
func outageOf(samples []loadtest.Sample, ev FaultEvent, origins []string) Outage {
	o := Outage{Requests: len(samples), Detected: never, Back: never, Even: never}
	quiet, left := 0, false
	for _, s := range samples {
		o.Slowest = max(o.Slowest, s.Response())
		if !s.Right {
			o.Failed++
		}
		if o.Back == never && s.Planned >= ev.Mended && answeredBy(s) == origins[ev.Origin-1] {
			o.Back = s.Planned - ev.Mended
		}
		if s.End < ev.Began || o.Back != never {
			continue
		}
		if s.Right && s.Response() < noticed {
			quiet++
			left = left || o.Detected != never && quiet >= quietTurns*len(origins)
			continue
		}
		quiet = 0
		o.Length = max(0, s.Planned-ev.Began)
		if !left {
			o.Detected = o.Length
		}
	}
	o.Even = evenFrom(samples, ev.Mended, origins)
	return o
}

// evenFrom is how long after a time the first evenWhile begins in which each origin
// has its part of the right answers.
func evenFrom(samples []loadtest.Sample, from time.Duration, origins []string) time.Duration {
	samples = samples[sent(samples, from):]
	shares, end := map[string]int{}, 0
	for i, s := range samples {
		for ; end < len(samples) && samples[end].Planned < s.Planned+evenWhile; end++ {
			shares[answeredBy(samples[end])]++
		}
		if end == len(samples) {
			return never // there is no whole evenWhile behind it
		}
		if even(shares, origins, end-i) {
			return s.Planned - from
		}
		shares[answeredBy(s)]--
	}
	return never
}

// sent is the index of the first sample that was due at a time or later.
func sent(samples []loadtest.Sample, at time.Duration) int {
	i, _ := slices.BinarySearchFunc(samples, at, func(s loadtest.Sample, at time.Duration) int { return int(s.Planned - at) })
	return i
}

// answeredBy is the origin of a right answer.
func answeredBy(s loadtest.Sample) string {
	if !s.Right {
		return ""
	}
	return s.Origin
}

func even(shares map[string]int, origins []string, total int) bool {
	part := float64(total) / float64(len(origins))
	for _, name := range origins {
		if off := float64(shares[name]) - part; off > part*evenWithin || off < -part*evenWithin {
			return false
		}
	}
	return true
}

// exactShares says what contradicts that a system elected the origins exactly in turn
// among the requests from a time on; nil for nothing. The samples are in order of
// their numbers.
//
// A request was elected for between its send and its first byte. Those of which both
// lie in the time were elected in it; those of which only one does may have been, so
// that of n to n+u elections an origin had some number from m to m+v. Of any row of
// elections in turn each of k origins has a k-th, rounded up or down.
func exactShares(samples []loadtest.Sample, from time.Duration, origins []string) error {
	if len(samples) == 0 {
		return fmt.Errorf("nothing was sent")
	}
	to := samples[len(samples)-1].Start
	in, perhaps := map[string]int{}, map[string]int{}
	n, u := 0, 0
	for _, s := range samples {
		switch {
		case !s.Right && s.End >= from:
			return fmt.Errorf("request %d failed: who was elected for it is not known", s.N)
		case s.FirstByte < from || s.Start > to:
		case s.Start >= from && s.FirstByte <= to:
			in[s.Origin]++
			n++
		default:
			perhaps[s.Origin]++
			u++
		}
	}
	least, most := n/len(origins), (n+u+len(origins)-1)/len(origins)
	for _, name := range origins {
		if m, v := in[name], perhaps[name]; m > most || m+v < least {
			return fmt.Errorf("%s answered %d to %d of %d to %d requests; in turn it is %d to %d", name, m, m+v, n, n+u, least, most)
		}
	}
	if n == 0 {
		return fmt.Errorf("no request was sent and answered from %v on", from)
	}
	return nil
}
