//go:build !unix

package socket

// nothing cannot tell here; a request on a dead connection is sent again where
// that is allowed.
func nothing(uintptr) bool { return true }
