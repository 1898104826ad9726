//go:build race

package proxy

// allowedAllocations an exchange: the race detector makes sync.Pool lose one in
// four of what it is given, so that the pools allocate; for a hit there is a pool
// more.
const allowedAllocations = 8

// bigBody is a part of a gigabyte, since the detector slows all down.
const bigBody = 128 << 20
