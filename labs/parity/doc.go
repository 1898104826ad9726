// Package parity asks every system the same questions on the wire, so that a
// comparison of their costs can be held against what each of them does: whether it
// compresses, keeps connections, adds fields, where its limits and timeouts are,
// and what a client sees when an origin server breaks.
//
//	rows, err := parity.Probe(ctx, systems, fail, patience)
//
// It knows a system by its address alone. Behind it stand origin servers of
// package origin, which tell what came to them, and all of which fail when they
// are told to. A system that was asked has seen faults and holds members in error:
// it is not one to measure afterwards.
//
// The quick questions are put to one system after the other; those about time to
// all at once, and each waits as long as the patience; then the origins fail, for one
// system after the other.
package parity
