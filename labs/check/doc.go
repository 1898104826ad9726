// Package check is the self-check of a lab: expressions over what a run left on
// disk, with points, the reason and a hint.
//
// In lab.yaml:
//
//	checks:
//	  - claim: no answer is missing or wrong
//	    points: 10
//	    expr: |
//	      all(systems, #.right == #.sent)
//	    shows: |
//	      map(systems, #.name + " " + string(#.right) + " of " + string(#.sent))
//	    reason: a figure of wrong answers means nothing
//	    hint: look at the statuses in samples/
//
// expr is in the language of expr-lang (https://expr-lang.org/docs/language-definition)
// and gives true or false; shows is optional, and what it gives stands beside the
// result. Both stand in blocks, after |, because # behind a space begins a comment in
// YAML. They see the observations:
//
//	lab, size, seed    of the run
//	systems            all that were played, in the lab's order
//	proxies            those but direct
//	parity             questions put to each proxy on the wire: question, answers by system
//	weights            load factor by origin, of the first balancer's members that serve
//
// A system has
//
//	name, trials
//	sent, right, wrong, failed, late     requests of all its trials
//	valid                                trials that may be ranked
//	origins                              right answers by origin
//	shares                               the same as shares of 1
//	counted                              requests by origin, as the origins counted
//	statuses                             answers by status, 0 where none came
//	caches                               answers by what caches said of them
//
// A trial has those too, but trials, and
//
//	id, block, system, validity, reasons
//	schedule           SHA-256 of what was sent
//	answers            one for each request, in order of the plan: n, target (place
//	                   among load.targets, from 0), status, bytes, right, origin, err,
//	                   item, cache; planned, start, first_byte and end in seconds
//	sequence           the origins of answers, in that order; "" where not answered rightly
//	response, service  latencies of right answers in ms, sorted, by each clock
//
// Functions beside expr's own (all, any, count, filter, map, sum, max, …):
//
//	system(name)            one of systems; a run without it fails the check
//	percentile(list, p)     of a sorted list: the nearest rank
//	byrequests(weights, n)  origins of n elections in a row, by weighted turns
//	follows(trial, weights) "" where the trial's sequence is a stretch of byrequests, or
//	                        where it departs. Requests that were on their way together
//	                        may have been elected in any order.
package check
