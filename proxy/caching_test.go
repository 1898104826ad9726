package proxy

import (
	"strings"
	"testing"
	"time"

	"proxylab/proxy/site"
)

// caches turns the cache on, as "cache: on" does.
func caches(s *site.Site) {
	s.Cache = site.Cache{
		On: true, Memory: 64 << 20, MaxFileSize: 1 << 20, HeuristicMax: 24 * time.Hour,
		Targets: []string{"cdn-cache-control"}, MaxRanges: 16, Revalidations: 64,
	}
}

func TestTheStoreOutlivesAReload(t *testing.T) {
	p := serve(t, caches, "http://127.0.0.1:1")
	before := p.Cache()
	if before == nil {
		t.Fatal("no store")
	}
	ask(t, dial(t, p.addr), "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n") // it serves
	declared := *p.parts.Load().site
	declared.Cache.TTL = []site.CacheTTL{{For: time.Minute}}
	if err := p.Reload(&declared); err != nil {
		t.Fatal(err)
	}
	if p.Cache() != before {
		t.Error("another store after a reload")
	}
	for _, change := range []func(*site.Cache){
		func(c *site.Cache) { c.On = false },
		func(c *site.Cache) { c.Memory *= 2 },
		func(c *site.Cache) { c.Dir = "elsewhere" },
	} {
		other := declared
		change(&other.Cache)
		if err := p.Reload(&other); err == nil || !strings.Contains(err.Error(), "cannot") || HintOf(err) == "" {
			t.Errorf("a reload to %+v: %v", other.Cache, err)
		}
	}
}

func TestThereIsNoStoreWithoutCache(t *testing.T) {
	p := serve(t, nil, "http://127.0.0.1:1")
	if p.Cache() != nil || p.Tally() != nil {
		t.Error("a store")
	}
}
