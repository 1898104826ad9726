package admin

import (
	"fmt"
	"math"
	"time"

	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
)

// cacheView is how the cache stands. Where the Site has none, On is false and the
// rest is not there. Counters run since proxyd started.
type cacheView struct {
	Time time.Time `json:"time"`
	On   bool      `json:"on"`
	*cacheFigures
}

type cacheFigures struct {
	Total  fatesView   `json:"total"`
	Recent []fatesView `json:"recent"` // the last 10 s, minute, 5 minutes

	Memory memoryView `json:"memory"`
	Disk   *diskView  `json:"disk"` // null without a directory

	Insertions  int64 `json:"insertions"`
	TooLarge    int64 `json:"too_large"`
	Overtaken   int64 `json:"overtaken"`
	Invalidated int64 `json:"invalidated"`
	Purged      int64 `json:"purged"`
	Purges      int   `json:"purges"` // in force
}

// fatesView is how requests of some time were served.
type fatesView struct {
	Seconds  float64           `json:"seconds"`
	Requests uint64            `json:"requests"`
	HitRatio *float64          `json:"hit_ratio"` // null where nobody asked the cache
	Fates    map[string]uint64 `json:"fates"`
}

type memoryView struct {
	Bytes   int64 `json:"bytes"`
	Max     int64 `json:"max_bytes"`
	Keys    int64 `json:"keys"`
	Evicted int64 `json:"evictions"`
}

type diskView struct {
	Bytes     int64 `json:"bytes"`
	Max       int64 `json:"max_bytes"`
	Files     int64 `json:"files"`
	Scanned   bool  `json:"scanned"` // false: files are still being counted
	Open      int64 `json:"open_files"`
	Evicted   int64 `json:"evictions"`
	Corrupt   int64 `json:"corrupt_files"`
	Unwritten int64 `json:"unwritten_files"`
}

func (s *Server) viewCache(now time.Time) cacheView {
	v := cacheView{Time: now}
	if s.Cache == nil {
		return v
	}
	v.On = true
	st, counts := s.Cache.Stats(), s.Tally.Counts()
	f := &cacheFigures{
		Total:      viewFates(counts, now.Sub(s.history.began)),
		Memory:     memoryView{st.MemoryBytes, st.MemoryMax, st.MemoryKeys, st.Evicted},
		Insertions: st.Stored, TooLarge: st.TooLarge, Overtaken: st.Late, Invalidated: st.Removed,
		Purged: st.Purged, Purges: len(s.Cache.Purges()),
	}
	for _, span := range recent {
		before := s.history.before(now.Add(-span))
		f.Recent = append(f.Recent, viewFates(counts.Since(before.counts), now.Sub(before.at)))
	}
	if st.DiskMax > 0 {
		f.Disk = &diskView{
			Bytes: st.DiskBytes, Max: st.DiskMax, Files: st.DiskFiles, Scanned: st.DiskScanned, Open: st.OpenFiles,
			Evicted: st.DiskEvicted, Corrupt: st.Corrupt, Unwritten: st.Dropped,
		}
	}
	v.cacheFigures = f
	return v
}

func viewFates(c cache.Counts, in time.Duration) fatesView {
	v := fatesView{Seconds: math.Round(in.Seconds()), Fates: map[string]uint64{}}
	for f, n := range c {
		v.Fates[cache.Fate(f).String()] = n
		v.Requests += n
	}
	if ratio, ok := c.Ratio(); ok {
		v.HitRatio = &ratio
	}
	return v
}

// keyView is what is stored for one URL.
type keyView struct {
	URL      string         `json:"url"`
	Variants []responseView `json:"variants"`
}

// responseView is a stored response. The second half is told of one entry, not in
// lists.
type responseView struct {
	Status   int         `json:"status"`
	Size     int64       `json:"size"`
	Memory   bool        `json:"memory"` // its body is there
	Disk     bool        `json:"disk"`   // it is in a file
	Received time.Time   `json:"received"`
	Age      float64     `json:"age_seconds"`
	Lifetime float64     `json:"lifetime_seconds"`
	Fresh    float64     `json:"fresh_seconds"` // what remains; negative: stale for so long
	State    string      `json:"state"`
	Vary     []fieldView `json:"vary,omitempty"` // what the request had
	Tags     []string    `json:"tags,omitempty"`

	Why             string      `json:"why,omitempty"`
	Requested       *time.Time  `json:"requested,omitempty"` // last fetched or validated
	LifetimeFrom    string      `json:"lifetime_from,omitempty"`
	WhileRevalidate *float64    `json:"stale_while_revalidate_seconds,omitempty"`
	IfError         *float64    `json:"stale_if_error_seconds,omitempty"`
	Complete        *bool       `json:"complete,omitempty"`
	Fields          []fieldView `json:"fields,omitempty"`
}

type fieldView struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (s *Server) viewKey(l []store.Held, now time.Time, whole bool) keyView {
	v := keyView{URL: string(l[0].Entry.Key)}
	for _, h := range l {
		v.Variants = append(v.Variants, s.viewResponse(h, now, whole))
	}
	return v
}

func (s *Server) viewResponse(h store.Held, now time.Time, whole bool) responseView {
	e, is := h.Entry, h.Entry.Standing(s.Cache.Policy(), now)
	v := responseView{
		Status: e.Status, Size: h.Size, Memory: h.InMemory, Disk: h.OnDisk, Received: e.Received,
		Age: rounded(is.Age), Lifetime: rounded(is.Lifetime), Fresh: rounded(is.Left()), State: is.State.String(),
	}
	for i := range e.Vary {
		v.Vary = append(v.Vary, viewNominated(&e.Vary[i]))
	}
	for tag := range store.Tags(e.Fields) {
		v.Tags = append(v.Tags, string(tag))
	}
	if !whole {
		return v
	}
	complete := !e.Partial
	v.Why, v.Requested, v.LifetimeFrom, v.Complete = why(e, &is), &e.Requested, is.From, &complete
	if is.WhileRevalidate > 0 {
		v.WhileRevalidate = new(rounded(is.WhileRevalidate))
	}
	if is.IfError >= 0 {
		v.IfError = new(rounded(is.IfError))
	}
	for i := range e.Fields {
		v.Fields = append(v.Fields, fieldView{string(e.Fields[i].Name), string(e.Fields[i].Value)})
	}
	return v
}

// viewNominated shows a request field that a response is for. Who looks at a cache
// need not learn the secrets of those who asked.
func viewNominated(n *cache.Nominated) fieldView {
	v := fieldView{string(n.Name), string(n.Value)}
	switch {
	case n.Lines == 0:
		v.Value = "(absent)"
	case v.Name == "cookie", v.Name == "authorization":
		v.Value = fmt.Sprintf("(%d bytes)", len(n.Value))
	}
	return v
}

// why says in a sentence whether a response answers, and what of it decides that.
func why(e *cache.Entry, is *cache.Standing) string {
	text := fmt.Sprintf("fresh: its age, %s, is below its lifetime of %s (%s)", told(is.Age), told(is.Lifetime), is.From)
	switch is.State {
	case cache.StateInvalid:
		text = "invalid: it was purged softly, or is known to be outdated; it is validated before it is used"
	case cache.StateNoCache:
		text = "no-cache: it is validated each time"
	case cache.StateRevalidating:
		text = fmt.Sprintf("stale for %s; stale-while-revalidate lets it answer for another %s while it is validated", told(-is.Left()), told(is.WhileRevalidate+is.Left()))
	case cache.StateStale:
		text = fmt.Sprintf("stale: its age, %s, has reached its lifetime of %s (%s)", told(is.Age), told(is.Lifetime), is.From)
		if is.From == "" {
			text = "stale: nothing says how long it is fresh"
		}
	}
	if e.Partial {
		have := int64(0)
		for _, span := range e.Have {
			have += span.Len()
		}
		text += fmt.Sprintf("; %d bytes of it are stored, and the rest is asked for", have)
	}
	return text
}

func told(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second / 10).String()
	}
	return d.Round(time.Second).String()
}

func rounded(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond).Milliseconds()) / 1000
}
