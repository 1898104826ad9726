package admin

import (
	"github.com/prometheus/client_golang/prometheus"

	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
)

// cacheRow is a figure of the cache; a label, "name=value", makes it one of several
// of that name.
func cacheRow(kind prometheus.ValueType, name, label, value, help string, of func(*store.Stats) int64) figure[store.Stats] {
	var labels prometheus.Labels
	if label != "" {
		labels = prometheus.Labels{label: value}
	}
	return figure[store.Stats]{
		prometheus.NewDesc("proxyd_cache_"+name, help, nil, labels), kind,
		func(s *store.Stats) float64 { return float64(of(s)) }, nil,
	}
}

const (
	lookupsHelp   = "Keys that were looked up, by where they were found."
	evictionsHelp = "Keys that left the memory, and files that left the disk, for others."
	rejectedHelp  = "Responses that were to be stored and were not: larger than there is room for, or overtaken by an invalidation or a purge."
)

var memoryFigures = []figure[store.Stats]{
	cacheRow(gauge, "memory_bytes", "", "", "Bytes in memory, with what it takes to keep them.", func(s *store.Stats) int64 { return s.MemoryBytes }),
	cacheRow(gauge, "memory_max_bytes", "", "", "Bound of the bytes in memory.", func(s *store.Stats) int64 { return s.MemoryMax }),
	cacheRow(gauge, "memory_keys", "", "", "Keys in memory.", func(s *store.Stats) int64 { return s.MemoryKeys }),
	cacheRow(counter, "lookups_total", "result", "memory", lookupsHelp, func(s *store.Stats) int64 { return s.Hits }),
	cacheRow(counter, "lookups_total", "result", "disk", lookupsHelp, func(s *store.Stats) int64 { return s.Loads }),
	cacheRow(counter, "lookups_total", "result", "absent", lookupsHelp, func(s *store.Stats) int64 { return s.Misses }),
	cacheRow(counter, "insertions_total", "", "", "Responses that were stored.", func(s *store.Stats) int64 { return s.Stored }),
	cacheRow(counter, "evictions_total", "store", "memory", evictionsHelp, func(s *store.Stats) int64 { return s.Evicted }),
	cacheRow(counter, "rejected_responses_total", "reason", "too_large", rejectedHelp, func(s *store.Stats) int64 { return s.TooLarge }),
	cacheRow(counter, "rejected_responses_total", "reason", "overtaken", rejectedHelp, func(s *store.Stats) int64 { return s.Late }),
	cacheRow(counter, "invalidations_total", "", "", "Keys that were made void by an unsafe method (RFC 9111 §4.4), or since their body was gone.", func(s *store.Stats) int64 { return s.Removed }),
	cacheRow(counter, "purged_responses_total", "", "", "Responses that were purged, softly or not.", func(s *store.Stats) int64 { return s.Purged }),
}

var diskFigures = []figure[store.Stats]{
	cacheRow(gauge, "disk_bytes", "", "", "Bytes of the files, in whole blocks.", func(s *store.Stats) int64 { return s.DiskBytes }),
	cacheRow(gauge, "disk_max_bytes", "", "", "Bound of the bytes of the files.", func(s *store.Stats) int64 { return s.DiskMax }),
	cacheRow(gauge, "disk_files", "", "", "Files.", func(s *store.Stats) int64 { return s.DiskFiles }),
	cacheRow(gauge, "disk_scanned", "", "", "1 once all files of the directory are counted.", func(s *store.Stats) int64 { return int64(truth(s.DiskScanned)) }),
	cacheRow(gauge, "disk_open_files", "", "", "Descriptors in use.", func(s *store.Stats) int64 { return s.OpenFiles }),
	cacheRow(counter, "evictions_total", "store", "disk", evictionsHelp, func(s *store.Stats) int64 { return s.DiskEvicted }),
	cacheRow(counter, "corrupt_files_total", "", "", "Files that were torn, changed or not ours, and were removed.", func(s *store.Stats) int64 { return s.Corrupt }),
	cacheRow(counter, "unwritten_files_total", "", "", "Files that were not written: the disk was too slow, full or not writable.", func(s *store.Stats) int64 { return s.Dropped }),
}

var (
	fatesDesc  = prometheus.NewDesc("proxyd_cache_requests_total", "Requests that the cache was asked about, by how they were served.", []string{"fate"}, nil)
	purgesDesc = prometheus.NewDesc("proxyd_cache_purges", "Purges by prefix or tag that are in force.", nil, nil)
)

func describeCache(to chan<- *prometheus.Desc) {
	for _, list := range [][]figure[store.Stats]{memoryFigures, diskFigures} {
		for _, f := range list {
			to <- f.desc
		}
	}
	to <- fatesDesc
	to <- purgesDesc
}

// collectCache asks the cache, where there is one.
func (c collector) collectCache(to chan<- prometheus.Metric) {
	if c.Cache == nil {
		return
	}
	st := c.Cache.Stats()
	send(to, memoryFigures, &st)
	if st.DiskMax > 0 {
		send(to, diskFigures, &st)
	}
	for f, n := range c.Tally.Counts() {
		to <- prometheus.MustNewConstMetric(fatesDesc, counter, float64(n), cache.Fate(f).String())
	}
	to <- prometheus.MustNewConstMetric(purgesDesc, gauge, float64(len(c.Cache.Purges())))
}
