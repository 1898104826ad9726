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
//	site:                the shared declaration (package site); members are
//	                     http://origin-N:8080
//	load:
//	  targets:           what is asked for; request n takes one by weight
//	    - path: /size/1024
//	      method: GET    GET, HEAD or POST; GET by default
//	      body: 0        bytes of request body
//	      weight: 1
//	  warmup: {shape: constant, rate: 500, for: 1s}
//	  phases:            the schedule: constant, ramp (rate, to), stairs (rate, to, steps)
//	    - {shape: stairs, rate: 500, to: 1500, steps: 3, for: 4500ms}
//	  connections: 64    idle connections the generator keeps
//	  timeout: 5s        of one request
//	sizes:               how much of it; time stretches each phase
//	  quick: {blocks: 6, time: 1}
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
// interrupted run loses only the trial it was in.
//
// # Faults
//
// An origin can fail under load, at a time of the plan: see [Fault]. The engine kills,
// stops, pauses or disconnects its container; an origin that is told to answers with
// 503, late, or with a reset. [Outage] is what the clients noticed, read from their
// samples alone, so that it means the same for every system.
package labs
