package docker

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// The labels of all that a run makes.
const (
	labelRun   = "proxylab.run"   // the run's id
	labelHost  = "proxylab.host"  // where the owner runs, see hostID
	labelOwner = "proxylab.owner" // the process that owns it, see ownerID
	labelGuard = "proxylab.guard" // the guard that started the owner, if any

	// labelImage is on images: the name in BuildSpec. Containers inherit the
	// labels of their image, so this one alone proves no run.
	labelImage = "proxylab.image"

	// labelBuild is the first instruction of each Dockerfile, so that what a
	// cut build leaves carries it.
	labelBuild = "proxylab.build"

	// labelBase says how a base image was made, on those that are not Debian's own.
	labelBase = "proxylab.base"
)

// runLabels are for all that run id makes in this process.
func runLabels(id string) map[string]string {
	l := map[string]string{labelRun: id, labelHost: hostID(), labelOwner: ownerID(os.Getpid())}
	if guardID != "" {
		l[labelGuard] = guardID
	}
	return l
}

// hostID names this machine since its last boot: process numbers mean nothing elsewhere.
func hostID() string {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	if boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		name += "/" + strings.TrimSpace(string(boot))
	}
	return name
}

// ownerID is a process's number and, where the system tells, its start in clock
// ticks since boot: numbers are used again.
func ownerID(pid int) string {
	_, started := process(pid)
	return strconv.Itoa(pid) + ":" + started
}

// ownerDead says whether the process that made something is gone for sure. On
// another machine nothing is sure; on this one before its last boot, all are gone.
func ownerDead(host, owner string) bool {
	here := hostID()
	if host != here {
		theirs, _, told := strings.Cut(host, "/")
		ours, _, _ := strings.Cut(here, "/")
		return told && theirs == ours
	}
	number, _, _ := strings.Cut(owner, ":")
	pid, err := strconv.Atoi(number)
	if err != nil || pid <= 0 {
		return false
	}
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return true
	}
	if state, _ := process(pid); state == "Z" || state == "X" {
		return true // it ended, and nobody has asked for its exit code yet
	}
	return owner != ownerID(pid)
}

// process reads a process's state and its start in clock ticks since boot,
// fields 3 and 22 of /proc/<pid>/stat (proc(5)); both "" where there is no /proc.
func process(pid int) (state, started string) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", ""
	}
	// Field 2, the name, stands in parentheses and may hold anything.
	rest := string(data[strings.LastIndexByte(string(data), ')')+1:])
	if f := strings.Fields(rest); len(f) > 19 {
		return f[0], f[19]
	}
	return "", ""
}
