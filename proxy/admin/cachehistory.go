package admin

import (
	"sync"
	"time"

	"proxylab/proxy/cache"
)

// recent are the times that hit ratios are told of.
var recent = []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute}

// sampleEvery is how often the counts are noted, so that somebody who comes to look
// sees what was before.
const sampleEvery = 5 * time.Second

// history is the counts of the last minutes.
type history struct {
	began time.Time

	mu      sync.Mutex
	samples []sample // the oldest first; never none
}

type sample struct {
	at     time.Time
	counts cache.Counts
}

// begin is where nothing was counted yet.
func (h *history) begin(now time.Time) {
	h.began = now
	h.samples = []sample{{at: now}}
}

// keep notes the counts until it is stopped.
func (h *history) keep(t *cache.Tally, stop <-chan struct{}) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			h.note(now, t.Counts())
		case <-stop:
			return
		}
	}
}

// note adds a sample, and lets go of those that no answer needs any more.
func (h *history) note(now time.Time, counts cache.Counts) {
	h.mu.Lock()
	defer h.mu.Unlock()
	oldest := now.Add(-recent[len(recent)-1])
	for len(h.samples) > 1 && !h.samples[1].at.After(oldest) {
		h.samples = h.samples[1:]
	}
	h.samples = append(h.samples, sample{now, counts})
}

// before is the last sample that was taken at that time or earlier; the first one,
// where all are later.
func (h *history) before(at time.Time) sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	found := h.samples[0]
	for _, s := range h.samples[1:] {
		if s.at.After(at) {
			break
		}
		found = s
	}
	return found
}
