package docker

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/moby/moby/client"
)

// Facts is what a run stood on.
type Facts struct {
	OS            string // Debian GNU/Linux 12 (bookworm)
	Kernel        string
	Arch          string // in Go's words
	CPUModel      string // "" where the engine's host is another machine
	CPUs          int
	MemoryBytes   int64
	Engine        string // Docker 20.10.24
	CgroupVersion string
	StorageDriver string
}

// Facts asks the engine about itself and its host.
func (e *Engine) Facts(ctx context.Context) (Facts, error) {
	r, err := e.cli.Info(ctx, client.InfoOptions{})
	if err != nil {
		return Facts{}, fmt.Errorf("facts about the engine: %w", err)
	}
	i := r.Info
	f := Facts{
		OS: i.OperatingSystem, Kernel: i.KernelVersion, Arch: e.arch, CPUs: i.NCPU, MemoryBytes: i.MemTotal,
		Engine: e.version, CgroupVersion: i.CgroupVersion, StorageDriver: i.Driver,
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil && strings.TrimSpace(string(kernel)) == i.KernelVersion {
		f.CPUModel = cpuModel("/proc/cpuinfo")
	}
	return f, nil
}

// cpuModel is the first "model name" of a cpuinfo file, "" without one (as on
// most arm64 machines).
func cpuModel(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
