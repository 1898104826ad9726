// Package enginetest gives tests the container engine.
package enginetest

import (
	"os"
	"testing"

	"proxylab/docker"
)

// Open opens the engine for one test. Where none answers, the test is skipped
// on a user's machine and fails in CI.
func Open(t testing.TB) *docker.Engine {
	t.Helper()
	e, err := docker.Open(t.Context(), docker.Options{Say: t.Logf})
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI must have a container engine: %v", err)
		}
		t.Skipf("needs a container engine: %v", err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}
