package loadtest

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// cpuSeconds is the CPU time of this process so far, user and system.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(u.Utime) + seconds(u.Stime)
}

// self is the counters of this process and of what it lives in.
type self struct {
	cpu, throttled float64 // seconds
	resent         int64   // TCP segments
}

func readSelf() self {
	s := self{cpu: cpuSeconds(), throttled: throttledSeconds("/sys/fs/cgroup")}
	if b, err := os.ReadFile("/proc/self/net/snmp"); err == nil {
		s.resent = snmp(string(b), "Tcp:", "RetransSegs")
	}
	return s
}

// since puts in what the counters rose by.
func (e *End) since(before self) {
	now := readSelf()
	e.CPUSeconds, e.Throttled, e.Resent = now.cpu-before.cpu, now.throttled-before.throttled, now.resent-before.resent
}

// throttledSeconds reads a container's own cgroup, version 2 (in µs) or 1 (in ns);
// 0 where it cannot be read.
func throttledSeconds(root string) float64 {
	for _, c := range []struct {
		file, key string
		unit      float64
	}{{"/cpu.stat", "throttled_usec", 1e6}, {"/cpu/cpu.stat", "throttled_time", 1e9}} {
		b, err := os.ReadFile(root + c.file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			if n, err := strconv.ParseFloat(value, 64); key == c.key && err == nil {
				return n / c.unit
			}
		}
	}
	return 0
}

// snmp is one counter of /proc/net/snmp, where a line of names goes before one of
// values; 0 where it is missing.
func snmp(text, group, name string) int64 {
	var names []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != group {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		if i := slices.Index(names, name); i > 0 && i < len(fields) {
			n, _ := strconv.ParseInt(fields[i], 10, 64)
			return n
		}
	}
	return 0
}

// cpuLimit is how many CPUs this process can use at most. The runtime rounds a
// quota up to whole CPUs, and to two at least, so the cgroup is asked as well.
func cpuLimit() (gomaxprocs int, cpus float64) {
	gomaxprocs = runtime.GOMAXPROCS(0)
	cpus = float64(gomaxprocs)
	if q := cgroupQuota("/sys/fs/cgroup"); q > 0 {
		cpus = min(cpus, q)
	}
	return gomaxprocs, cpus
}

// cgroupQuota reads the CPU quota of a container's own cgroup, version 2 or 1;
// 0 for none.
func cgroupQuota(root string) float64 {
	if b, err := os.ReadFile(root + "/cpu.max"); err == nil {
		quota, period, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
		return ratio(quota, period)
	}
	quota, errQ := os.ReadFile(root + "/cpu/cpu.cfs_quota_us")
	period, errP := os.ReadFile(root + "/cpu/cpu.cfs_period_us")
	if errQ != nil || errP != nil {
		return 0
	}
	return ratio(strings.TrimSpace(string(quota)), strings.TrimSpace(string(period)))
}

// ratio is 0 for "max" and for -1, the words for no quota.
func ratio(quota, period string) float64 {
	q, errQ := strconv.ParseFloat(quota, 64)
	p, errP := strconv.ParseFloat(period, 64)
	if errQ != nil || errP != nil || q <= 0 || p <= 0 {
		return 0
	}
	return q / p
}
