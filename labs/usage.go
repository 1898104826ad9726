package labs

import (
	"fmt"
	"slices"
	"time"

	"proxylab/docker"
	"proxylab/reports/record"
)

// How often a container is read during a trial, by where its figures come from.
const (
	filesEvery  = 200 * time.Millisecond
	engineEvery = time.Second
)

// sourceNote tells the reader of the report where figures come from.
func sourceNote(source string) string {
	if source == docker.FromFiles {
		return fmt.Sprintf("CPU time, memory, threads and network bytes are read from the kernel's cgroup files, %d times a second.", time.Second/filesEvery)
	}
	return "The cgroup files of the containers cannot be read from here: CPU time and memory come from the engine's API, once a second; context switches and calls are not known."
}

// resources turns the readings around a trial into what it used.
func resources(s *underTest, before, after reading, series []docker.Usage, tr record.Trial) record.Resources {
	r := record.Resources{Generator: used(before.generator, after.generator, tr.Requests)}
	if s.container != nil {
		r.System = used(before.system, after.system, tr.Requests)
		addSeries(r.System, series, before.system, tr)
		if before.worked && after.worked && tr.Requests > 0 {
			n := float64(tr.Requests)
			r.System.SwitchesPerRequest = float64(after.work.Switches-before.work.Switches) / n
			r.System.CallsPerRequest = float64(after.work.Calls-before.work.Calls) / n
		}
	}
	r.Origins = &record.Usage{}
	for i := range after.origins {
		o := used(before.origins[i], after.origins[i], tr.Requests)
		r.Origins.Source = o.Source
		r.Origins.CPUSeconds += o.CPUSeconds
		r.Origins.CPUPerRequest += o.CPUPerRequest
		r.Origins.ThrottledSeconds += o.ThrottledSeconds
		r.Origins.ThrottledPeriods += o.ThrottledPeriods
		r.Origins.MemoryMedianBytes += o.MemoryMedianBytes
		r.Origins.MemoryMaxBytes += o.MemoryMaxBytes
	}
	return r
}

// used is the difference of two readings. Memory is the two readings' alone. A
// container that was started anew in between counts from its start: what it used
// before that is lost.
func used(before, after docker.Usage, requests int) *record.Usage {
	if after.CPUSeconds < before.CPUSeconds {
		before.CPUSeconds, before.ThrottledSeconds, before.ThrottledPeriods, before.ReceivedBytes, before.SentBytes = 0, 0, 0, 0, 0
	}
	u := &record.Usage{
		Source:            after.Source,
		ReceivedBytes:     after.ReceivedBytes - before.ReceivedBytes,
		SentBytes:         after.SentBytes - before.SentBytes,
		CPUSeconds:        after.CPUSeconds - before.CPUSeconds,
		ThrottledSeconds:  after.ThrottledSeconds - before.ThrottledSeconds,
		ThrottledPeriods:  after.ThrottledPeriods - before.ThrottledPeriods,
		MemoryMedianBytes: (before.MemoryBytes + after.MemoryBytes) / 2,
		MemoryMaxBytes:    max(before.MemoryBytes, after.MemoryBytes),
	}
	if requests > 0 {
		u.CPUPerRequest = u.CPUSeconds * 1e6 / float64(requests)
	}
	return u
}

// addSeries puts the readings during the trial in, and takes memory from them.
func addSeries(u *record.Usage, series []docker.Usage, before docker.Usage, tr record.Trial) {
	var memory []int64
	for _, r := range series {
		memory = append(memory, r.MemoryBytes)
		u.Processes, u.Threads, u.Sockets = max(u.Processes, r.Processes), max(u.Threads, r.Threads), max(u.Sockets, r.Sockets)
		u.Series = append(u.Series, record.Point{
			Seconds:     r.Read.Sub(tr.Started).Seconds(),
			CPUSeconds:  r.CPUSeconds - before.CPUSeconds,
			MemoryBytes: r.MemoryBytes,
		})
	}
	if len(memory) > 0 {
		slices.Sort(memory)
		u.MemoryMedianBytes = memory[len(memory)/2]
		u.MemoryMaxBytes = max(u.MemoryMaxBytes, memory[len(memory)-1])
	}
}
