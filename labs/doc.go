// Package labs plays experiments: a topology, a load and checks of what came
// out, against several systems under test, and leaves the records of a run.
//
// # A lab
//
// A lab is a folder labs/NN-name. Its lab.yaml says what is done, and is all a
// teacher has to write; README.md and README.es.md are the handout.
//
//	title: …             the question, as the report's heading
//	goal: …              one sentence for the list of labs
//	systems: [proxyd, apache, direct]
//	origins: 3           origin servers, named origin-1, origin-2, …
//	limits:              what each system gets, whichever it is
//	  cpus: 1            CPU quota, in cores
//	  memory: 256MiB
//	  origin_cpus: 0     quota of each origin, and of the generator; none by default. A
//	  generator_cpus: 0  lesson can make them too small: its trials are INVALID then
//	site:                the shared declaration (package site); members are
//	                     http://origin-N:8080
//	load:
//	  targets:           what is asked for; request n takes one by weight
//	    - path: /size/1024
//	      method: GET    GET, HEAD or POST; GET by default
//	      body: 0        bytes of request body
//	      weight: 1
//	      fields: {Accept-Language: es, X-Request: "{n}"}
//	      cookies: {session: "s{item}"}
//	      items: 1000    {item} in path, fields and cookies is 1 to 1000, all with the
//	      zipf: 1.1      same answer; item k is asked for in proportion to k^-1.1
//	      fresh: true    a new connection for each request
//	      slow: {headers: 100, body: 100, read: 1000}   a slow client, in bytes per
//	                     second; its times are among the others'
//	  arrivals: even     or poisson
//	  warmup: {shape: constant, rate: 500, for: 1s}
//	  phases:            the schedule, one pool of connections for all of it
//	    - {shape: constant, rate: 500, for: 5s}
//	    - {shape: ramp, rate: 0, to: 500, for: 5s}
//	    - {shape: stairs, rate: 500, to: 1500, steps: 3, for: 4500ms}
//	    - {shape: spike, rate: 100, to: 1000, at: 2s, lasts: 500ms, for: 5s}
//	    - {shape: sine, rate: 500, to: 900, period: 2s, for: 6s}
//	    - {shape: replay, trace: trace.txt}   a file beside lab.yaml: see below
//	    - {shape: closed, clients: 8, for: 5s}  alone; a lesson, its trials are SUSPECT
//	  connections: 64    idle connections the generator keeps
//	  timeout: 5s        of one request
//	calibrate:           what is measured before the first trial; left out: nothing
//	  for: 1s            of each measurement
//	  quota: choose      limits.cpus is the most; see Calibration
//	  rates: percent     rates are percent of what the slowest system can do
//	saturation:          a search for each system's knee; left out: none
//	  for: 2s            of each level
//	  start: 100         first rate
//	  most: 50000        rate above which nothing is tried
//	  precision: 1.1     ratio of the ends of the interval
//	  repeat: 3          tries of each end
//	faults:              what befalls origins, on the schedule's clock; time stretches at and for
//	  - {kind: kill, origin: 1, at: 2s, for: 1500ms}
//	sizes:               how much of it; time stretches each phase
//	  quick: {blocks: 6, time: 1}
//	checks:              the self-check of `lab check`, of which package check tells
//	  - claim: each request has its right answer
//	    points: 10
//	    expr: |
//	      all(systems, #.right == #.sent)
//	    shows: |           evidence; may be left out
//	      map(systems, #.name + " " + string(#.right))
//	    reason: why it is so
//	    hint: what to look at where it is not
//
// A trace has a line for each request: seconds since its start, and then, where
// the trace is to choose, method and path of one of load.targets.
//
//	0.000
//	0.250 GET /size/1024
//
// It lasts until its last request, or as long as for says; a size that stretches
// time cuts it or begins it again.
//
// # Calibration
//
// Before the first trial the generator asks a server that does nothing, as fast as
// answers come: the null ceiling; and at a rate that strains nobody: the noise floor.
// Then it asks the origins without a proxy, the direct baseline, and each system.
// From the CPU time that a request takes of generator, origins and the cheapest system
// follows the quota at which the systems are what limits, on two shared cores too:
// at the rate it allows no more than 80 % of the machine are busy, and no more than
// 60 % of the baseline are asked for.
//
// # Saturation
//
// A search doubles the rate until a system no longer has p99 ≤ 50 ms, 99.9 % right
// answers and 99 % of the sends on time, and then halves the gap (see
// [loadtest.Search]). The knee is an interval. A level that the generator could not hold
// is void: such a search ends without an upper end, and is no praise for anybody. The
// trials then have their rates in percent of the lowest knee: without phases of its own
// a lab plays 50 and 80, for 5 s each, and the report's notes tell the latency at each.
//
// # A run
//
// [Run] makes two networks. Origins live on the back one, the generator on
// the front one, and only the systems stand on both, so that no request can
// reach an origin but through a system. For direct, the baseline without any
// proxy, a second generator joins the back network.
//
//	generator ──front── system ──back── origin-1 … origin-N
//	generator for direct ───────back── origin-1 … origin-N
//
// First each system is asked the same questions on the wire (package parity), in a
// container that ends afterwards. Then each must answer with the right bytes; and then every block plays
// each system once, in an order drawn from the seed. A trial is a warm-up and
// the measured schedule. What came out is written down per trial, so that an
// interrupted run loses only the trial it was in; [Resume] plays that one and those
// after it.
//
// # Faults
//
// An origin can fail under load, at a time of the plan: see [Fault] and [FaultKinds]. What
// a machine cannot do is found out before the first trial, and said. The engine kills,
// stops, pauses or disconnects its container; an origin that is told to answers with
// 503, late, or with a reset. [Outage] is what the clients noticed, read from their
// samples alone, so that it means the same for every system.
package labs
