// Package record is the schema of a run on disk: what was done, on what, and
// what came out, before any judgement.
//
// A run is a folder:
//
//	run.json                 a Run: facts, systems, trials
//	samples/<trial>.csv.gz   one line a request (package loadtest writes and reads it)
//	config/<system>/…        the configuration each system got, as rendered
//	manifest.sha256          hashes of samples and configurations
//
// All but run.json is only added to. run.json is replaced, whole, by one with a
// trial more at its end; what went before in it stays as it was. A trial whose
// samples are not those of the manifest is INVALID in the report.
//
// Package reports reads it and puts results.json, index.html, report.md and
// figures/ beside. Units are in the names of the JSON keys. [Read] and [Write]
// refuse a record that contradicts itself, so that whoever has a Run can rely
// on what is said here.
package record

import "time"

// Schema is the version of the layout that this package writes. It reads that one
// and all before it:
//
//	1  the first
//	2  p-values and the detectable ratio of a verdict
//	3  parity
//	4  network bytes, processes, threads, sockets, switches and calls of a trial; faults
const Schema = 4

// Run is one experiment: systems, interleaved trials, and what is needed to
// repeat it.
type Run struct {
	Schema  int      `json:"schema"`
	About   About    `json:"run"`
	Machine Machine  `json:"machine"`
	Load    Load     `json:"load"`
	Systems []System `json:"systems"` // in the order of the lab
	Parity  []Parity `json:"parity,omitempty"`
	Trials  []Trial  `json:"trials"` // in the order they ran

	Calibration *Calibration `json:"calibration,omitempty"`
	Knees       []Knee       `json:"knees,omitempty"` // of each system but direct, where the lab looks for them
}

// About says which run it is.
type About struct {
	ID      string    `json:"id"`      // folder name: 20261123-101500-01-side-by-side
	Lab     string    `json:"lab"`     // 01-side-by-side
	Title   string    `json:"title"`   // the lab's question
	Size    string    `json:"size"`    // smoke, quick or full
	Seed    uint64    `json:"seed"`    // of the order of trials and the choice of targets
	Command string    `json:"command"` // what repeats it: make lab LAB=01 SIZE=quick SEED=7
	Commit  string    `json:"commit"`  // of this project, "-dirty" behind it where files differed; "" outside a checkout
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Rules   []string  `json:"rules"` // of validity, besides the generator's own; a sentence each
	Notes   []string  `json:"notes"` // what a reader must know first: shared cores, figures read at 1 Hz
}

// Machine is what the run stood on.
type Machine struct {
	OS            string `json:"os"`     // of the engine's host
	Kernel        string `json:"kernel"` // release
	Arch          string `json:"arch"`
	CPUModel      string `json:"cpu_model"`
	CPUs          int    `json:"cpus"`
	MemoryBytes   int64  `json:"memory_bytes"`
	Engine        string `json:"engine"` // Docker 20.10.24
	CgroupVersion string `json:"cgroup_version"`
	StorageDriver string `json:"storage_driver"`
	Go            string `json:"go"` // toolchain that built the binaries
}

// Load says what every trial sent.
type Load struct {
	Phases      []Phase  `json:"phases"`
	Targets     []string `json:"targets"` // "GET /size/1024"
	WarmUp      float64  `json:"warm_up_s"`
	Arrivals    string   `json:"arrivals,omitempty"` // poisson; "" for even ones
	Connections int      `json:"connections"`
	Timeout     float64  `json:"timeout_s"`
}

// Phase is a stretch of the schedule; a stairs phase is written as its levels.
type Phase struct {
	Shape string  `json:"shape"`
	Start float64 `json:"start_s"`
	End   float64 `json:"end_s"`
	From  float64 `json:"from_rps"`
	To    float64 `json:"to_rps"`
}

// System is one thing under test.
type System struct {
	Name    string   `json:"name"`              // proxyd, apache, direct
	Flavour string   `json:"flavour,omitempty"` // stock, matched, tuned
	Image   string   `json:"image,omitempty"`   // reference
	ImageID string   `json:"image_id,omitempty"`
	Version string   `json:"version,omitempty"` // as the program itself says
	CPUs    float64  `json:"cpus,omitempty"`    // limit; 0 for none
	Cpuset  string   `json:"cpuset,omitempty"`  // cores of its own, "" for shared ones
	Memory  int64    `json:"memory_limit_bytes,omitempty"`
	Differs []string `json:"differs,omitempty"` // where it does otherwise than the shared declaration, a sentence each
	Config  []string `json:"config,omitempty"`  // files under config/<system>/, the first is the one to read
}

// Parity is one question that was put to each proxy on the wire, before any load.
type Parity struct {
	Question string            `json:"question"`
	Answers  map[string]string `json:"answers"` // what was seen, by system
}

// Validity says whether a trial may be ranked.
type Validity string

// The closed set of validities. Only VALID trials enter a verdict.
const (
	Valid   Validity = "VALID"
	Suspect Validity = "SUSPECT"
	Invalid Validity = "INVALID"
)

// Trial is one system under the whole schedule once.
type Trial struct {
	ID       string    `json:"id"`    // 03-apache: block, system
	Block    int       `json:"block"` // from 1; paired trials share it
	System   string    `json:"system"`
	Started  time.Time `json:"started"` // planned start of request 0
	Seconds  float64   `json:"duration_s"`
	Validity Validity  `json:"validity"`
	Reasons  []string  `json:"reasons,omitempty"` // rule and figure, for SUSPECT and INVALID

	ScheduleSHA256 string           `json:"schedule_sha256"` // of what was sent
	Requests       int              `json:"requests"`        // sent
	Right          int              `json:"right"`           // answered with the right status and bytes
	Wrong          int              `json:"wrong"`           // answered with other status or bytes
	Failed         int              `json:"failed"`          // no whole answer
	Late           int              `json:"late"`            // sent more than 10 ms behind the plan
	Origins        map[string]int64 `json:"origins"`         // requests each origin counted itself
	Resources      Resources        `json:"resources"`
	Stalled        float64          `json:"origins_stalled_s,omitempty"` // time for which an origin could not run, as each noticed itself; of the worst
	Resent         int64            `json:"retransmits,omitempty"`       // TCP segments that the generator sent again
	AtKnee         []LevelLatency   `json:"at_knee,omitempty"`           // by level, where the lab looks for knees
	Faults         []Fault          `json:"faults,omitempty"`
	Samples        string           `json:"samples"` // path in the run's folder
}

// Fault is one that befell an origin during a trial, and what clients noticed of it.
// Times of the plan count from the schedule's start. What did not come about is left
// out.
type Fault struct {
	Kind   string  `json:"kind"`
	Origin string  `json:"origin"`
	Began  float64 `json:"began_s"`  // it was brought about from here on
	There  float64 `json:"there_s"`  // and was there from here at the latest
	Ended  float64 `json:"ended_s"`  // it was mended from here on
	Mended float64 `json:"mended_s"` // and the origin was seen ready here

	Lost     int      `json:"requests_lost"`        // not answered rightly, of those due from Began on and before the next fault
	Detected *float64 `json:"detected_s,omitempty"` // from Began until the system left the origin alone
	Outage   float64  `json:"outage_s"`             // from Began until the last harmed request was due
	Back     *float64 `json:"back_s,omitempty"`     // from Mended until the origin answered again
	Even     *float64 `json:"even_s,omitempty"`     // from Mended until the shares were even again
}

// Resources is what a trial used, by whom. System is nil for direct.
type Resources struct {
	System    *Usage `json:"system,omitempty"`
	Generator *Usage `json:"generator,omitempty"`
	Origins   *Usage `json:"origins,omitempty"` // of all origins together
}

// Usage is what a container used during a trial, by its cgroup.
type Usage struct {
	Source            string  `json:"source"` // where the figures come from: "cgroup files" or "engine API, 1 Hz"
	CPUSeconds        float64 `json:"cpu_s"`
	CPUPerRequest     float64 `json:"cpu_us_per_request"`
	ThrottledSeconds  float64 `json:"throttled_s"`
	ThrottledPeriods  int64   `json:"throttled_periods"`
	MemoryMedianBytes int64   `json:"memory_median_bytes"` // anonymous, not page cache
	MemoryMaxBytes    int64   `json:"memory_max_bytes"`
	ReceivedBytes     int64   `json:"received_bytes,omitempty"` // on its networks
	SentBytes         int64   `json:"sent_bytes,omitempty"`

	// The most seen during the trial; 0 where the machine does not tell.
	Processes int `json:"processes,omitempty"`
	Threads   int `json:"threads,omitempty"`
	Sockets   int `json:"sockets,omitempty"`

	// Of threads that lived on, and of read and write calls (/proc/PID/io); 0 where
	// this machine may not look at the processes.
	SwitchesPerRequest float64 `json:"context_switches_per_request,omitempty"`
	CallsPerRequest    float64 `json:"read_write_calls_per_request,omitempty"`

	Series []Point `json:"series,omitempty"`
}

// Point is one reading during a trial.
type Point struct {
	Seconds     float64 `json:"t_s"`   // since the trial's start
	CPUSeconds  float64 `json:"cpu_s"` // since the trial's start
	MemoryBytes int64   `json:"memory_bytes"`
}

// Results is results.json: the run and what was concluded from it.
type Results struct {
	Run
	Summaries []Summary `json:"summaries"` // a system each, in the order of Systems
	Verdicts  []Verdict `json:"verdicts"`
}

// Summary is what one system did over all its VALID trials.
type Summary struct {
	System      string       `json:"system"`
	Trials      int          `json:"trials"`
	Valid       int          `json:"valid"`
	Requests    int          `json:"requests"` // sent in the VALID trials
	Right       int          `json:"right"`    // of these
	Values      []Value      `json:"values"`
	Percentiles []Percentile `json:"percentiles"`
}

// Value is one measure over the trials: the median of the figures that each
// trial gave by itself.
type Value struct {
	Measure    string  `json:"measure"`
	Unit       string  `json:"unit"`
	Trials     int     `json:"trials"` // that gave a figure; 0 leaves the rest 0
	Median     float64 `json:"median"`
	Low        float64 `json:"low"` // interval of the median at Confidence
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence"` // what Low to High covers by order statistics: 0 for one trial, 0.97 for six
}

// Percentile is read from the histograms of all VALID trials merged. One with
// fewer than ten answers beyond it is left out.
type Percentile struct {
	Clock        string  `json:"clock"` // response or service
	Percentile   float64 `json:"percentile"`
	Milliseconds float64 `json:"ms"`
	Answers      int64   `json:"answers"` // right answers in the histogram
}

// The two clocks of a latency.
const (
	Response = "response" // from the planned start
	Service  = "service"  // from the actual send
)

// Word is what a comparison concludes.
type Word string

// The closed set of words (A and B are the verdict's systems).
const (
	ALower       Word = "A lower"
	BLower       Word = "B lower"
	Equivalent   Word = "equivalent"
	Inconclusive Word = "inconclusive"
)

// Verdict compares two systems in one measure over paired trials.
type Verdict struct {
	Measure string  `json:"measure"` // cpu_per_request, memory, response_p50, response_p99, …
	Unit    string  `json:"unit"`
	A       string  `json:"a"`
	B       string  `json:"b"`
	Pairs   int     `json:"pairs"`    // blocks where both trials were VALID
	MedianA float64 `json:"median_a"` // of the trials
	MedianB float64 `json:"median_b"`
	Ratio   float64 `json:"ratio"` // A to B, geometric mean of the paired ratios; 0 when there is none
	Low     float64 `json:"low"`   // 95 % interval of Ratio; 0 when there is none
	High    float64 `json:"high"`
	Word    Word    `json:"word"`

	P          float64 `json:"p_ratio_is_1"`         // t-test on the logarithms, adjusted by Holm over the measures
	MarginP    float64 `json:"p_outside_margin"`     // that the ratio lies outside 5 %, adjusted likewise; equivalent where it is small
	RankP      float64 `json:"p_ranks"`              // Mann–Whitney, not adjusted: a cross-check that decides nothing
	Detectable float64 `json:"detectable,omitempty"` // the ratio that so many pairs, as noisy as these, tell from 1 with a chance of 80 %

	Sentence string `json:"sentence"` // for a reader
}
