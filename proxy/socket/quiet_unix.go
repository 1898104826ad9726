//go:build unix && (!linux || portable)

package socket

import "syscall"

// nothing says whether there is nothing to read now.
func nothing(fd uintptr) bool {
	var one [1]byte
	_, err := syscall.Read(int(fd), one[:])
	return err == syscall.EAGAIN
}
