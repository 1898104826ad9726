// Package stat turns the figures of trials into medians with intervals and
// into verdicts. It knows numbers, not proxies.
//
// The trial is the unit: thousands of requests of one trial share one machine
// state and are not thousands of independent observations. So every interval
// here is taken over trials.
//
//   - [MedianOf] needs no assumption about the distribution: its interval is
//     made of order statistics (the smallest and largest of six trials hold the
//     median with 96.9 %).
//   - [Compare] works on pairs, two systems in the same block of trials, so
//     that what the machine did to both cancels out. It assumes that the
//     logarithms of the ratios are roughly normal and takes Student's t on
//     them. A simulation in the tests holds it to its 95 %, with noise that is
//     normal, skewed and heavy-tailed. (The percentile bootstrap covers some 86 %
//     at six pairs.) A Mann–Whitney test stands beside it as a cross-check.
//   - [Settle] adjusts the comparisons of several measures by Holm's method, so
//     that eight questions do not make eight chances of a false difference.
//   - [Power] and [Detectable] say what a number of pairs could have found.
//   - [Latency] is a histogram with 1 µs and three digits of resolution.
//     Histograms are merged; percentiles are never averaged. A percentile with
//     fewer than [Beyond] values beyond it is not given.
package stat

// Confidence of every interval where the number of trials allows it.
const Confidence = 0.95

// Margin within which two systems are called equivalent: 5 %.
const Margin = 0.05

// MinPairs is the fewest pairs that a verdict is given on.
const MinPairs = 3
