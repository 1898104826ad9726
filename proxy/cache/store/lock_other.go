//go:build !unix

package store

import "os"

// lockFile opens a file; that two processes share a directory is not seen here.
func lockFile(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}
