package apache

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"proxylab/proxy/site"
)

func (w *writer) file() {
	w.line(0, "# A reverse proxy with a load balancer (flavour: %s).", w.options.Flavour)
	w.line(0, "# This file belongs at %s.", SiteFile)
	w.line(0, "# Modules: a2enmod %s", strings.Join(w.modules, " "))
	w.listen()
	w.load()
	if w.matched() {
		w.server()
	}
	w.WriteByte('\n')
	w.line(0, "<VirtualHost %s>", net.JoinHostPort(orAny(w.host), w.port))
	w.line(1, "ServerName proxylab.localhost")
	w.comment(1,
		"A reverse proxy chooses the servers it asks. With \"ProxyRequests On\" the",
		"client would choose, and anyone could reach anything through this machine.")
	w.line(1, "ProxyRequests Off")
	for i := range w.site.Balancers {
		w.balancer(&w.site.Balancers[i])
	}
	w.manager()
	w.routes()
	w.cookies()
	if w.matched() {
		w.comment(1, "A path with an escaped slash (%2F) goes on as it is, where httpd would say 404.")
		w.line(1, "AllowEncodedSlashes NoDecode")
		w.fields()
		w.connections()
		w.limits()
		w.cache()
	}
	w.logs()
	w.line(0, "</VirtualHost>")
}

// load loads the modules that the steps do not enable, unless somebody has.
func (w *writer) load() {
	extra := w.modules[len(modules):]
	if len(extra) > 0 {
		w.comment(0, "What the steps do not enable, and this site needs; a2enmod does the same.")
	}
	for _, m := range extra {
		w.line(0, "<IfModule !%s_module>", m)
		w.line(1, "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so", m, m)
		w.line(0, "</IfModule>")
	}
}

func orAny(host string) string {
	if host == "" {
		return "*"
	}
	return host
}

func (w *writer) listen() {
	if w.port == "80" {
		w.comment(0, "/etc/apache2/ports.conf has \"Listen 80\" already. To listen twice on one port",
			"is an error (\"could not bind to address\"), so there is no Listen here.")
		return
	}
	w.comment(0, "The socket. /etc/apache2/ports.conf has \"Listen 80\"; this one comes besides.")
	if w.host == "" {
		w.line(0, "Listen %s", w.port)
		return
	}
	w.line(0, "Listen %s", net.JoinHostPort(w.host, w.port))
}

func (w *writer) balancer(b *site.Balancer) {
	w.comment(1, "The origin servers. balancer://"+b.Name+" is a name inside this file only.")
	if w.matched() {
		w.line(1, "# retry: seconds without requests for a member that failed.")
		w.line(1, "# connectiontimeout: for the TCP handshake. timeout: longest silence.")
	}
	w.checkExpressions(b)
	w.line(1, "<Proxy \"balancer://%s\">", b.Name)
	routes := ownRoutes(b)
	for i := range b.Members {
		m := b.Members[i]
		m.Route = routes[i]
		w.line(2, "BalancerMember %q%s%s", m.URL, w.memberParameters(&m), w.checkParameters(b, i))
	}
	method := lbmethods[b.LBMethod]
	w.line(2, "# %s: %s (mod_lbmethod_%[1]s).", method, lbmethodWords[method])
	w.line(2, "ProxySet lbmethod=%s", method)
	if p := sessionParameters(&b.Sessions); len(p) > 0 {
		w.line(2, "# Requests of a session go to the member whose route its id names.")
		w.line(2, "ProxySet %s", strings.Join(p, " "))
	}
	if w.matched() {
		w.failures(b)
	}
	w.line(1, "</Proxy>")
}

func (w *writer) failures(b *site.Balancer) {
	if b.Failures.Force {
		w.line(2, "# All members in error: they are tried again at once.")
		w.line(2, "ProxySet forcerecovery=On")
	} else {
		w.line(2, "# All members in error: answer 503 until retry is over, as the site says,")
		w.line(2, "# instead of trying them at once.")
		w.line(2, "ProxySet forcerecovery=Off")
	}
	if p := failureParameters(b); len(p) > 0 {
		w.line(2, "ProxySet %s", strings.Join(p, " "))
	}
}

// cookies writes those that the proxy sets by itself. BALANCER_ROUTE_CHANGED is set
// where the request named no member, or another than it went to.
func (w *writer) cookies() {
	for i := range w.site.Balancers {
		b := &w.site.Balancers[i]
		own := b.Sessions.Own
		if own == "" {
			continue
		}
		w.comment(1, "A cookie names the member of a session, by its route (mod_headers).")
		w.line(1, `Header add Set-Cookie "%s=.%%{BALANCER_WORKER_ROUTE}e; Path=/; HttpOnly; SameSite=Lax" "expr=-n reqenv('BALANCER_ROUTE_CHANGED') && reqenv('BALANCER_NAME') == 'balancer://%s'"`, own, b.Name)
	}
}

func sessionParameters(s *site.Sessions) []string {
	if s.Own != "" {
		p := []string{"stickysession=" + s.Own}
		if s.NoFailover {
			p = append(p, "nofailover=On")
		}
		return p
	}
	if s.Cookie == "" && s.Parameter == "" {
		return nil
	}
	p := []string{"stickysession=" + s.Cookie}
	if s.Parameter != s.Cookie {
		p[0] += "|" + s.Parameter
	}
	switch s.Separator {
	case ".":
	case "":
		p = append(p, "stickysessionsep=Off")
	default:
		p = append(p, "stickysessionsep="+s.Separator)
	}
	if s.Delimiter {
		p = append(p, "scolonpathdelim=On")
	}
	if s.NoFailover {
		p = append(p, "nofailover=On")
	}
	return p
}

func failureParameters(b *site.Balancer) (p []string) {
	if len(b.Failures.OnStatus) > 0 {
		p = append(p, "failonstatus="+strings.ReplaceAll(strings.Trim(fmt.Sprint(b.Failures.OnStatus), "[]"), " ", ","))
	}
	if b.Failures.OnTimeout {
		p = append(p, "failontimeout=On")
	}
	if n := b.Failures.Attempts; n > 0 {
		p = append(p, fmt.Sprintf("maxattempts=%d", n))
	}
	if b.Timeout > 0 {
		p = append(p, fmt.Sprintf("timeout=%d", seconds(b.Timeout)))
	}
	return p
}

// checkExpressions names what passes a health check: of the balancer, and of members
// whose own is another.
func (w *writer) checkExpressions(b *site.Balancer) {
	if !w.matched() {
		return
	}
	told := make(map[string]bool)
	for i := range b.Members {
		name, c := checkName(b, i), b.ChecksOf(i)
		if c.Method == "" || c.Expr == "" || told[name] {
			continue
		}
		if len(told) == 0 {
			w.line(1, "# What passes a health check (mod_proxy_hcheck).")
		}
		told[name] = true
		w.line(1, "ProxyHCExpr %s {%s}", name, c.Expr)
	}
}

func checkName(b *site.Balancer, member int) string {
	if b.ChecksOf(member).Expr == b.Checks.Expr {
		return "check_" + b.Name
	}
	return fmt.Sprintf("check_%s_%d", b.Name, member+1)
}

// checkParameters are those of mod_proxy_hcheck.
func (w *writer) checkParameters(b *site.Balancer, member int) string {
	c := b.ChecksOf(member)
	if c.Method == "" || !w.matched() {
		return ""
	}
	p := fmt.Sprintf(" hcmethod=%s hcinterval=%d hcpasses=%d hcfails=%d", c.Method, seconds(c.Interval), c.Passes, c.Fails)
	if c.Method != "TCP" {
		p += " hcuri=" + c.URI
	}
	if c.Expr != "" {
		p += " hcexpr=" + checkName(b, member)
	}
	return p
}

func (w *writer) memberParameters(m *site.Member) string {
	var b strings.Builder
	if m.LoadFactor != 1 {
		fmt.Fprintf(&b, " loadfactor=%s", strconv.FormatFloat(m.LoadFactor, 'f', -1, 64))
	}
	if m.Route != "" {
		fmt.Fprintf(&b, " route=%s", m.Route)
	}
	if m.Redirect != "" {
		fmt.Fprintf(&b, " redirect=%s", m.Redirect)
	}
	if m.LBSet != 0 {
		fmt.Fprintf(&b, " lbset=%d", m.LBSet)
	}
	if m.Status != "" {
		fmt.Fprintf(&b, " status=%s", m.Status)
	}
	if w.matched() {
		if m.Upgrade != "" {
			fmt.Fprintf(&b, " upgrade=%s", m.Upgrade)
		}
		if m.Max > 0 {
			fmt.Fprintf(&b, " max=%d", w.sized.share(m.Max))
		}
		if m.Acquire > 0 {
			fmt.Fprintf(&b, " acquire=%d", (m.Acquire+time.Millisecond-1)/time.Millisecond)
		}
		if m.SMax > 0 {
			fmt.Fprintf(&b, " smax=%d", w.sized.share(m.SMax))
		}
		if m.DisableReuse {
			b.WriteString(" disablereuse=On")
		}
		fmt.Fprintf(&b, " flushpackets=%s", m.FlushPackets)
		if m.FlushPackets == "auto" {
			fmt.Fprintf(&b, " flushwait=%d", (m.FlushWait+time.Millisecond-1)/time.Millisecond)
		}
		if m.Ping > 0 {
			fmt.Fprintf(&b, " ping=%s", orMillis(m.Ping))
		}
		if m.KeepAlive {
			b.WriteString(" keepalive=On")
		}
		if m.TTL != stockTTL {
			fmt.Fprintf(&b, " ttl=%d", seconds(m.TTL))
		}
		if m.Named() {
			fmt.Fprintf(&b, " addressttl=%d", seconds(m.AddressTTL))
		}
		fmt.Fprintf(&b, " retry=%d connectiontimeout=%s timeout=%d",
			seconds(m.Retry), orMillis(m.ConnectionTimeout), seconds(m.Timeout))
	}
	return b.String()
}

// seconds rounds up: most timeouts of httpd are whole seconds.
func seconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}

// orMillis writes a duration where httpd takes milliseconds too.
func orMillis(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10)
	}
	return strconv.FormatInt(int64((d+time.Millisecond-1)/time.Millisecond), 10) + "ms"
}

func (w *writer) routes() {
	w.comment(1,
		"Which paths go where; the first match wins. A path and its target both end",
		"with a slash or both without, else slashes are lost or doubled.",
		"ProxyPassReverse mends Location fields in which an origin server names itself.")
	if w.site.Admin.Listen != "" && w.matched() {
		w.line(1, "ProxyPass %q \"!\"", managerPath)
		w.line(1, "ProxyPass %q \"!\"", statusPath)
	}
	for _, r := range w.site.Routes {
		path, to := trimSlash(r.Path), strings.TrimRight(r.To, "/")
		if path == "/" && to != "!" {
			to += "/"
		}
		w.line(1, "ProxyPass %q %q", path, to)
		if to != "!" {
			w.line(1, "ProxyPassReverse %q %q", path, to)
		}
	}
}

// trimSlash cuts slashes off the end: "/a" matches "/a" and "/a/b" in httpd
// too, where "/a/" would not match "/a".
func trimSlash(path string) string {
	if path = strings.TrimRight(path, "/"); path == "" {
		return "/"
	}
	return path
}
