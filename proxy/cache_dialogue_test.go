package proxy

import (
	"time"

	"proxylab/proxy/site"
)

// cacheSites change the Site, whose cache is on, for dialogues of testdata/cache
// whose name begins so.
var cacheSites = map[string]func(*site.Site){
	"ignores": func(s *site.Site) { s.Cache.IgnoreParams = []string{"utm_*"} },
	"ttl": func(s *site.Site) {
		s.Cache.TTL = []site.CacheTTL{{Status: 404, For: 5 * time.Second}, {For: time.Minute}}
		s.Cache.Bypass = []site.CacheBypass{{Cookie: "session"}}
	},
}
