package docker

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Temporary folders are named proxylab-<guard>-<owner>-<what>-<random>, with
// the owner as in its label: the guard removes what the working process could
// not, and a later run what both could not.
const tempPrefix = "proxylab-"

// tempDir makes a temporary folder.
func tempDir(what string) (string, error) {
	name := tempPrefix + cmp.Or(guardID, "alone") + "-" + ownerID(os.Getpid()) + "-" + what + "-"
	dir, err := os.MkdirTemp("", name)
	if err != nil {
		return "", fmt.Errorf("a temporary folder: %w\n\thint: is there space in %s? TMPDIR names another place", err, os.TempDir())
	}
	return dir, nil
}

// cleanTemp removes the temporary folders of dead owners in dir.
func cleanTemp(dir string) error {
	all, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*-*:*-*-*"))
	for _, path := range all {
		_, rest, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), tempPrefix), "-")
		owner, _, _ := strings.Cut(rest, "-")
		if ownerDead(hostID(), owner) {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return err
}
