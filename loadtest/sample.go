package loadtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Sample is the record of one request. Times count from the start of the
// schedule on the generator's monotonic clock.
type Sample struct {
	N         uint64        // place in the schedule, from 0
	Target    int           // index into Plan.Targets of what was sent
	Planned   time.Duration // planned start
	Start     time.Duration // actual start, when the request was handed to the connection pool
	FirstByte time.Duration // first byte of the response; 0 when none came
	End       time.Duration // last byte of the response, or the failure
	Status    int           // 0 when no response came
	Bytes     int64         // of response body
	Right     bool          // status, size and hash are those of the target
	Origin    string        // the response's X-Origin
	Err       string        // why it failed; "" when an answer came whole
	Item      int           // what {item} of the target stood for; 0 for none
	Cache     string        // what caches on the way said of the answer: "hit", "uri-miss", …; "" when nothing was said
}

// Response is the time the client waited by the plan: what coordinated
// omission hides.
func (s Sample) Response() time.Duration { return s.End - s.Planned }

// Service is the time from the actual send.
func (s Sample) Service() time.Duration { return s.End - s.Start }

// Late says whether the request was sent more than [LateAfter] behind the plan.
func (s Sample) Late() bool { return s.Start-s.Planned > LateAfter }

// Tally is the count of samples. Right, Wrong and Failed add up to Requests.
type Tally struct {
	Requests int // sent
	Right    int // answered with the right status and bytes
	Wrong    int // answered with other status or bytes
	Failed   int // no whole answer
	Late     int // sent more than LateAfter behind the plan
}

// Summary counts samples.
func Summary(samples []Sample) Tally {
	t := Tally{Requests: len(samples)}
	for _, s := range samples {
		switch {
		case s.Err != "":
			t.Failed++
		case s.Right:
			t.Right++
		default:
			t.Wrong++
		}
		if s.Late() {
			t.Late++
		}
	}
	return t
}

// ScheduleSHA256 is a hash over what was sent, in order of n: for each sample a
// line of planned start in ns, method, path and bytes of request body, then fields
// and cookies where the target has any. Two trials with the same hash were asked
// the same things at the same times. A target that a sample names and the plan
// lacks is an error.
func ScheduleSHA256(targets []Target, samples []Sample) (string, error) {
	ordered := slices.Clone(samples)
	SortSamples(ordered)
	h := sha256.New()
	var line []byte
	for _, s := range ordered {
		if s.Target < 0 || s.Target >= len(targets) {
			return "", fmt.Errorf("sample %d: target %d is not among the plan's %d", s.N, s.Target, len(targets))
		}
		t := targets[s.Target].filled()
		line = strconv.AppendInt(line[:0], int64(s.Planned), 10)
		line = append(line, ' ')
		line = append(line, t.Method...)
		line = append(line, ' ')
		line = append(line, expand(t.Path, s.N, s.Item)...)
		line = append(line, ' ')
		line = strconv.AppendInt(line, int64(t.Body), 10)
		for _, f := range t.header() {
			line = append(line, ' ')
			line = append(line, f.name+": "+expand(f.value, s.N, s.Item)...)
		}
		line = append(line, '\n')
		h.Write(line)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// SortSamples puts samples in order of N. They complete in another order.
func SortSamples(samples []Sample) {
	slices.SortFunc(samples, func(a, b Sample) int {
		switch {
		case a.N < b.N:
			return -1
		case a.N > b.N:
			return 1
		}
		return 0
	})
}
