package loadtest

import "time"

// Plan is all a generator needs for one trial. The same plan with another
// Bases makes the same schedule, which is how systems are compared.
type Plan struct {
	Bases       []string      `json:"bases"`       // http://host:port; request n goes to Bases[n % len(Bases)]
	Targets     []Target      `json:"targets"`     // chosen per request by weight, from Seed
	Phases      []Phase       `json:"phases"`      // one after the other
	Seed        uint64        `json:"seed"`        // of the choice of targets
	Connections int           `json:"connections"` // most idle connections kept per base
	Timeout     time.Duration `json:"timeout"`     // of one request, in ns
}

// Target is one kind of request and what a right answer to it is.
type Target struct {
	Method string  `json:"method"`         // GET by default
	Path   string  `json:"path"`           // with its query, begins with "/"
	Body   int     `json:"body,omitempty"` // bytes of request body
	Weight float64 `json:"weight"`         // share among the targets; 1 by default
	Status int     `json:"status"`         // expected status; 200 by default
	Size   int64   `json:"size"`           // expected bytes of response body, -1 for any
	XXH64  string  `json:"xxh64"`          // expected xxHash64 of the response body, 16 hex digits; "" for any
}

// Shape is how the rate moves within a phase.
type Shape string

// The shapes of a phase.
const (
	Constant Shape = "constant" // Rate throughout
	Ramp     Shape = "ramp"     // linear from Rate to To
	Stairs   Shape = "stairs"   // Steps levels of equal length, the first at Rate, the last at To
)

// Phase is a stretch of the schedule with one shape.
type Phase struct {
	Shape Shape         `json:"shape" yaml:"shape"`
	Rate  float64       `json:"rate" yaml:"rate"`                       // requests per second
	To    float64       `json:"to,omitempty" yaml:"to,omitempty"`       // rate at the end (ramp, stairs)
	Steps int           `json:"steps,omitempty" yaml:"steps,omitempty"` // levels of stairs, at least 2
	For   time.Duration `json:"for" yaml:"for"`                         // length
}

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
}

// Response is the time the client waited by the plan: what coordinated
// omission hides.
func (s Sample) Response() time.Duration { return s.End - s.Planned }

// Service is the time from the actual send.
func (s Sample) Service() time.Duration { return s.End - s.Start }
