package systems

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"proxylab/proxy/site"
)

const haproxyFile = "/etc/haproxy/haproxy.cfg"

// haproxy is Debian's package, with the site in its words.
var haproxy = System{
	Name:      "haproxy",
	Image:     packaged("haproxy"),
	Configure: configureHAProxy,
	Version:   []string{"haproxy", "-v"},
}

type haproxyWriter struct {
	writer
	machine  Machine
	captures []string // lines that the log needs, of the frontend
}

func configureHAProxy(s *site.Site, m Machine) (Configuration, error) {
	w := &haproxyWriter{writer: writer{site: s, name: "haproxy", indent: "    "}, machine: m}
	format := w.logFormat()
	w.global()
	w.defaults()
	if s.Cache.On {
		w.cache()
	}
	w.frontend(format)
	for i := range s.Balancers {
		w.backend(&s.Balancers[i])
	}
	w.beyondPeers()
	w.haproxyNotes()
	data := w.Bytes()
	return Configuration{Files: []ConfigFile{{haproxyFile, data, data}}, Differs: w.notes}, nil
}

func (w *haproxyWriter) global() {
	l := w.site.Limits
	w.line(0, "# A reverse proxy with a load balancer. This file belongs at %s.", haproxyFile)
	w.line(0, "global")
	w.line(1, "# A thread for each core that it may use.")
	w.line(1, "nbthread %d", cores(w.machine))
	w.line(1, "# Client connections. Each exchange has another one; where there are too few")
	w.line(1, "# descriptors for all, it starts nevertheless.")
	w.line(1, "maxconn %d", l.Connections)
	w.line(1, "no strict-limits")
	w.line(1, "# A head is no longer than a buffer, less what is kept to rewrite it.")
	w.line(1, "tune.bufsize %d", max(16384, l.Head+1024))
	w.line(1, "tune.maxrewrite 1024")
	w.line(1, "tune.http.maxhdr %d", l.Fields)
	if w.site.Log.Stdout {
		w.line(1, "log stdout format raw local0")
	}
	if w.site.Log.File != "" {
		w.say("log.file: %s; HAProxy writes to standard output or to syslog, to no file", w.site.Log.File)
	}
}

func (w *haproxyWriter) defaults() {
	s := w.site
	l := s.Limits
	w.WriteByte('\n')
	w.line(0, "defaults")
	w.line(1, "mode http")
	if s.Log.Stdout {
		w.line(1, "log global")
	} else {
		w.line(1, "no log")
	}
	w.line(1, "# The longest silence of a client; of an origin server each backend says.")
	w.line(1, "timeout client %s", millis(l.Timeout))
	w.line(1, "timeout http-request %s", millis(l.HeadTimeout))
	w.line(1, "timeout http-keep-alive %s", millis(l.KeepAliveTimeout))
	w.line(1, "option http-keep-alive")
	w.line(1, "# Any idle connection to an origin server is for any client.")
	w.line(1, "http-reuse always")
	w.line(1, "# X-Forwarded-For: the client's address.")
	w.line(1, "option forwardfor")
	if s.Fields.Forwarded {
		w.line(1, "option forwarded proto host for")
	}
	if l.AbortOnClose {
		w.line(1, "# A client that closes its side while it waits has left.")
		w.line(1, "option abortonclose")
	}
	w.lacks(asked{l.KeepAliveRequests > 0, fmt.Sprintf("limits.keepaliverequests: %d", l.KeepAliveRequests)})
	w.say("limits.minrate: %d bytes/s; HAProxy knows the longest silence in a body, no rate", l.MinRate)
	if l.RequestLine < l.Head {
		w.say("limits.requestline: %d; HAProxy bounds the head as a whole", l.RequestLine)
	}
}

func (w *haproxyWriter) cache() {
	c := w.site.Cache
	w.WriteByte('\n')
	w.line(0, "# Responses in memory, all threads share it.")
	w.line(0, "cache site")
	w.line(1, "# In MB.")
	total := min(4095, max(1, c.Memory>>20))
	w.line(1, "total-max-size %d", total)
	w.line(1, "max-object-size %d", min(c.MaxFileSize, total<<20/2))
	w.line(1, "# No response is fresh for longer, in seconds; those that say nothing are not stored.")
	age := int64(24 * 3600)
	w.line(1, "max-age %d", age)
	w.line(1, "process-vary on")
	w.lacks(
		asked{c.Dir != "", "cache.dir: " + c.Dir},
		asked{len(c.TTL) > 0, "cache.ttl"},
		asked{c.StaleIfError > 0, fmt.Sprintf("cache.staleiferror: %s", c.StaleIfError)},
		asked{len(c.IgnoreParams) > 0, "cache.ignoreparams"},
		asked{len(c.KeyHeaders)+len(c.KeyCookies) > 0, "cache.keyheaders and keycookies"},
		asked{len(c.Unkeyed) > 0, "cache.unkeyed"},
	)
	w.say("cache: HAProxy stores 200s for GET alone, validates none, collapses no requests, has no stale ones, and Vary of Accept-Encoding, Referer and Origin alone")
}

// logFormat writes the Site's format in HAProxy's words. Fields are captured while
// the exchange runs.
func (w *haproxyWriter) logFormat() string {
	words := map[byte]string{
		'h': "%ci", 'a': "%ci", 'l': "-", 'u': "-", 't': "[%t]", 'r': "%r", 's': "%ST", 'b': "%B", 'B': "%B",
		'O': "%B", 'D': "%Ta", 'T': "%Ta", 'm': "%HM", 'U': "%HP", 'q': "%HQ", 'H': "%HV",
	}
	var b strings.Builder
	requests, responses := 0, 0
	request := func(name string) {
		w.captures = append(w.captures, fmt.Sprintf("capture request header %s len 256", name))
		fmt.Fprintf(&b, "%%[capture.req.hdr(%d)]", requests)
		requests++
	}
	for _, item := range w.site.Log.LogItems() {
		switch {
		case item.Word == 0:
			b.WriteString(strings.NewReplacer("%", "%%", `"`, `\"`).Replace(item.Text))
		case item.Word == 'i':
			request(item.Name)
		case item.Word == 'v':
			request("Host")
		case item.Word == 'o':
			w.captures = append(w.captures, fmt.Sprintf("capture response header %s len 256", item.Name))
			fmt.Fprintf(&b, "%%[capture.res.hdr(%d)]", responses)
			responses++
		case item.Word == 'e' && item.Name == site.MemberVariable:
			b.WriteString("%b/%s")
		case item.Word == 'e':
			b.WriteString("-")
			w.say("log.format: %%{%s}e; HAProxy writes \"-\"", item.Name)
		default:
			b.WriteString(words[item.Word])
		}
		switch item.Word {
		case 'D', 'T':
			w.say("log.format: %%%c; HAProxy writes milliseconds", item.Word)
		case 'b', 'B':
			w.say("log.format: %%%c; HAProxy counts the head too", item.Word)
		}
	}
	return b.String()
}

func (w *haproxyWriter) frontend(format string) {
	s := w.site
	l := s.Limits
	host, port, _ := net.SplitHostPort(s.Listen)
	w.WriteByte('\n')
	w.line(0, "frontend clients")
	bind := fmt.Sprintf("bind %s:%s backlog %d", host, port, s.Socket.Backlog)
	if strings.Contains(host, ":") {
		bind = fmt.Sprintf("bind [%s]:%s backlog %d", host, port, s.Socket.Backlog)
	}
	if s.Socket.Defer {
		bind += " defer-accept"
	}
	w.line(1, "%s", bind)
	if s.Socket.ReusePort {
		w.say("socket.reuseport: on; HAProxy always listens so")
	}
	if l.PerClient < l.Connections {
		w.line(1, "# Connections of one client.")
		w.line(1, "stick-table type ipv6 size 100k expire 1m store conn_cur")
		w.line(1, "tcp-request connection track-sc0 src")
		w.line(1, "tcp-request connection reject if { sc0_conn_cur gt %d }", l.PerClient)
		w.say("limits.perclient: %d; HAProxy counts IPv6 addresses one by one", l.PerClient)
	}
	if s.Log.Stdout {
		w.line(1, "# The site's line; fields are caught while the exchange runs.")
		for _, c := range w.captures {
			w.line(1, "%s", c)
		}
		w.line(1, "log-format \"%s\"", format)
	}
	w.line(1, "# A body that says that it is too long.")
	w.line(1, "http-request deny deny_status 413 if { req.hdr_val(content-length) gt %d }", l.Body)
	w.say("limits.body: %d bytes; HAProxy looks at Content-Length alone, and lets chunked bodies pass", l.Body)
	w.fields()
	w.routes()
	if s.Cache.On {
		w.cacheUse()
	}
}

func (w *haproxyWriter) fields() {
	f := w.site.Fields
	w.line(1, "# What an origin server is told; the Host is the client's.")
	w.line(1, "http-request set-header X-Forwarded-Host %%[req.hdr(Host)]")
	w.line(1, "http-request set-header X-Forwarded-Proto http")
	w.line(1, "http-request add-header Via \"1.1 haproxy\"")
	w.line(1, "http-response add-header Via \"1.1 haproxy\"")
	w.say("Via; HAProxy says 1.1 of any version")
	if !f.Server {
		w.line(1, "http-response del-header Server")
	}
	if !f.Continue {
		w.say("fields.continue: off; HAProxy passes Expect: 100-continue on")
	}
}

// routes finds the first route that matches, before any path is changed.
func (w *haproxyWriter) routes() {
	w.line(1, "# The first route whose path matches, whole segments.")
	for i, r := range w.site.Routes {
		p := prefix(r.Path)
		cond := ""
		if p != "" {
			cond = fmt.Sprintf(" { path %s } or !{ var(txn.route) -m found } { path -m beg %s/ }", p, p)
		}
		w.line(1, "http-request set-var(txn.route) int(%d) if !{ var(txn.route) -m found }%s", i+1, cond)
	}
	w.line(1, "http-request deny deny_status 404 unless { var(txn.route) -m found }")
	for i, r := range w.site.Routes {
		is := fmt.Sprintf("{ var(txn.route) -m int %d }", i+1)
		if r.To == "!" {
			w.line(1, "http-request deny deny_status 404 if %s", is)
			continue
		}
		name, to := target(r.To)
		if p := prefix(r.Path); p != strings.TrimSuffix(to, "/") {
			w.line(1, "http-request replace-path '^%s/?(.*)$' '%s/\\1' if %s", regexpQuote(p), strings.TrimSuffix(to, "/"), is)
		}
		w.line(1, "use_backend %s if %s", name, is)
	}
	w.reverse()
}

// reverse is ProxyPassReverse: where an origin server names itself in Location.
func (w *haproxyWriter) reverse() {
	w.line(1, "# ProxyPassReverse: where an origin server names itself in Location.")
	for i, r := range w.site.Routes {
		if r.To == "!" {
			continue
		}
		name, to := target(r.To)
		for _, b := range w.site.Balancers {
			if b.Name != name {
				continue
			}
			for j := range b.Members {
				host := strings.TrimSuffix(address(&b.Members[j]), ":80")
				w.line(1, "http-response replace-header Location '^http://%s%s(/.*)?$' '%s\\1' if { var(txn.route) -m int %d }",
					regexpQuote(host), regexpQuote(strings.TrimSuffix(to, "/")), prefix(r.Path), i+1)
			}
		}
	}
}

func (w *haproxyWriter) cacheUse() {
	c := w.site.Cache
	w.line(1, "# What the cache has nothing to do with.")
	for _, b := range c.Bypass {
		cond := ""
		if b.Path != "" {
			cond += fmt.Sprintf(" { path -m beg %s }", b.Path)
		}
		if b.Header != "" {
			cond += fmt.Sprintf(" { req.hdr(%s) -m found }", b.Header)
		}
		if b.Cookie != "" {
			cond += fmt.Sprintf(" { req.cook(%s) -m found }", b.Cookie)
		}
		w.line(1, "http-request set-var(txn.bypass) bool(true) if%s", cond)
	}
	w.line(1, "http-request cache-use site unless { var(txn.bypass) -m found }")
	w.line(1, "http-response cache-store site unless { var(txn.bypass) -m found }")
}

func (w *haproxyWriter) backend(b *site.Balancer) {
	w.WriteByte('\n')
	w.line(0, "# The origin servers of balancer %s.", b.Name)
	w.line(0, "backend %s", b.Name)
	w.balance(b)
	first := &b.Members[0]
	w.line(1, "timeout connect %s", millis(first.ConnectionTimeout))
	w.line(1, "timeout server %s", millis(first.Timeout))
	if b.Timeout > 0 {
		w.line(1, "# How long a request waits while all have their maxconn.")
		w.line(1, "timeout queue %s", millis(b.Timeout))
	}
	if first.Upgrade != "" {
		w.line(1, "timeout tunnel %s", millis(first.UpgradeTimeout))
		w.say("members' upgrade: %s; HAProxy passes on whatever protocol a client asks for", first.Upgrade)
	}
	w.attempts(b)
	w.sessions(b)
	w.checks(b)
	weight := weights(b.Members, 256)
	for i := range b.Members {
		w.server(b, i, weight[i])
	}
	w.reserveNotes(b)
}

// haproxyMethods are the Site's lbmethods in HAProxy's words.
var haproxyMethods = map[string]string{
	"byrequests": "roundrobin", "bybusyness": "leastconn", "leastconn": "leastconn", "random2": "random(2)",
}

func (w *haproxyWriter) balance(b *site.Balancer) {
	word, ok := haproxyMethods[b.LBMethod]
	switch {
	case b.LBMethod == "hash":
		kind, name, _ := strings.Cut(b.HashOn, " ")
		word = map[string]string{"client": "source", "uri": "uri whole", "header": "hdr(" + name + ")", "cookie": "hash req.cook(" + name + ")"}[kind]
		w.line(1, "balance %s", word)
		w.line(1, "hash-type consistent")
		if b.HashBound > 0 {
			w.line(1, "# No server has more than this share of the mean, in percent.")
			w.line(1, "hash-balance-factor %d", max(101, int(b.HashBound*100)))
		}
		w.say("balancers' lbmethod: hash; HAProxy hashes consistently (a ring), and so to other members")
		return
	case !ok:
		word = "leastconn"
		w.say("balancers' lbmethod: %s; HAProxy has none such, and got leastconn", b.LBMethod)
	case b.LBMethod == "byrequests":
		w.say("balancers' lbmethod: byrequests; HAProxy's roundrobin gives the same shares, in another order where weights differ")
	}
	w.line(1, "balance %s", word)
}

func (w *haproxyWriter) attempts(b *site.Balancer) {
	retries := b.Failures.Attempts
	if retries == 0 {
		retries = len(b.Members) - 1
	}
	w.line(1, "# Another server is asked from the first retry on.")
	w.line(1, "retries %d", retries)
	w.line(1, "option redispatch 1")
	if b.Failures.Resend != "never" {
		w.line(1, "retry-on conn-failure empty-response")
		methods := "GET HEAD PUT DELETE OPTIONS TRACE"
		if b.Failures.Resend == "safe" {
			methods = "GET HEAD OPTIONS TRACE"
		}
		w.line(1, "http-request disable-l7-retry unless { method %s }", methods)
	}
	for i := range b.Members {
		m := &b.Members[i]
		if m.KeepAlive {
			w.line(1, "option srvtcpka")
			break
		}
	}
	if slices.ContainsFunc(b.Members, func(m site.Member) bool { return m.DisableReuse }) {
		w.line(1, "option http-server-close")
	}
}

// sessions obeys routes in cookies and paths: the server with that route, while it
// is up.
func (w *haproxyWriter) sessions(b *site.Balancer) {
	s := b.Sessions
	if s.Own != "" {
		w.line(1, "cookie %s insert indirect nocache httponly dynamic", s.Own)
		w.line(1, "dynamic-cookie-key proxylab")
		w.say("balancers' sessioncookie: %s; HAProxy's value is a hash of the server's address, of 64 bits", s.Own)
	}
	if s.Cookie == "" {
		return
	}
	for i := range b.Members {
		m := &b.Members[i]
		if m.Route == "" {
			continue
		}
		how := "-m end " + s.Separator + m.Route
		if s.Separator == "" {
			how = "-m str " + m.Route
		}
		w.line(1, "use-server %s if { req.cook(%s) %s } or { url_param(%s) %s } or { url_param(%s,;) %s }",
			serverName(i), s.Cookie, how, s.Parameter, how, s.Parameter, how)
	}
	if strings.ContainsAny(s.Separator, "#'\"\\") {
		w.say("balancers' stickysessionsep: %s; HAProxy reads it as a comment or a quote", s.Separator)
	}
}

func serverName(i int) string { return "member-" + strconv.Itoa(i+1) }

func (w *haproxyWriter) server(b *site.Balancer, i, weight int) {
	m := &b.Members[i]
	p := ""
	if weight != 1 {
		p += " weight " + strconv.Itoa(weight)
	}
	if m.Max > 0 {
		p += " maxconn " + strconv.Itoa(m.Max)
	}
	p += w.checkWords(b, i)
	if b.Failures.SlowStart > 0 {
		p += " slowstart " + millis(b.Failures.SlowStart)
	}
	if reserve(b, m) {
		p += " backup"
	}
	if off(m) {
		p += " disabled"
	}
	w.line(1, "server %s %s%s pool-purge-delay %s", serverName(i), address(m), p, millis(m.TTL))
	if m.Named() {
		w.say("members' addressttl: %s; HAProxy looks a name up once, at its start", m.AddressTTL)
	}
	if first := &b.Members[0]; m.Timeout != first.Timeout || m.ConnectionTimeout != first.ConnectionTimeout {
		w.say("members' timeout, connectiontimeout; HAProxy has them for all members alike, and got those of %s", first.URL)
	}
}

// haproxyNotes hold whatever the Site says.
func (w *haproxyWriter) haproxyNotes() {
	for i := range w.site.Balancers {
		b := &w.site.Balancers[i]
		w.lacks(asked{b.Failures.Force, "balancers' forcerecovery: on"}, asked{b.Failures.OnTimeout, "balancers' failontimeout: on"})
		if len(b.Failures.OnStatus) > 0 {
			w.say("balancers' failonstatus: %v; HAProxy's \"observe layer7\" has a set of its own, and is left out", b.Failures.OnStatus)
		}
		if b.Timeout > 0 {
			w.say("balancers' queue: %d; HAProxy bounds the time in the queue, not its length", b.Queue)
		}
	}
	w.say("all members in error: HAProxy answers 503 until a check brings one back")
}
