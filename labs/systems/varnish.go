package systems

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"proxylab/proxy/site"
)

const varnishFile = "/etc/varnish/default.vcl"

// varnish is Debian's package, with the site in its language. It is a cache first:
// without one in the Site it passes everything on.
var varnish = System{
	Name:      "varnish",
	Image:     packaged("varnish"),
	Configure: configureVarnish,
	Version:   []string{"sh", "-c", "varnishd -V 2>&1"},
}

type varnishWriter struct {
	writer
	machine Machine
}

func configureVarnish(s *site.Site, m Machine) (Configuration, error) {
	w := &varnishWriter{writer{site: s, name: "varnish", indent: "    "}, m}
	w.line(0, "vcl 4.1;")
	w.line(0, "# A cache with a load balancer behind it. This file belongs at %s.", varnishFile)
	w.line(0, "# What it does not say, the VCL that is built in does.")
	w.line(0, "import directors;")
	for i := range s.Balancers {
		w.backends(&s.Balancers[i])
	}
	w.directors()
	w.recv()
	w.responses()
	w.retries()
	w.varnishNotes()
	w.beyondPeers()
	data := w.Bytes()
	return Configuration{Files: []ConfigFile{{varnishFile, data, data}}, Cmd: w.arguments(), Differs: w.notes}, nil
}

// arguments are the parameters that VCL has no words for.
func (w *varnishWriter) arguments() []string {
	l, c := w.site.Limits, w.site.Cache
	listen := w.site.Listen
	args := []string{"-a", listen, "-p", fmt.Sprintf("thread_pools=%d", cores(w.machine))}
	p := func(name string, value any) { args = append(args, "-p", fmt.Sprintf("%s=%v", name, value)) }
	p("listen_depth", w.site.Socket.Backlog)
	p("timeout_idle", l.KeepAliveTimeout.Seconds())
	p("idle_send_timeout", l.Timeout.Seconds())
	p("send_timeout", max(l.Timeout, 10*time.Minute).Seconds())
	p("http_req_size", max(l.Head, 256))
	p("http_req_hdr_len", max(l.Head, 40))
	p("http_resp_size", max(l.Head, 256))
	p("http_resp_hdr_len", max(l.Head, 40))
	// A session's and a fetch's memory hold both heads.
	p("workspace_client", 64<<10+2*l.Head)
	p("workspace_backend", 64<<10+2*l.Head)
	p("http_max_hdr", headers(l.Fields))
	if l.HeadTimeout != l.KeepAliveTimeout {
		w.say("limits.headtimeout: %s; Varnish waits for a head as for a request, limits.keepalivetimeout", l.HeadTimeout)
	}
	storage := "malloc," + strconv.Itoa(max(1<<20, c.Memory))
	if c.On && c.Dir != "" {
		storage = "file,/var/lib/varnish/storage," + strconv.Itoa(c.Disk)
		w.say("cache.dir: %s; Varnish's file is one without an index, and empty after each start", c.Dir)
	}
	args = append(args, "-s", storage)
	if c.On {
		w.cacheParameters(p)
	}
	return args
}

// headers is a number of fields that Varnish takes: a few are its own.
func headers(fields int) int { return min(65535, max(32, fields+10)) }

func (w *varnishWriter) cacheParameters(p func(string, any)) {
	c := w.site.Cache
	fresh := time.Duration(0)
	for _, t := range c.TTL {
		if t.Path == "" && t.Status == 0 {
			fresh = t.For
		}
	}
	p("default_ttl", fresh.Seconds())
	p("default_grace", c.StaleIfError.Seconds())
	p("default_keep", (24 * time.Hour).Seconds())
	if c.StaleIfError > 0 {
		w.say("cache.staleiferror: %s; Varnish's grace answers with what is stale whenever it asks the origin server anew, not only where that fails", c.StaleIfError)
	}
	w.lacks(
		asked{len(c.Unkeyed) > 0, "cache.unkeyed"},
		asked{c.StoreSetCookie, "cache.storesetcookie: on"},
		asked{len(c.Targets) > 0, "cache.targets: " + strings.Join(c.Targets, ", ")},
	)
	w.say("cache.cachemaxfilesize: Varnish bounds the sum of all responses alone")
	w.say("cache: Varnish ignores the client's Cache-Control, and of the origin's no-cache, must-revalidate, proxy-revalidate; invalidates nothing after POST, PUT and DELETE; has no heuristic freshness; and passes on any request with Cookie or Authorization")
}

func backendName(b *site.Balancer, i int) string {
	return fmt.Sprintf("%s_member_%d", vclName(b.Name), i+1)
}

// vclName is a balancer's name with letters, digits and "_" alone.
func vclName(s string) string {
	return "b_" + strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, s)
}

func (w *varnishWriter) backends(b *site.Balancer) {
	w.comment(0, "The origin servers of balancer "+b.Name+".")
	for i := range b.Members {
		m := &b.Members[i]
		if off(m) {
			continue
		}
		host := address(m)
		colon := strings.LastIndexByte(host, ':')
		w.line(0, "backend %s {", backendName(b, i))
		w.line(1, ".host = \"%s\";", strings.Trim(host[:colon], "[]"))
		w.line(1, ".port = \"%s\";", host[colon+1:])
		w.line(1, ".connect_timeout = %s;", vclTime(m.ConnectionTimeout))
		w.line(1, ".first_byte_timeout = %s;", vclTime(m.Timeout))
		w.line(1, ".between_bytes_timeout = %s;", vclTime(m.Timeout))
		if m.Max > 0 {
			w.line(1, ".max_connections = %d;", m.Max)
		}
		w.probe(b, i)
		w.line(0, "}")
		w.lacks(
			asked{m.Named(), fmt.Sprintf("members' addressttl: %s", m.AddressTTL)},
			asked{m.KeepAlive, "members' keepalive: on"}, asked{m.DisableReuse, "members' disablereuse: on"},
			asked{m.Retry > 0, fmt.Sprintf("members' retry: %s", m.Retry)},
		)
		if m.TTL != time.Minute {
			w.say("members' ttl: %s; Varnish keeps idle connections for 60s", m.TTL)
		}
	}
	w.reserveNotes(b)
}

func vclTime(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s" }

// probe is a health check.
func (w *varnishWriter) probe(b *site.Balancer, i int) {
	c := b.ChecksOf(i)
	switch c.Method {
	case "":
		return
	case "TCP":
		w.say("members' hcmethod: TCP; Varnish asks for a page")
	}
	w.line(1, ".probe = {")
	w.line(2, ".request = \"%s %s HTTP/1.1\" \"Host: health\" \"Connection: close\";", strings.Replace(c.Method, "TCP", "GET", 1), c.URI)
	w.line(2, ".interval = %s;", vclTime(c.Interval))
	w.line(2, ".window = %d;", min(64, max(c.Passes, c.Fails)))
	w.line(2, ".threshold = %d;", min(64, c.Passes))
	w.line(1, "}")
	if c.Expr != "" {
		w.say("balancers' hcexpr: %s; Varnish takes the status 200 alone", c.Expr)
	} else {
		w.say("balancers' hcmethod; Varnish takes the status 200 alone for passed")
	}
}

func (w *varnishWriter) directors() {
	w.WriteByte('\n')
	w.line(0, "sub vcl_init {")
	for i := range w.site.Balancers {
		b := &w.site.Balancers[i]
		kind := w.director(b)
		w.line(1, "new %s = directors.%s();", vclName(b.Name), kind)
		weight := weights(b.Members, 1000)
		for j := range b.Members {
			m := &b.Members[j]
			switch {
			case off(m):
			case kind == "round_robin" || kind == "fallback":
				w.line(1, "%s.add_backend(%s);", vclName(b.Name), backendName(b, j))
			default:
				w.line(1, "%s.add_backend(%s, %d.0);", vclName(b.Name), backendName(b, j), weight[j])
			}
			if reserve(b, m) && !off(m) {
				w.say("members' status H, R and lbset; Varnish's %s director has no reserve, and asks those members like the others", kind)
			}
		}
	}
	w.line(0, "}")
}

func (w *varnishWriter) director(b *site.Balancer) string {
	even := true
	for _, m := range b.Members {
		even = even && m.LoadFactor == b.Members[0].LoadFactor
	}
	switch {
	case b.LBMethod == "hash":
		w.say("balancers' lbmethod: hash; Varnish hashes the URI or the client's address consistently, and so to other members")
		return "hash"
	case b.LBMethod == "byrequests" && even:
		return "round_robin"
	case b.LBMethod == "byrequests":
		w.say("balancers' lbmethod: byrequests; Varnish obeys loadfactors by chance (directors.random), with the same shares in the long run")
		return "random"
	}
	w.say("balancers' lbmethod: %s; Varnish has none such, and got directors.random", b.LBMethod)
	return "random"
}
