package labs

import (
	"context"
	"os"
	"testing"

	"proxylab/docker"
)

// TestMain puts the tests under a guard, which removes what they leave on the engine in
// whatever way they end.
func TestMain(m *testing.M) {
	os.Exit(docker.Guard(func(ctx context.Context) int {
		stop := context.AfterFunc(ctx, func() {
			code, _ := docker.StopCode(ctx)
			os.Exit(max(1, code))
		})
		defer stop() // ctx ends when all is well, too
		return m.Run()
	}))
}
