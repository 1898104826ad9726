//go:build !race

package proxy

// allowedAllocations an exchange.
const allowedAllocations = 0

// bigBody is how long the bodies are that pass a stalled reader.
const bigBody = 1 << 30
