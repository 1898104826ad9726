//go:build !race

package proxy

// allowedAllocations an exchange.
const allowedAllocations = 0
