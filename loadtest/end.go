package loadtest

import "time"

// End is what a generator says of itself after a run.
type End struct {
	Zero       time.Time  `json:"zero"`              // wall clock at the start of the schedule
	Planned    uint64     `json:"planned"`           // hits of the schedule
	Sent       uint64     `json:"sent"`              // hits that have a sample
	Seconds    float64    `json:"duration_s"`        // from Zero to the end of the last hit
	CPUSeconds float64    `json:"cpu_s"`             // user and system time of the generator's process in between
	CPUs       float64    `json:"cpus"`              // most it could use: GOMAXPROCS, or its cgroup's quota where that is less
	GOMAXPROCS int        `json:"gomaxprocs"`        //
	Throttled  float64    `json:"throttled_s"`       // time for which its cgroup was stopped for having used up its quota
	Resent     int64      `json:"retransmits"`       // TCP segments sent again in its network namespace
	Clients    int        `json:"clients,omitempty"` // of a closed loop, which has as many planned hits as it sent; 0 for a plan
	Stopped    string     `json:"stopped,omitempty"` // why it ended before its plan; "" when it did not
	Vegeta     CrossCheck `json:"vegeta"`
}

// CrossCheck is what vegeta's own metrics say of the run. Its latency counts
// from its send, includes failures, and knows nothing of right and wrong bytes.
type CrossCheck struct {
	P50     time.Duration `json:"p50_ns"`
	P99     time.Duration `json:"p99_ns"`
	Success float64       `json:"success"` // share of answers with status 200 to 399
}
