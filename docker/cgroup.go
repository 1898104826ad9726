package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/client"
)

// gauge reads a container's figures from the kernel's own files, which costs some
// 0.1 ms and is as new as the moment: the engine's API has them once a second.
type gauge struct {
	proc string // /proc/PID of its first process
	cpu  string // folder of its cgroup; with v2 the one folder there is
	acct string // v1 alone
	mem  string
	pids string
	v2   bool
}

// errNoFiles is why there is no gauge: the engine runs elsewhere, or this program
// sees other processes than it.
var errNoFiles = errors.New("the cgroup files of the container cannot be read from here")

// findGauge finds the files of a container, where this machine is the engine's and
// shows them.
func (c *Container) findGauge(ctx context.Context) (*gauge, error) {
	r, err := c.run.engine.cli.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if err != nil {
		return nil, err
	}
	if r.Container.State == nil || r.Container.State.Pid <= 0 {
		return nil, errNoFiles
	}
	return newGauge("/", r.Container.State.Pid, c.ID)
}

// newGauge reads /proc/PID/cgroup. The container's ID must stand in it: another
// machine, or another view of this one, has another process by that number.
func newGauge(root string, pid int, id string) (*gauge, error) {
	g := &gauge{proc: filepath.Join(root, "proc", strconv.Itoa(pid))}
	text, err := os.ReadFile(filepath.Join(g.proc, "cgroup"))
	if err != nil || id == "" || !bytes.Contains(text, []byte(id)) {
		return nil, errNoFiles
	}
	top := filepath.Join(root, "sys/fs/cgroup")
	for line := range strings.Lines(string(text)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 || !strings.Contains(part[2], id) {
			continue
		}
		if part[1] == "" { // v2, or the unified half of a hybrid
			dir := filepath.Join(top, part[2])
			if _, err := os.Stat(filepath.Join(dir, "cpu.stat")); err == nil && g.cpu == "" {
				if _, err := os.Stat(filepath.Join(dir, "memory.stat")); err == nil {
					g.v2, g.cpu, g.mem, g.pids = true, dir, dir, dir
				}
			}
			continue
		}
		for controller := range strings.SplitSeq(part[1], ",") {
			dir := filepath.Join(top, controller, part[2])
			switch controller {
			case "cpu":
				g.cpu = dir
			case "cpuacct":
				g.acct = dir
			case "memory":
				g.mem = dir
			case "pids":
				g.pids = dir
			}
		}
	}
	if _, err := g.read(); err != nil {
		return nil, errNoFiles
	}
	return g, nil
}

// Where figures come from.
const (
	FromFiles  = "cgroup files"
	FromEngine = "engine API, 1 Hz"
)

// read takes one reading.
func (g *gauge) read() (Usage, error) {
	u := Usage{Read: time.Now(), Source: FromFiles}
	stat, err := keyed(filepath.Join(g.cpu, "cpu.stat"))
	if err != nil {
		return u, err
	}
	u.ThrottledPeriods = stat["nr_throttled"]
	memory, err := keyed(filepath.Join(g.mem, "memory.stat"))
	if err != nil {
		return u, err
	}
	if g.v2 {
		u.CPUSeconds, u.ThrottledSeconds = float64(stat["usage_usec"])/1e6, float64(stat["throttled_usec"])/1e6
		u.MemoryBytes = memory["anon"]
	} else {
		ns, err := number(filepath.Join(g.acct, "cpuacct.usage"))
		if err != nil {
			return u, err
		}
		u.CPUSeconds, u.ThrottledSeconds = float64(ns)/1e9, float64(stat["throttled_time"])/1e9
		u.MemoryBytes = memory["total_rss"]
	}
	procs, err := os.ReadFile(filepath.Join(g.cpu, "cgroup.procs"))
	if err != nil {
		return u, err
	}
	u.Processes = bytes.Count(procs, []byte("\n"))
	if n, err := number(filepath.Join(g.pids, "pids.current")); err == nil {
		u.Threads = int(n)
	}
	u.Sockets = sockets(filepath.Join(g.proc, "net/sockstat"))
	u.ReceivedBytes, u.SentBytes, err = traffic(filepath.Join(g.proc, "net/dev"))
	return u, err
}

// keyed reads lines of a name, maybe with a colon, and a whole number; others are
// left out.
func keyed(path string) (map[string]int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 {
			if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				out[strings.TrimSuffix(f[0], ":")] = n
			}
		}
	}
	return out, nil
}

func number(path string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// sockets in use in a network namespace, of all kinds; 0 where that is not told.
func sockets(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "sockets:" && f[1] == "used" {
			n, _ := strconv.Atoi(f[2])
			return n
		}
	}
	return 0
}

// traffic is the sum over a namespace's interfaces but loopback.
func traffic(path string) (received, sent int64, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, counts, ok := strings.Cut(line, ":")
		f := strings.Fields(counts)
		if !ok || strings.TrimSpace(name) == "lo" || len(f) < 16 {
			continue
		}
		in, errIn := strconv.ParseInt(f[0], 10, 64)
		out, errOut := strconv.ParseInt(f[8], 10, 64)
		if errIn != nil || errOut != nil {
			return 0, 0, fmt.Errorf("%s: %q", path, line)
		}
		received, sent = received+in, sent+out
	}
	return received, sent, nil
}

// work adds up, over the container's processes, context switches of threads that
// live and read and write calls; ok is false where a file may not be read.
func (g *gauge) work() (switches, calls int64, ok bool) {
	procs, err := os.ReadFile(filepath.Join(g.cpu, "cgroup.procs"))
	if err != nil {
		return 0, 0, false
	}
	for pid := range strings.FieldsSeq(string(procs)) {
		dir := filepath.Join(filepath.Dir(g.proc), pid)
		io, err := keyed(filepath.Join(dir, "io"))
		if err != nil {
			return 0, 0, false
		}
		calls += io["syscr"] + io["syscw"]
		tasks, err := filepath.Glob(filepath.Join(dir, "task", "*", "status"))
		if err != nil || len(tasks) == 0 {
			return 0, 0, false
		}
		for _, f := range tasks {
			status, err := keyed(f)
			if err != nil {
				continue // the thread has just ended
			}
			switches += status["voluntary_ctxt_switches"] + status["nonvoluntary_ctxt_switches"]
		}
	}
	return switches, calls, true
}
