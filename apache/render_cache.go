package apache

import (
	"fmt"
	"regexp"
	"strings"

	"proxylab/proxy/site"
)

// Where mod_cache keeps things on a Debian machine.
const (
	cacheRoot = "/var/cache/apache2/mod_cache_disk" // of the package, and www-data's
	cacheLock = "/tmp/proxylab_cache_lock"
)

// shmcbParts is in how many parts mod_socache_shmcb splits its memory: 256, or fewer
// powers of two until each part's index has at least twice as many entries as there
// are parts; an entry and an object together take it for about 2 KiB.
func shmcbParts(memory int) int {
	n := 256
	for n > 1 && memory/2112/n < 2*n {
		n /= 2
	}
	return n
}

// memoryObject is the largest object that mod_cache_socache is asked to keep: half
// of such a part, so that more than one fits.
func memoryObject(c *site.Cache) int {
	return max(1024, min(c.MaxFileSize, c.Memory/shmcbParts(c.Memory)/2))
}

// cache writes mod_cache. The first provider that takes a response has it.
func (w *writer) cache() {
	c := &w.site.Cache
	if !c.On {
		return
	}
	w.comment(1, "A shared cache (mod_cache, RFC 9111). Small responses are kept in shared memory",
		"(mod_cache_socache), which a restart empties.")
	if c.Dir != "" {
		w.line(1, "# Others are files (mod_cache_disk). What bounds their sum is htcacheclean:")
		w.line(1, "#   htcacheclean -d 60 -n -t -p %s -l %dM", cacheRoot, max(1, c.Disk>>20))
	}
	w.line(1, "CacheSocache shmcb:${APACHE_RUN_DIR}/proxylab_cache(%d)", c.Memory)
	w.line(1, "CacheSocacheMaxSize %d", memoryObject(c))
	w.line(1, "CacheEnable socache /")
	if c.Dir != "" {
		w.line(1, "CacheRoot %q", cacheRoot)
		w.line(1, "CacheDirLevels 2")
		w.line(1, "CacheDirLength 1")
		w.line(1, "CacheMaxFileSize %d", c.MaxFileSize)
		w.line(1, "CacheEnable disk /")
	}
	w.cacheBypass(c)
	w.cacheTimes(c)
	w.comment(1, "One request fetches what has become stale; the others get the stale response",
		"meanwhile, for so many seconds at most. The lock is a file that www-data makes.")
	w.line(1, "CacheLock On")
	w.line(1, "CacheLockPath %q", cacheLock)
	w.line(1, "CacheLockMaxAge 5")
	w.comment(1, "X-Cache says HIT, MISS or REVALIDATE; Cache-Status (RFC 9211) httpd does not know.")
	w.line(1, "CacheHeader On")
	if !c.StoreSetCookie {
		w.comment(1, "No client gets a cookie that was another's: it is not stored.")
		w.line(1, "CacheIgnoreHeaders Set-Cookie")
	}
	if exact, _ := ignoredParams(c); len(exact) > 0 {
		w.comment(1, "Parameters of the query that the key is made without.")
		w.line(1, "CacheIgnoreURLSessionIdentifiers %s", strings.Join(exact, " "))
	}
	w.comment(1, "Ranges of one request, above which it gets the whole.")
	w.line(1, "MaxRanges %d", c.MaxRanges)
	if w.tuned() && c.Dir != "" {
		w.comment(1, "Files go from the disk's cache to the socket by sendfile(2), not through httpd.")
		w.line(1, "EnableSendfile On")
	}
}

// ignoredParams are the parameters that httpd can leave out of the key, and those
// that it cannot, because they are patterns.
func ignoredParams(c *site.Cache) (exact, patterns []string) {
	for _, p := range c.IgnoreParams {
		if strings.HasSuffix(p, "*") {
			patterns = append(patterns, p)
		} else {
			exact = append(exact, p)
		}
	}
	return exact, patterns
}

// cacheBypass writes what the cache has nothing to do with. A path alone is
// CacheDisable; fields and cookies are looked at where the cache is asked late.
func (w *writer) cacheBypass(c *site.Cache) {
	var conditions []string
	for _, b := range c.Bypass {
		if b.Header != "" || b.Cookie != "" {
			conditions = append(conditions, bypassCondition(b))
			continue
		}
		w.line(1, "CacheDisable %q", b.Path)
	}
	if len(conditions) == 0 {
		w.comment(1, "The cache answers before anything else is looked at.")
		w.line(1, "CacheQuickHandler On")
		return
	}
	w.comment(1, "What follows looks at fields, so the cache is asked after everything else, which costs a",
		"hit some time. no-store keeps the cache out both ways, and goes on to the origin",
		"server.")
	w.line(1, "CacheQuickHandler Off")
	for _, expr := range conditions {
		w.line(1, "RequestHeader set Cache-Control no-store %q", "expr="+expr)
	}
}

// bypassCondition is true of requests that have all that the rule names.
func bypassCondition(b site.CacheBypass) string {
	var all []string
	if b.Path != "" {
		all = append(all, fmt.Sprintf("%%{REQUEST_URI} =~ m#^%s#", expressionText(b.Path)))
	}
	if b.Header != "" {
		all = append(all, fmt.Sprintf("-n req_novary('%s')", b.Header))
	}
	if b.Cookie != "" {
		all = append(all, fmt.Sprintf("req_novary('Cookie') =~ m#(^|;[ ]*)%s=#", expressionText(b.Cookie)))
	}
	return strings.Join(all, " && ")
}

// expressionText quotes s for a regular expression between "#" without a
// backslash, which a quoted argument of httpd's would take for its own.
func expressionText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune(`.+*?()|{}$`, r):
			fmt.Fprintf(&b, "[%c]", r)
		case strings.ContainsRune(`#[]^`, r):
			b.WriteByte('.')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// cacheTimes writes how long what is how long fresh.
func (w *writer) cacheTimes(c *site.Cache) {
	w.comment(1, "Freshness where the origin server says nothing: a tenth of the time since it was",
		"changed, and at most so many seconds (of what origin servers say themselves, too).")
	if c.HeuristicMax > 0 {
		w.line(1, "CacheLastModifiedFactor 0.1")
		w.line(1, "CacheMaxExpire %d", seconds(c.HeuristicMax))
	} else {
		w.line(1, "CacheLastModifiedFactor 0")
		w.line(1, "CacheMaxExpire %d", 10*365*24*3600)
	}
	if len(c.TTL) > 0 {
		w.comment(1, "And of what has no Last-Modified either, which is stored then.")
		w.line(1, "CacheIgnoreNoLastMod On")
		w.line(1, "CacheDefaultExpire %d", wholeTTL(c))
	}
	for _, t := range c.TTL {
		if t.Path != "" && t.Status == 0 {
			w.line(1, "<LocationMatch %q>", "^"+regexp.QuoteMeta(t.Path))
			w.line(2, "CacheDefaultExpire %d", seconds(t.For))
			w.line(1, "</LocationMatch>")
		}
	}
	w.comment(1, "What is stale from the beginning is stored, too: it can be validated.")
	w.line(1, "CacheStoreExpired On")
	w.comment(1, "Whether a stale response stands in for an origin server that answers 5xx.")
	w.line(1, "CacheStaleOnError %s", onOff(c.StaleIfError > 0))
}

// wholeTTL is the freshness, in seconds, that is for any path.
func wholeTTL(c *site.Cache) int64 {
	for _, t := range c.TTL {
		if t.Path == "" && t.Status == 0 {
			return seconds(t.For)
		}
	}
	return 0
}

func onOff(on bool) string {
	if on {
		return "On"
	}
	return "Off"
}
