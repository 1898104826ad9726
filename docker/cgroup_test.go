package docker

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

const probeID = "0123456789abcdef"

// tree writes files below a root as the kernel has them.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

var processFiles = map[string]string{
	"proc/42/net/sockstat":   "sockets: used 17\nTCP: inuse 9 orphan 0 tw 3 alloc 12 mem 1\n",
	"proc/42/net/dev":        "Inter-| Receive\n face |bytes\n    lo: 900 1 0 0 0 0 0 0 900 1 0 0 0 0 0 0\n  eth0: 100 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\n  eth1: 1000 1 0 0 0 0 0 0 200 1 0 0 0 0 0 0\n",
	"proc/42/io":             "rchar: 5\nwchar: 5\nsyscr: 70\nsyscw: 30\nread_bytes: 0\n",
	"proc/43/io":             "syscr: 1\nsyscw: 2\n",
	"proc/42/task/42/status": "Name:\tapp\nvoluntary_ctxt_switches:\t10\nnonvoluntary_ctxt_switches:\t5\n",
	"proc/42/task/44/status": "Name:\tapp\nvoluntary_ctxt_switches:\t100\nnonvoluntary_ctxt_switches:\t0\n",
	"proc/43/task/43/status": "voluntary_ctxt_switches:\t1\nnonvoluntary_ctxt_switches:\t1\n",
}

func TestFiguresAreReadFromCgroupFiles(t *testing.T) {
	v1 := map[string]string{
		"proc/42/cgroup": "9:pids:/docker/" + probeID + "\n4:memory:/docker/" + probeID + "\n3:cpu,cpuacct:/docker/" + probeID + "\n0::/docker/" + probeID + "\n",
		"sys/fs/cgroup/cpu/docker/" + probeID + "/cpu.stat":          "nr_periods 100\nnr_throttled 7\nthrottled_time 1500000000\n",
		"sys/fs/cgroup/cpu/docker/" + probeID + "/cgroup.procs":      "42\n43\n",
		"sys/fs/cgroup/cpuacct/docker/" + probeID + "/cpuacct.usage": "2500000000\n",
		"sys/fs/cgroup/memory/docker/" + probeID + "/memory.stat":    "cache 9\nrss 1\ntotal_rss 4096\n",
		"sys/fs/cgroup/pids/docker/" + probeID + "/pids.current":     "3\n",
	}
	scope := "system.slice/docker-" + probeID + ".scope"
	v2 := map[string]string{
		"proc/42/cgroup":                           "0::/" + scope + "\n",
		"sys/fs/cgroup/" + scope + "/cpu.stat":     "usage_usec 2500000\nuser_usec 1\nnr_throttled 7\nthrottled_usec 1500000\n",
		"sys/fs/cgroup/" + scope + "/memory.stat":  "anon 4096\nfile 77\n",
		"sys/fs/cgroup/" + scope + "/cgroup.procs": "42\n43\n",
		"sys/fs/cgroup/" + scope + "/pids.current": "3\n",
	}
	for name, files := range map[string]map[string]string{"v1": v1, "v2": v2} {
		for path, text := range processFiles {
			files[path] = text
		}
		g, err := newGauge(tree(t, files), 42, probeID)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		u, err := g.read()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		u.Read = u.Read.Truncate(1 << 62)
		want := Usage{Read: u.Read, Source: FromFiles, CPUSeconds: 2.5, ThrottledSeconds: 1.5, ThrottledPeriods: 7, MemoryBytes: 4096,
			Processes: 2, Threads: 3, Sockets: 17, ReceivedBytes: 1100, SentBytes: 220}
		if u != want {
			t.Errorf("%s: %+v, want %+v", name, u, want)
		}
		if switches, calls, ok := g.work(); !ok || switches != 117 || calls != 103 {
			t.Errorf("%s: %d switches, %d calls, %t", name, switches, calls, ok)
		}
		// The process that the number belongs to is another machine's.
		if _, err := newGauge(g.proc[:len(g.proc)-len("/proc/42")], 42, "fedcba9876543210"); !errors.Is(err, errNoFiles) {
			t.Errorf("%s: another container's files: %v", name, err)
		}
	}
	if _, err := newGauge(t.TempDir(), 42, probeID); !errors.Is(err, errNoFiles) {
		t.Errorf("no files: %v", err)
	}
}

// Where the files can be read, they say what the engine says, and anew after a
// restart.
func TestFilesAgreeWithTheEngine(t *testing.T) {
	r := newRun(t)
	c := startProbe(t, r, "probe", func(s *ContainerSpec) { s.Networks = []Network{Front} })
	for range 2 {
		before, err := c.Usage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if before.Source != FromFiles {
			if os.Getenv("CI") != "" {
				t.Fatal("CI needs the engine's cgroup files")
			}
			t.Skip("this machine does not show the engine's cgroup files")
		}
		api, err := c.engineUsage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		after, err := c.Usage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if api.CPUSeconds < before.CPUSeconds || api.CPUSeconds > after.CPUSeconds || api.Threads == 0 || after.Threads == 0 || after.Processes != 1 {
			t.Errorf("before %+v\nengine %+v\nafter %+v", before, api, after)
		}
		if _, ok := c.Work(t.Context()); !ok {
			t.Error("its processes cannot be looked at although its cgroup can")
		}
		if err := c.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(t.Context(), *probeReady); err != nil {
			t.Fatal(err)
		}
	}
}
