package apache

import (
	"fmt"
	"strings"
)

// cacheNotes says where mod_cache does otherwise than the Site asks of a cache.
func (w *writer) cacheNotes() []string {
	c := &w.site.Cache
	if !c.On {
		return nil
	}
	var list []string
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	say("cache: concurrent requests for what is not stored go to the members one by one; CacheLock keeps them off only where something stale is stored")
	say("cache: Cache-Status (RFC 9211) is not said; X-Cache is, in httpd's words, and so is the log's cache-status")
	say("cache: no part of a range is stored, and what a broken answer left is not completed")
	if c.Dir != "" {
		if c.Dir != cacheRoot {
			say("cache.dir: %s; httpd's files are in %s, which is www-data's", c.Dir, cacheRoot)
		}
		say("cache.disk: %d bytes; httpd has no bound: htcacheclean has to run beside it", c.Disk)
	}
	if n := memoryObject(c); n < c.MaxFileSize {
		say("cache.memory: %d bytes; of these httpd keeps responses of at most %d, since one of the parts that shmcb has must hold them", c.Memory, n)
	}
	for _, b := range c.Bypass {
		if b.Header != "" || b.Cookie != "" {
			say("cache.bypass: by a field; httpd then says Cache-Control: no-store to the origin server")
		}
	}
	for _, t := range c.TTL {
		if t.Status != 0 {
			say("cache.ttl: status %d for %s; httpd stores no such answer that says nothing of freshness", t.Status, t.For)
		}
	}
	if len(c.TTL) > 0 && !c.ShareCookies {
		say("cache.sharecookies: off; httpd's default freshness is for requests with Cookie, too")
	}
	if c.HeuristicMax > 0 {
		say("cache.heuristicmax: %s; CacheMaxExpire bounds what an origin server says itself, too", c.HeuristicMax)
	}
	if c.StaleIfError > 0 {
		say("cache.staleiferror: %s; httpd lets any stale response stand in, however old (CacheStaleOnError)", c.StaleIfError)
	} else {
		say("cache: stale-if-error of a response (RFC 5861) is not obeyed")
	}
	w.cacheKeyNotes(say)
	if !c.StoreSetCookie {
		say("cache.storesetcookie: off; httpd stores such a response without its cookies")
	}
	say("cache.revalidations: %d; stale-while-revalidate (RFC 5861) is not obeyed: while one request validates, others get what is stale, for 5s at most", c.Revalidations)
	return list
}

// cacheKeyNotes are about what responses are kept apart by.
func (w *writer) cacheKeyNotes(say func(string, ...any)) {
	c := &w.site.Cache
	exact, patterns := ignoredParams(c)
	if len(exact) > 0 {
		say("cache.ignoreparams: %s; httpd leaves them out of the key, and the origin server gets them", strings.Join(exact, ", "))
	}
	if len(patterns) > 0 {
		say("cache.ignoreparams: %s; httpd has no patterns, and keeps them apart", strings.Join(patterns, ", "))
	}
	if len(c.KeyHeaders) > 0 {
		say("cache.keyheaders: %s; httpd keeps apart by Vary alone", strings.Join(c.KeyHeaders, ", "))
	}
	if len(c.KeyCookies) > 0 {
		say("cache.keycookies: %s; httpd keeps apart by Vary alone", strings.Join(c.KeyCookies, ", "))
	}
	if len(c.Unkeyed) > 0 {
		say("cache.unkeyed: %s; httpd stores what these fields led to", strings.Join(c.Unkeyed, ", "))
	}
	if len(c.Targets) > 0 {
		say("cache.targets: %s; httpd obeys Cache-Control alone", strings.Join(c.Targets, ", "))
	}
}
