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
	w.line(0, "# Modules: a2enmod %s", strings.Join(modules, " "))
	w.listen()
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
	w.routes()
	if w.matched() {
		w.fields()
		w.connections()
		w.limits()
	}
	w.logs()
	w.line(0, "</VirtualHost>")
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
	w.line(1, "<Proxy \"balancer://%s\">", b.Name)
	for i := range b.Members {
		w.line(2, "BalancerMember %q%s", b.Members[i].URL, w.memberParameters(&b.Members[i]))
	}
	w.line(2, "# byrequests: each member in turn, by loadfactor (mod_lbmethod_byrequests).")
	w.line(2, "ProxySet lbmethod=%s", b.LBMethod)
	if w.matched() {
		w.line(2, "# All members in error: answer 503 until retry is over, as the site says,")
		w.line(2, "# instead of trying them at once.")
		w.line(2, "ProxySet forcerecovery=Off")
	}
	w.line(1, "</Proxy>")
}

func (w *writer) memberParameters(m *site.Member) string {
	var b strings.Builder
	if m.LoadFactor != 1 {
		fmt.Fprintf(&b, " loadfactor=%s", strconv.FormatFloat(m.LoadFactor, 'f', -1, 64))
	}
	if m.Route != "" {
		fmt.Fprintf(&b, " route=%s", m.Route)
	}
	if w.matched() {
		if m.Upgrade != "" {
			fmt.Fprintf(&b, " upgrade=%s", m.Upgrade)
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

func (w *writer) fields() {
	w.comment(1, "The origin server sees the Host of the client, not its own name.")
	w.line(1, "ProxyPreserveHost On")
	w.comment(1, "Via, both ways (RFC 9110 §7.6.3). X-Forwarded-For, -Host and -Server are",
		"added by default (ProxyAddHeaders).")
	w.line(1, "ProxyVia On")
	w.comment(1, "Debian enables mod_deflate. Compression is work of its own: not here.")
	w.line(1, "SetEnv no-gzip 1")
}

func (w *writer) connections() {
	l := w.site.Limits
	w.comment(1, "Client connections stay open for more requests, without a count",
		"(0 is no limit; Debian says 100, and 5 seconds).")
	w.line(1, "KeepAlive On")
	w.line(1, "MaxKeepAliveRequests 0")
	w.line(1, "KeepAliveTimeout %s", orMillis(l.KeepAliveTimeout))
	w.comment(1, "Longest silence of a client, and of an origin server.")
	w.line(1, "Timeout %d", seconds(l.Timeout))
	w.line(1, "ProxyTimeout %d", seconds(l.Timeout))
}

func (w *writer) limits() {
	l := w.site.Limits
	w.comment(1, "The whole head of a request must arrive in this time (mod_reqtimeout). A body",
		"may take longer, a second for each MinRate bytes.")
	w.line(1, "RequestReadTimeout header=%d body=%d,MinRate=%d", seconds(l.HeadTimeout), seconds(l.Timeout), l.MinRate)
	w.comment(1, "Bounds of a request's head. httpd has them by line and field, not for the sum.")
	w.line(1, "LimitRequestLine %d", l.Head)
	w.line(1, "LimitRequestFieldSize %d", l.Head)
	w.line(1, "LimitRequestFields %d", l.Fields)
	w.comment(1, "Bytes of a request's body; 413 beyond.")
	w.line(1, "LimitRequestBody %d", l.Body)
}

// logFormat writes the Site's format for a directive. What the Site calls %v,
// the host that was asked for, is httpd's %V: its %v is the ServerName.
func logFormat(l site.Log) string {
	var b strings.Builder
	for _, item := range l.LogItems() {
		if item.Word == 0 {
			b.WriteString(strings.NewReplacer("%", "%%", `"`, `\"`).Replace(item.Text))
			continue
		}
		b.WriteByte('%')
		if item.Name != "" {
			b.WriteString("{" + item.Name + "}")
		}
		switch item.Word {
		case 'v':
			b.WriteByte('V')
		case 's':
			b.WriteString(">s")
		default:
			b.WriteByte(item.Word)
		}
	}
	return b.String()
}

func (w *writer) logs() {
	const access, errors = "${APACHE_LOG_DIR}/proxylab_access.log", "${APACHE_LOG_DIR}/proxylab_error.log"
	if !w.matched() {
		w.comment(1, "APACHE_LOG_DIR is /var/log/apache2 (/etc/apache2/envvars). \"combined\" is a",
			"LogFormat in /etc/apache2/apache2.conf.")
		w.line(1, "ErrorLog \"%s\"", errors)
		w.line(1, "CustomLog \"%s\" combined", access)
		return
	}
	l := w.site.Log
	if !l.Stdout && l.File == "" {
		w.comment(1, "No access log. Without a CustomLog here, Debian's other-vhosts-access-log.conf",
			"would write one; this writes nothing, since nobody sets the variable.")
		w.line(1, "CustomLog \"/dev/null\" \"%%h\" env=proxylab_writes_no_access_log")
	} else {
		if l.Format == site.DefaultLogFormat {
			w.comment(1, "The combined format, then the member that answered and the time it took in",
				"microseconds. APACHE_LOG_DIR is /var/log/apache2 (/etc/apache2/envvars).")
		} else {
			w.comment(1, "The site's own format. APACHE_LOG_DIR is /var/log/apache2",
				"(/etc/apache2/envvars).")
		}
		w.line(1, "LogFormat \"%s\" proxylab", logFormat(l))
	}
	if !w.options.Stdout {
		w.line(1, "ErrorLog \"%s\"", errors)
		if l.Stdout || l.File != "" {
			w.line(1, "CustomLog \"%s\" proxylab", access)
		}
		return
	}
	w.line(1, "ErrorLog \"/dev/stderr\"")
	if l.Stdout {
		w.line(1, "CustomLog \"/dev/stdout\" proxylab")
	}
	if l.File != "" {
		w.line(1, "CustomLog \"%s\" proxylab", access)
	}
}
