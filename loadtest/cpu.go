package loadtest

import (
	"os"
	"runtime"
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
