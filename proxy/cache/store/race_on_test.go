//go:build race

package store

// slowness is by how much less is done under the race detector.
const slowness = 10
