// Package loadtest sends requests by a plan, and writes down when each one was
// due, sent and answered.
//
//	Plan ──► Schedule ──► Generator (vegeta) ──► Samples ──► gates, files
//
// A [Plan] says what to send and at which rates: constant, a ramp, stairs, a spike,
// a sine wave, or the trace of another load; with even or Poisson arrivals; by a mix
// of targets with weights, and items with a Zipf popularity; from clients that keep
// their connections, take a new one each time, or are slow. Its [Schedule] is pure:
// hit n has one planned start and one target, whatever the answers do. A [Generator]
// sends the hits through vegeta's library over a transport of ours, in an open
// loop: a slow answer never delays a later send. Each hit becomes one [Sample].
//
// Two clocks are read from a sample. Response counts from the planned start:
// what a client would have waited. Service counts from the actual send: what
// the server took. When the generator itself lags, the two drift apart, and
// [Judge] says so rather than letting the lag pass for the server's.
//
// # Typical use
//
// In the container, cmd/loadgen serves [Server] on a control port. On the host:
//
//	c := loadtest.Client{Addr: "127.0.0.1:9000"}
//	samples, end, err := c.Run(ctx, plan, func(s loadtest.Sample) { bar.Add(1) })
//	gate := loadtest.Judge(samples, end)
//	err = loadtest.WriteFile("samples/01-proxyd.csv.gz", samples)
//
// # What it costs
//
// A hit at 4000/s costs the generator about 190 µs of CPU time (two cores of an AMD
// EPYC, server in another process, 1 KB answers). BenchmarkGenerator, three runs of 6
// turns and one of 18: recording, which is collecting a sample and writing its line,
// took 0.8 % to 1.3 % of that; vegeta, held against goroutines that call the same
// RoundTripper, took 6 % in the longest run and 0 %, 3 % and 12 % in the others. The
// rest is net/http and the kernel.
//
// # Beside vegeta's own tools
//
// [WriteVegeta], and "loadgen export" by hand, write samples in vegeta's formats, for
// vegeta report and vegeta plot.
//
// # How far a system can go
//
// [Search] says which rates to try, [Objective] what a rate has shown. A rate that the
// generator could not hold is [Void]: no saturated generator makes a winner or a knee.
//
// # What vegeta does and does not do here
//
// vegeta keeps the workers and calls our pacer and our http.RoundTripper. All
// that enters a sample is measured inside that RoundTripper. Of vegeta v12.13
// this had to be worked around:
//
//   - An Attacker that has run once sends nothing the second time: each run
//     has a new one.
//   - MaxWorkers silently closes the loop: no cap is set, but by the shape closed,
//     which is there to show what that hides. The hits in flight are bounded by
//     rate × Timeout.
//   - Its X-Vegeta-* fields would enter cache keys and logs: the request that
//     goes out is ours, and has none of them.
//   - MaxBody(0) reports no bytes, and Result has no first byte: the body is read,
//     counted and hashed by us.
//   - Its transport obeys HTTP_PROXY: ours does not.
//   - Its latency metrics include failures: they are kept as a cross-check only
//     ([CrossCheck]).
//   - It sleeps by time.Sleep, which wakes up to 1 ms late on Linux: our pacer
//     waits by itself.
//
// net/http sends an idempotent request a second time, without a word, when a
// reused connection turns out to be closed. Such a hit is recorded as failed.
package loadtest
