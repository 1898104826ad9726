package record

// Calibration is what was measured before the trials, so that the systems are what
// limits, and not what asks them. Rates are requests per second.
type Calibration struct {
	Seconds       float64      `json:"each_s"`           // of each measurement
	Clients       int          `json:"clients"`          // of the closed loop that found the ceilings
	NullCeiling   float64      `json:"null_ceiling_rps"` // of the generator against a server that does nothing
	FloorRate     float64      `json:"floor_rps"`        // at which the noise floor was taken there
	FloorP50      float64      `json:"floor_p50_ms"`     // response time
	FloorP99      float64      `json:"floor_p99_ms"`
	DirectCeiling float64      `json:"direct_ceiling_rps"` // of generator and origins without a system
	GeneratorCPU  float64      `json:"generator_cpu_us_per_request"`
	OriginsCPU    float64      `json:"origins_cpu_us_per_request"`
	Systems       []SystemCost `json:"systems"`
	Quota         float64      `json:"quota_cpus"`   // of each system in the trials
	Capacity      float64      `json:"capacity_rps"` // of the dearest system with it
}

// SystemCost is one system in a calibration.
type SystemCost struct {
	System string  `json:"system"`
	CPU    float64 `json:"cpu_us_per_request"`
	Rate   float64 `json:"rate_rps"` // right answers per second in a closed loop, with the lab's own limits
}

// Knee is what a saturation search found of one system.
type Knee struct {
	System    string  `json:"system"`
	Objective string  `json:"objective"`
	Low       float64 `json:"low_rps"`            // highest rate that met the objective
	High      float64 `json:"high_rps,omitempty"` // lowest that did not; 0 where the search ended before the system did
	Levels    []Level `json:"levels"`             // in the order they were tried
}

// Level is one rate of a search.
type Level struct {
	Rate    float64 `json:"rate_rps"`
	Outcome string  `json:"outcome"` // borne, missed, or void: the generator did not hold it
	Reason  string  `json:"reason,omitempty"`
}

// LevelLatency is a trial's response time at one level of a load that was set by
// the knee. A request without a right answer counts as one that took for ever; a
// percentile of 0 is one for which there were too few requests or right answers.
type LevelLatency struct {
	Percent  float64 `json:"percent_of_knee"`
	Rate     float64 `json:"rate_rps"`
	Requests int     `json:"requests"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
}
