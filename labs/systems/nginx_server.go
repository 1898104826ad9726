package systems

import (
	"fmt"
	"net"
	"strings"
	"time"

	"proxylab/proxy/site"
)

// server is what listens, and the routes.
func (w *nginxWriter) server() {
	s := w.site
	w.comment(1, "Connections that wait to be accepted; no more than net.core.somaxconn.")
	listen := fmt.Sprintf("backlog=%d", s.Socket.Backlog)
	if s.Socket.Defer {
		listen += " deferred"
	}
	if s.Socket.ReusePort {
		listen += " reuseport"
		w.say("socket.reuseport: on; nginx shares its address out among its own processes")
	}
	host, port, _ := net.SplitHostPort(s.Listen)
	if host != "" {
		port = net.JoinHostPort(host, port)
	}
	w.line(1, "server {")
	w.line(2, "listen %s %s;", port, listen)
	w.line(2, "server_name _;")
	w.ignored()
	whole := false
	for _, r := range s.Routes {
		w.location(r)
		whole = whole || prefix(r.Path) == ""
	}
	if !whole {
		w.line(2, "location / { return 404; }")
	}
	w.line(1, "}")
}

// location is a route. A path matches whole segments: itself, and what follows it
// behind a slash. nginx takes the longest that matches, the Site the first.
func (w *nginxWriter) location(r site.Route) {
	path := prefix(r.Path)
	if r.To == "!" {
		w.line(2, "location %s/ { return 404; }", path)
		if path != "" {
			w.line(2, "location = %s { return 404; }", path)
		}
		return
	}
	name, to := target(r.To)
	b := w.balancer(name)
	w.line(2, "location %s/ {", path)
	w.pass(b, path+"/", to)
	w.line(2, "}")
	if path != "" {
		w.line(2, "location = %s {", path)
		w.pass(b, path, to)
		w.line(2, "}")
	}
	w.order(r)
}

// order notes a route that an earlier one would take in the Site and this one does
// in nginx.
func (w *nginxWriter) order(r site.Route) {
	for _, before := range w.site.Routes {
		if before == r {
			return
		}
		if strings.HasPrefix(prefix(r.Path)+"/", prefix(before.Path)+"/") {
			w.say("routes: %s stands behind %s; nginx takes the longest path that matches, not the first", r.Path, before.Path)
		}
	}
}

func (w *nginxWriter) balancer(name string) *site.Balancer {
	for i := range w.site.Balancers {
		if w.site.Balancers[i].Name == name {
			return &w.site.Balancers[i]
		}
	}
	return &w.site.Balancers[0]
}

// pass hands requests for path on to the balancer's path to. Without a path of its
// own nginx passes the request's as the client wrote it.
func (w *nginxWriter) pass(b *site.Balancer, path, to string) {
	switch {
	case path == "/" && to == "/":
		w.line(3, "proxy_pass http://%s;", b.Name)
	case strings.HasSuffix(path, "/") && to != "/":
		w.line(3, "proxy_pass http://%s%s/;", b.Name, to)
		w.say("routes from %s to another path; nginx decodes the path, and writes it anew", path)
	default:
		w.line(3, "proxy_pass http://%s%s;", b.Name, to)
		w.say("routes from %s to another path; nginx decodes the path, and writes it anew", path)
	}
	w.line(3, "# ProxyPassReverse: where an origin server names itself in Location.")
	for i := range b.Members {
		m := &b.Members[i]
		if off(m) {
			continue
		}
		back := strings.TrimSuffix(path, "/") + "/"
		w.line(3, "proxy_redirect http://%s%s %s;", strings.TrimSuffix(address(m), ":80"), strings.TrimSuffix(to, "/")+"/", back)
	}
	w.attempts(b)
	w.cached(b)
}

// attempts are timeouts, and what is tried again.
func (w *nginxWriter) attempts(b *site.Balancer) {
	m := &b.Members[0]
	w.line(3, "proxy_connect_timeout %s;", millis(m.ConnectionTimeout))
	w.line(3, "proxy_read_timeout %s;", millis(max(m.Timeout, m.UpgradeTimeout)))
	w.line(3, "proxy_send_timeout %s;", millis(m.Timeout))
	if m.UpgradeTimeout > m.Timeout && m.Upgrade != "" {
		w.say("members' upgradetimeout: %s; nginx has one timeout for tunnels and answers, the longer one", m.UpgradeTimeout)
	}
	on := "error timeout"
	for _, code := range b.Failures.OnStatus {
		switch code {
		case 403, 404, 429, 500, 502, 503, 504:
			on += fmt.Sprintf(" http_%d", code)
			w.say("balancers' failonstatus: %d; nginx asks another member, instead of passing the answer on", code)
		default:
			w.say("balancers' failonstatus: %d; nginx has it for 403, 404, 429, 500, 502, 503 and 504 alone", code)
		}
	}
	if b.Failures.Resend == "never" {
		w.say("balancers' resend: never; nginx sends idempotent requests again")
	} else {
		w.say("balancers' resend: %s; nginx tries idempotent requests again with another member, after silence too", b.Failures.Resend)
	}
	w.line(3, "proxy_next_upstream %s;", on)
	tries := b.Failures.Attempts + 1
	if b.Failures.Attempts == 0 {
		tries = len(b.Members)
	}
	w.line(3, "proxy_next_upstream_tries %d;", tries)
	w.line(3, "# Answers go on as they come, request bodies too.")
	if w.site.Cache.On {
		w.line(3, "proxy_buffering on;")
	} else {
		w.line(3, "proxy_max_temp_file_size 0;")
	}
	w.line(3, "proxy_request_buffering off;")
}

// cacheZone is the cache's files, and what of it is for all locations.
func (w *nginxWriter) cacheZone() {
	c := w.site.Cache
	if !c.On {
		return
	}
	size := c.Disk
	if c.Dir == "" {
		size = c.Memory
		w.say("cache.memory: nginx keeps responses in files; these are on a file system in memory, %d bytes at most", size)
	}
	w.comment(1, "The cache: files, and an index in memory that all processes share.")
	w.line(1, "proxy_cache_path %s levels=1:2 keys_zone=site:16m max_size=%d inactive=7d use_temp_path=off;", nginxCacheDir(c), size)
	w.line(1, "# One request fetches, the others wait for it.")
	w.line(1, "proxy_cache_lock on;")
	w.line(1, "proxy_cache_revalidate on;")
	w.line(1, "proxy_cache_background_update on;")
	w.line(1, "proxy_cache_key $http_host$request_uri;")
	if c.StaleIfError > 0 {
		w.line(1, "proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;")
		w.say("cache.staleiferror: %s; nginx has no bound of it but \"inactive\"", c.StaleIfError)
	} else {
		w.line(1, "proxy_cache_use_stale updating;")
	}
	w.bypass(c)
	w.lacks(
		asked{len(c.IgnoreParams) > 0, "cache.ignoreparams"}, asked{len(c.Unkeyed) > 0, "cache.unkeyed"},
		asked{len(c.KeyHeaders) > 0, "cache.keyheaders"}, asked{len(c.KeyCookies) > 0, "cache.keycookies"},
		asked{c.StoreSetCookie, "cache.storesetcookie: on"},
	)
	w.say("cache.cachemaxfilesize: nginx bounds the sum of all files alone")
	w.say("cache: nginx ignores the client's Cache-Control, and obeys of the origin's X-Accel-Expires, Expires, Cache-Control, Set-Cookie and Vary; it invalidates nothing after POST, PUT and DELETE, and has no heuristic freshness")
}

func nginxCacheDir(c site.Cache) string {
	if c.Dir == "" {
		return "/dev/shm/nginx"
	}
	return "/var/cache/nginx"
}

// bypass maps what the cache has nothing to do with to a variable that is not empty.
func (w *nginxWriter) bypass(c site.Cache) {
	for i, b := range c.Bypass {
		what, pattern := "", ""
		add := func(variable, p string) { what, pattern = what+variable+" ", pattern+p+" " }
		if b.Path != "" {
			add("$request_uri", regexpQuote(b.Path)+".*")
		}
		if b.Header != "" {
			add("$http_"+strings.ReplaceAll(strings.ToLower(b.Header), "-", "_"), ".+")
		}
		if b.Cookie != "" {
			add("$cookie_"+b.Cookie, ".+")
		}
		w.line(1, "map \"%s\" $bypass%d { default \"\"; \"~^%s$\" 1; }", strings.TrimSpace(what), i, strings.TrimSpace(pattern))
		if strings.Count(pattern, ".+")+strings.Count(pattern, ".*") > 1 {
			w.say("cache.bypass: nginx matches its conditions as one text, and may take a space in one for the end of another")
		}
	}
}

// regexpQuote escapes what has a meaning in an expression.
func regexpQuote(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(`.+*?()|[]{}^$`, r) {
			b.WriteString(`\`)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cached switches the cache on where requests are passed on.
func (w *nginxWriter) cached(b *site.Balancer) {
	c := w.site.Cache
	if !c.On {
		return
	}
	w.line(3, "proxy_cache site;")
	for i := range c.Bypass {
		w.line(3, "proxy_cache_bypass $bypass%d;", i)
		w.line(3, "proxy_no_cache $bypass%d;", i)
	}
	for _, t := range c.TTL {
		switch {
		case t.Path != "":
			w.say("cache.ttl of %s: nginx has it by status alone here", t.Path)
		case t.Status != 0:
			w.line(3, "proxy_cache_valid %d %s;", t.Status, freshFor(t.For))
		default:
			w.line(3, "proxy_cache_valid 200 203 204 300 301 308 %s;", freshFor(t.For))
		}
	}
	w.line(3, "add_header Via \"1.1 nginx\" always;")
	w.line(3, "add_header X-Cache-Status $upstream_cache_status always;")
}

func freshFor(d time.Duration) string {
	return fmt.Sprintf("%ds", (d+time.Second-1)/time.Second)
}

// ignored are the Site's words about the response's lifetime that are not nginx's.
func (w *nginxWriter) ignored() {
	if w.site.Cache.On && len(w.site.Cache.Targets) > 0 {
		w.say("cache.targets: %s; nginx looks at X-Accel-Expires, Expires and Cache-Control", strings.Join(w.site.Cache.Targets, ", "))
	}
}
