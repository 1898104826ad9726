package main

import (
	"os"
	"runtime/debug"
	"testing"

	"proxylab/proxy/site"
)

func TestWhoCachesCollectsSooner(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	cached := &site.Site{Cache: site.Cache{On: true}}
	for _, tt := range []struct {
		claim string
		gogc  string
		site  *site.Site
		want  int
	}{
		{"a cache", "", cached, slack},
		{"no cache", "", &site.Site{}, 100},
		{"a cache, and GOGC says otherwise", "50", cached, 100}, // which the runtime has read when it started
	} {
		t.Setenv("GOGC", tt.gogc)
		if tt.gogc == "" {
			os.Unsetenv("GOGC")
		}
		debug.SetGCPercent(100)
		boundHeap(tt.site)
		if got := debug.SetGCPercent(100); got != tt.want {
			t.Errorf("%s: the heap may grow by %d %%, want %d", tt.claim, got, tt.want)
		}
	}
}
