package site

import (
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Cache is the shared cache (RFC 9111): what it may take, and what the Site says
// where the origin server says nothing. "cache: on" is short for all defaults.
//
// Paths are prefixes of the path as the client sent it, escapes and all: "/a" is
// for "/a", "/a/b" and "/ab". Names of fields are in lower case.
type Cache struct {
	On     bool   // "off" by default: nothing is stored, and nothing is different from a proxy without a cache
	Memory int    // bytes of all that is kept in memory, with what it takes to keep it; 64 MiB by default
	Dir    string // folder of the files; "" for none, the default, but "cache" where Disk is said alone (CacheRoot)
	Disk   int    // bytes of all files; 1 GiB by default where there is a Dir, and else 0

	// MaxFileSize bounds the body of one response (CacheMaxFileSize): an eighth of
	// Disk by default. Without a Dir it is a sixteenth of Memory, and 1 MiB at most.
	MaxFileSize int

	TTL          []CacheTTL    // how long what says nothing of it is fresh (CacheDefaultExpire); the first that matches counts. "ttl: 60s" is short for one that is for all
	StaleIfError time.Duration // how long after that a response may stand in for an origin that fails (RFC 5861 §4), unless the response says; 0 by default
	HeuristicMax time.Duration // bound of what Last-Modified makes fresh (RFC 9111 §4.2.2); 24h by default, 0 for never

	Bypass         []CacheBypass // requests that the cache has nothing to do with (CacheDisable)
	IgnoreParams   []string      // query parameters that neither the key nor the origin gets; "utm_*" for all that begin so
	KeyHeaders     []string      // request fields that responses are kept apart by, besides Vary
	KeyCookies     []string      // cookies likewise
	Unkeyed        []string      // request fields that an origin obeys though no key has them: what they lead to is not stored. X-Forwarded-Host and its kin are such in any case
	StoreSetCookie bool          // a response with Set-Cookie is stored where RFC 9111 allows it; "off" by default
	ShareCookies   bool          // ttl and heuristicmax are also for requests with Cookie; "off" by default
	Targets        []string      // fields that are for this cache and come before Cache-Control (RFC 9213), the most applicable first; cdn-cache-control by default

	MaxRanges     int // ranges of one request, above which it gets the whole; 16 by default
	Revalidations int // validations behind answers at once (stale-while-revalidate, RFC 5861 §3); 64 by default
}

// CacheTTL is how long responses are fresh by default.
type CacheTTL struct {
	Path   string        // "" for any
	Status int           // 0 for success and permanent redirections: an error is stored only where its status is named
	For    time.Duration // 0 for not at all
}

// CacheBypass is true of requests that have all that is given.
type CacheBypass struct {
	Path   string
	Header string // a field that is there
	Cookie string // a cookie that is there
}

const (
	minCache     = 1 << 20
	maxCache     = 1 << 50
	longestFresh = 10 * 365 * 24 * time.Hour
	defaultDir   = "cache"
)

// defaultCache is a cache that is on, without what complete adds.
func defaultCache() Cache {
	return Cache{
		On: true, Memory: 64 << 20, HeuristicMax: 24 * time.Hour,
		Targets: []string{"cdn-cache-control"}, MaxRanges: 16, Revalidations: 64,
	}
}

// cache takes on, off, or a mapping that says more.
func (r *reader) cache(f field, into *Cache) {
	if _, ok := f.node.(ast.MapNode); !ok {
		if r.onOff(f) {
			*into = defaultCache()
		}
		return
	}
	c := defaultCache()
	keys := map[string]func(field){
		"memory":           func(f field) { c.Memory = r.size(f, minCache, maxCache) },
		"dir":              func(f field) { c.Dir = r.checked(f, fileName) },
		"disk":             func(f field) { c.Disk = r.size(f, minCache, maxCache) },
		"cachemaxfilesize": func(f field) { c.MaxFileSize = r.size(f, 1, maxCache) },
		"ttl":              func(f field) { c.TTL = r.ttl(f) },
		"staleiferror":     func(f field) { c.StaleIfError = r.fresh(f) },
		"heuristicmax":     func(f field) { c.HeuristicMax = r.fresh(f) },
		"bypass": func(f field) {
			r.list(f, func(f field) { c.Bypass = append(c.Bypass, r.cacheBypass(f)) })
		},
		"ignoreparams":   func(f field) { c.IgnoreParams = r.names(f, parameterName) },
		"keyheaders":     func(f field) { c.KeyHeaders = r.fieldNames(f) },
		"keycookies":     func(f field) { c.KeyCookies = r.names(f, ownCookie) },
		"unkeyed":        func(f field) { c.Unkeyed = r.fieldNames(f) },
		"targets":        func(f field) { c.Targets = r.fieldNames(f) },
		"storesetcookie": func(f field) { c.StoreSetCookie = r.onOff(f) },
		"sharecookies":   func(f field) { c.ShareCookies = r.onOff(f) },
		"maxranges":      func(f field) { c.MaxRanges = r.count(f, 1, 16) },
		"revalidations":  func(f field) { c.Revalidations = r.count(f, 1, 10000) },
	}
	r.mapping(f, keys, nil)
	*into = c
}

// complete puts in what follows from other values, and checks what can be seen of
// them together.
func (r *reader) completeCache(c *Cache) {
	if !c.On || !r.clean("cache") {
		return
	}
	c.complete()
	if most := c.largest(); c.MaxFileSize > most {
		hint := "raise disk"
		if c.Dir == "" {
			hint = `add "dir: cache": larger bodies are in files`
		}
		r.add(r.at("cache.cachemaxfilesize"), wrong(hint, "%s is more than a response can have here, %s", writeSize(c.MaxFileSize), writeSize(most)))
	}
}

func (c *Cache) complete() {
	if c.Disk > 0 && c.Dir == "" {
		c.Dir = defaultDir
	}
	if c.Dir != "" && c.Disk == 0 {
		c.Disk = 1 << 30
	}
	if c.MaxFileSize == 0 {
		if c.MaxFileSize = c.largest(); c.Dir != "" {
			c.MaxFileSize = c.Disk / 8
		}
	}
}

// largest is the body that the stores have room for.
func (c *Cache) largest() int {
	if c.Dir != "" {
		return c.Disk
	}
	return min(1<<20, c.Memory/16)
}

// ttl takes a duration that is for all, or a list.
func (r *reader) ttl(f field) (list []CacheTTL) {
	if _, ok := f.node.(*ast.SequenceNode); !ok {
		return []CacheTTL{{For: r.fresh(f)}}
	}
	r.list(f, func(f field) {
		var t CacheTTL
		r.mapping(f, map[string]func(field){
			"path":   func(f field) { t.Path = r.checked(f, rawPath) },
			"status": func(f field) { t.Status = r.count(f, 200, 599) },
			"for":    func(f field) { t.For = r.fresh(f) },
		}, nil)
		if _, ok := r.lines[f.place+".for"]; !ok && r.clean(f.place) {
			r.add(f, wrong(`add "for: 60s"`, "a ttl without for"))
		}
		list = append(list, t)
	})
	return list
}

func (r *reader) cacheBypass(f field) (b CacheBypass) {
	r.mapping(f, map[string]func(field){
		"path":   func(f field) { b.Path = r.checked(f, rawPath) },
		"header": func(f field) { b.Header = strings.ToLower(r.checked(f, headerName)) },
		"cookie": func(f field) { b.Cookie = r.checked(f, ownCookie) },
	}, nil)
	if b == (CacheBypass{}) && r.clean(f.place) {
		r.add(f, wrong(`"path: /" is for all`, "a bypass without path, header or cookie"))
	}
	return b
}

// fresh takes a duration of freshness, which may be of years.
func (r *reader) fresh(f field) time.Duration {
	s, ok := r.scalar(f, "a duration")
	if !ok {
		return 0
	}
	d, p := duration(s, 0, longestFresh)
	r.add(f, p)
	return d
}

// size takes a size.
func (r *reader) size(f field, least, most int) int {
	s, ok := r.scalar(f, "a size")
	if !ok {
		return 0
	}
	n, p := size(s, least, most)
	r.add(f, p)
	return n
}

// names takes a list of names that keep a rule.
func (r *reader) names(f field, rule func(string) *problem) []string {
	list := []string{}
	r.list(f, func(f field) {
		name := r.checked(f, rule)
		for _, other := range list {
			if other == name && name != "" {
				r.add(f, wrong("", "%q is given twice", name))
			}
		}
		list = append(list, name)
	})
	return list
}

func (r *reader) fieldNames(f field) []string {
	list := r.names(f, headerName)
	for i := range list {
		list[i] = strings.ToLower(list[i])
	}
	return list
}

var headerWord = regexp.MustCompile("^[A-Za-z0-9!#%&'*+.^_`~-]{1,63}$")

func headerName(s string) *problem {
	if !headerWord.MatchString(s) {
		return wrong(`"X-Device"`, "%q is not the name of a field", s)
	}
	return nil
}

func ownCookie(s string) *problem {
	if !cookieName.MatchString(s) {
		return wrong(`"lang"`, "%q is not the name of a cookie", s)
	}
	return nil
}

var parameterWord = regexp.MustCompile(`^[A-Za-z0-9!%'()+,./:@_~[\]-]*\*?$`)

func parameterName(s string) *problem {
	if s == "" || len(s) > 63 || !parameterWord.MatchString(s) {
		return wrong(`"fbclid", or "utm_*" for all that begin so`, "%q is not the name of a query parameter", s)
	}
	return nil
}

// rawPath takes a path as it is sent: visible ASCII without query.
func rawPath(s string) *problem {
	const hint = `a path as clients send it, without query: "/", "/static/", "/caf%C3%A9"`
	switch {
	case !strings.HasPrefix(s, "/"):
		return wrong(hint, "%q does not begin with %q", s, "/")
	case len(s) > 255:
		return wrong(hint, "a path of %d bytes is longer than 255", len(s))
	}
	for _, c := range s {
		if c <= ' ' || c > '~' || strings.ContainsRune("?#\"\\{}<>^`|", c) {
			return wrong(hint, "%q has %q in it", s, c)
		}
	}
	return nil
}

// writeCache writes the cache, if it is on.
func writeCache(line func(string, ...any), c Cache) {
	if !c.On {
		return
	}
	line("cache:")
	line("  memory: %s", writeSize(c.Memory))
	if c.Dir != "" {
		line("  dir: %s", scalar(c.Dir))
		line("  disk: %s", writeSize(c.Disk))
	}
	line("  cachemaxfilesize: %s", writeSize(c.MaxFileSize))
	switch {
	case len(c.TTL) == 1 && c.TTL[0].Path == "" && c.TTL[0].Status == 0:
		line("  ttl: %s", brief(c.TTL[0].For))
	case len(c.TTL) > 0:
		line("  ttl:")
	}
	if len(c.TTL) > 1 || len(c.TTL) == 1 && (c.TTL[0].Path != "" || c.TTL[0].Status != 0) {
		for _, t := range c.TTL {
			line("    - for: %s", brief(t.For))
			if t.Path != "" {
				line("      path: %q", t.Path)
			}
			if t.Status != 0 {
				line("      status: %d", t.Status)
			}
		}
	}
	line("  staleiferror: %s", brief(c.StaleIfError))
	line("  heuristicmax: %s", brief(c.HeuristicMax))
	if len(c.Bypass) > 0 {
		line("  bypass:")
	}
	for _, b := range c.Bypass {
		mark := "-"
		for _, key := range []struct{ name, value string }{{"path", b.Path}, {"header", b.Header}, {"cookie", b.Cookie}} {
			if key.value != "" {
				line("    %s %s: %q", mark, key.name, key.value)
				mark = " "
			}
		}
	}
	for _, key := range []struct {
		name string
		list []string
	}{
		{"ignoreparams", c.IgnoreParams}, {"keyheaders", c.KeyHeaders}, {"keycookies", c.KeyCookies}, {"unkeyed", c.Unkeyed}, {"targets", c.Targets},
	} {
		if key.list != nil {
			line("  %s: [%s]", key.name, quoteAll(key.list))
		}
	}
	line("  storesetcookie: %s", onOff(c.StoreSetCookie))
	line("  sharecookies: %s", onOff(c.ShareCookies))
	line("  maxranges: %d", c.MaxRanges)
	line("  revalidations: %d", c.Revalidations)
}

// cacheFlags makes the cache of proxyd's flags; any of them asks for one.
func (r *reader) cacheFlags(f Flags) (c Cache) {
	if !f.Cache && f.CacheTTL == "" && f.CacheDir == "" && f.CacheDisk == "" {
		return c
	}
	c = defaultCache()
	if f.CacheTTL != "" {
		d, p := duration(f.CacheTTL, 0, longestFresh)
		r.add(field{place: "--cache-ttl"}, p)
		c.TTL = []CacheTTL{{For: d}}
	}
	if f.CacheDir != "" {
		c.Dir = f.CacheDir
		r.add(field{place: "--cache-dir"}, fileName(f.CacheDir))
	}
	if f.CacheDisk != "" {
		var p *problem
		c.Disk, p = size(f.CacheDisk, minCache, maxCache)
		r.add(field{place: "--cache-disk"}, p)
	}
	c.complete()
	return c
}
