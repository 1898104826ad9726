package labs

import (
	"slices"

	"proxylab/docker"
	"proxylab/reports/record"
)

// resources turns the readings around a trial into what it used.
func resources(s *underTest, before, after reading, series []docker.Usage, tr record.Trial) record.Resources {
	r := record.Resources{Generator: used(before.generator, after.generator, tr.Requests)}
	if s.container != nil {
		r.System = used(before.system, after.system, tr.Requests)
		addSeries(r.System, series, before.system, tr)
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

// used is the difference of two readings. Memory is the two readings' alone.
func used(before, after docker.Usage, requests int) *record.Usage {
	u := &record.Usage{
		Source:            after.Source,
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
