//go:build !linux

package docker

import "os/exec"

// isolate has nothing to do: debootstrap runs on Linux alone.
func isolate(*exec.Cmd) {}
