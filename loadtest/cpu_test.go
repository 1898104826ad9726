package loadtest

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestQuotaOfTheCgroup(t *testing.T) {
	for name, row := range map[string]struct {
		files map[string]string
		want  float64
	}{
		"version 2, half a CPU":   {map[string]string{"cpu.max": "2500 5000\n"}, 0.5},
		"version 2, no quota":     {map[string]string{"cpu.max": "max 100000\n"}, 0},
		"version 1, two CPUs":     {map[string]string{"cpu/cpu.cfs_quota_us": "10000\n", "cpu/cpu.cfs_period_us": "5000\n"}, 2},
		"version 1, no quota":     {map[string]string{"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0},
		"neither":                 {nil, 0},
		"something else in it":    {map[string]string{"cpu.max": "much\n"}, 0},
		"a period that is nought": {map[string]string{"cpu.max": "100 0\n"}, 0},
	} {
		root := t.TempDir()
		for file, text := range row.files {
			path := filepath.Join(root, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := cgroupQuota(root); got != row.want {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}

func TestCPUSecondsCountWork(t *testing.T) {
	before, x := cpuSeconds(), uint64(1)
	for end := time.Now().Add(30 * time.Second); cpuSeconds()-before < 0.02; x = finish(x) {
		if time.Now().After(end) {
			t.Fatalf("30 s of work are %v s of CPU time (%d)", cpuSeconds()-before, x)
		}
	}
	if n, cpus := cpuLimit(); n < 1 || cpus <= 0 || cpus > float64(n) {
		t.Errorf("GOMAXPROCS %d, CPUs %v", n, cpus)
	}
}
