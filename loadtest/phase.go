package loadtest

import "time"

// Shape is how the rate moves within a phase.
type Shape string

// The shapes of a phase.
const (
	Constant Shape = "constant" // Rate throughout
	Ramp     Shape = "ramp"     // linear from Rate to To
	Stairs   Shape = "stairs"   // Steps levels of equal length, the first at Rate, the last at To
	Spike    Shape = "spike"    // Rate, but To from At on for Lasts
	Sine     Shape = "sine"     // around Rate, up to To first, one wave each Period
	Replay   Shape = "replay"   // the arrivals of Trace
	Closed   Shape = "closed"   // Clients that each send when their last answer is in; stands alone
)

// Phase is a stretch of the schedule with one shape.
//
// Closed is there as a lesson: a slow answer delays the requests behind it, so
// that a stall hides most of the waiting it caused. Its requests have no plan;
// their planned start is the actual one, and [Judge] says so.
type Phase struct {
	Shape   Shape         `json:"shape" yaml:"shape"`
	Rate    float64       `json:"rate,omitempty" yaml:"rate"`       // requests per second; 0 is a pause
	To      float64       `json:"to,omitempty" yaml:"to"`           // rate at the end (ramp, stairs) or at the top (spike, sine)
	Steps   int           `json:"steps,omitempty" yaml:"steps"`     // levels of stairs, at least 2
	At      time.Duration `json:"at,omitempty" yaml:"at"`           // start of the spike within the phase
	Lasts   time.Duration `json:"lasts,omitempty" yaml:"lasts"`     // length of the spike
	Period  time.Duration `json:"period,omitempty" yaml:"period"`   // of the sine
	Clients int           `json:"clients,omitempty" yaml:"clients"` // of the closed loop
	Trace   []Arrival     `json:"trace,omitempty" yaml:"-"`         // of the replay, in order of At
	File    string        `json:"-" yaml:"trace"`                   // where the trace was read from; the generator does not look
	For     time.Duration `json:"for" yaml:"for"`                   // length
}

// Arrival is one request of a trace.
type Arrival struct {
	At     time.Duration `json:"at"`     // since the start of the phase
	Target int           `json:"target"` // index into Plan.Targets; -1 chooses as the plan does
}
