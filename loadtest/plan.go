package loadtest

import "time"

// Plan is all a generator needs for one trial. The same plan with another
// Bases makes the same schedule, which is how systems are compared.
type Plan struct {
	Bases       []string      `json:"bases"`       // http://host:port; request n goes to Bases[n % len(Bases)]
	Targets     []Target      `json:"targets"`     // chosen per request by weight, from Seed
	InTurn      int           `json:"in_turn"`     // when above 0: targets in their order instead, each so many times running
	Phases      []Phase       `json:"phases"`      // one after the other
	Seed        uint64        `json:"seed"`        // of the choice of targets
	Connections int           `json:"connections"` // most idle connections kept per base
	Timeout     time.Duration `json:"timeout"`     // of one request, from its send, in ns
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

// filled is the target with its defaults put in.
func (t Target) filled() Target {
	if t.Method == "" {
		t.Method = "GET"
	}
	if t.Weight == 0 {
		t.Weight = 1
	}
	if t.Status == 0 {
		t.Status = 200
	}
	return t
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
	Rate  float64       `json:"rate" yaml:"rate"`                       // requests per second; 0 is a pause
	To    float64       `json:"to,omitempty" yaml:"to,omitempty"`       // rate at the end (ramp, stairs)
	Steps int           `json:"steps,omitempty" yaml:"steps,omitempty"` // levels of stairs, at least 2
	For   time.Duration `json:"for" yaml:"for"`                         // length
}
