package systems

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"proxylab/docker"
	"proxylab/proxy/site"
)

const nginxFile = "/etc/nginx/nginx.conf"

// nginx is Debian's package, with the site in its words.
var nginx = System{
	Name:      "nginx",
	Image:     packaged("nginx"),
	Configure: configureNginx,
	Version:   []string{"sh", "-c", "nginx -v 2>&1"},
}

// packaged is an image with a program of Debian's, on the base that Apache has too.
func packaged(name string) func(context.Context, *docker.Engine, string) (docker.Image, error) {
	return func(ctx context.Context, e *docker.Engine, _ string) (docker.Image, error) {
		base, err := e.Base(ctx)
		if err != nil {
			return docker.Image{}, err
		}
		return e.Build(ctx, docker.BuildSpec{Name: name, Dockerfile: name + ".Dockerfile", Base: &base})
	}
}

// anyNumber is what "no bound" is written as.
const anyNumber = 1_000_000_000

type nginxWriter struct {
	writer
	machine Machine
}

func configureNginx(s *site.Site, m Machine) (Configuration, error) {
	w := &nginxWriter{writer{site: s, name: "nginx", indent: "\t"}, m}
	for _, r := range s.Routes {
		if strings.Contains(r.Path+r.To, "$") {
			return Configuration{}, fmt.Errorf("nginx: route %s: nginx takes what follows a \"$\" for a variable\n\thint: write it as %%24", r.Path)
		}
	}
	if strings.Contains(s.Log.Format, "$") {
		return Configuration{}, fmt.Errorf("nginx: log.format: nginx takes what follows a \"$\" for a variable\n\thint: leave \"$\" out")
	}
	w.file()
	data := w.Bytes()
	return Configuration{Files: []ConfigFile{{nginxFile, data, data}}, Differs: w.notes}, nil
}

func (w *nginxWriter) file() {
	l := w.site.Limits
	w.line(0, "# A reverse proxy with a load balancer. This file belongs at %s.", nginxFile)
	w.line(0, "# A process for each core that it may use.")
	w.line(0, "worker_processes %d;", cores(w.machine))
	w.line(0, "error_log /dev/stderr warn;")
	w.line(0, "pid /run/nginx.pid;")
	w.line(0, "worker_rlimit_nofile %d;", 2*l.Connections+64)
	w.line(0, "events {")
	w.line(1, "# Of a process, to clients and to origin servers: two for each exchange.")
	w.line(1, "worker_connections %d;", 2*l.Connections+32)
	w.line(0, "}")
	w.line(0, "http {")
	w.line(1, "default_type application/octet-stream;")
	w.logs()
	w.limits()
	w.fields()
	w.cacheZone()
	for i := range w.site.Balancers {
		w.upstream(&w.site.Balancers[i])
	}
	w.server()
	w.line(0, "}")
	w.beyondPeers()
	w.nginxNotes()
}

func (w *nginxWriter) logs() {
	l := w.site.Log
	if !l.Stdout && l.File == "" {
		w.line(1, "access_log off;")
		return
	}
	w.comment(1, "The site's line in nginx's variables.")
	w.line(1, "log_format site '%s';", w.logFormat())
	if l.Stdout {
		w.line(1, "access_log /dev/stdout site;")
	}
	if l.File != "" {
		w.line(1, "access_log /var/log/nginx/access.log site;")
		w.say("log.file: the file is /var/log/nginx/access.log, not %s", l.File)
	}
}

// nginxWords are LogFormat's words as variables.
var nginxWords = map[byte]string{
	'h': "$remote_addr", 'a': "$remote_addr", 'l': "-", 'u': "-", 't': "[$time_local]",
	'r': "$request", 's': "$status", 'b': "$body_bytes_sent", 'B': "$body_bytes_sent",
	'O': "$bytes_sent", 'D': "$request_time", 'T': "$request_time", 'm': "$request_method",
	'U': "$uri", 'q': "$is_args$args", 'H': "$server_protocol", 'v': "$host",
}

func (w *nginxWriter) logFormat() string {
	var b strings.Builder
	variable := func(prefix, field string) string {
		return prefix + strings.ReplaceAll(strings.ToLower(field), "-", "_")
	}
	for _, item := range w.site.Log.LogItems() {
		switch {
		case item.Word == 0:
			b.WriteString(strings.ReplaceAll(item.Text, "'", `\'`))
		case item.Word == 'i':
			b.WriteString(variable("$http_", item.Name))
		case item.Word == 'o':
			b.WriteString(variable("$sent_http_", item.Name))
		case item.Word == 'e' && item.Name == site.MemberVariable:
			b.WriteString("$upstream_addr")
		case item.Word == 'e':
			b.WriteString("$upstream_cache_status")
		default:
			b.WriteString(nginxWords[item.Word])
		}
		if item.Word == 'D' || item.Word == 'T' {
			w.say("log.format: %%%c; nginx writes seconds with three decimals", item.Word)
		}
		if item.Word == 'U' {
			w.say("log.format: %%U; nginx writes the path decoded")
		}
	}
	return b.String()
}

func (w *nginxWriter) limits() {
	l := w.site.Limits
	w.comment(1, "Client connections stay open, for so many requests.")
	w.line(1, "keepalive_timeout %s;", millis(l.KeepAliveTimeout))
	w.line(1, "keepalive_requests %d;", cmp.Or(l.KeepAliveRequests, anyNumber))
	w.comment(1, "The head of a request must come in this time; and the longest silence inside a",
		"body, and of a client that does not read.")
	w.line(1, "client_header_timeout %s;", millis(l.HeadTimeout))
	w.line(1, "client_body_timeout %s;", millis(l.Timeout))
	w.line(1, "send_timeout %s;", millis(l.Timeout))
	w.comment(1, "Bounds of a request. A line is no longer than one of these buffers, and a head no",
		"longer than all of them.")
	one := min(l.RequestLine, l.Head)
	w.line(1, "client_header_buffer_size 1k;")
	w.line(1, "large_client_header_buffers %d %d;", max(2, l.Head/one), one)
	w.line(1, "client_max_body_size %d;", l.Body)
	if l.PerClient < l.Connections {
		w.line(1, "limit_conn_zone $binary_remote_addr zone=clients:1m;")
		w.line(1, "limit_conn clients %d;", l.PerClient)
		w.say("limits.perclient: %d; nginx counts connections with a request that runs, answers 503, and knows IPv6 addresses one by one", l.PerClient)
	}
	w.say("limits.fields: %d; nginx bounds the bytes of a head, not its fields", l.Fields)
	w.say("limits.minrate: %d bytes/s; nginx knows the longest silence in a body, no rate", l.MinRate)
}

func (w *nginxWriter) fields() {
	f := w.site.Fields
	w.comment(1, "What origin servers are told. The Host is the client's.")
	w.line(1, "proxy_http_version 1.1;")
	if w.upgrades() {
		w.line(1, "map $http_upgrade $connection_of_hop { default \"\"; \"~.\" upgrade; }")
		w.line(1, "proxy_set_header Upgrade $http_upgrade;")
		w.line(1, "proxy_set_header Connection $connection_of_hop;")
		w.say("members' upgrade; nginx passes on whatever protocol a client asks for")
	} else {
		w.line(1, "# An empty Connection keeps the connection to an origin server open.")
		w.line(1, "proxy_set_header Connection \"\";")
	}
	w.line(1, "proxy_set_header Host $http_host;")
	w.line(1, "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;")
	w.line(1, "proxy_set_header X-Forwarded-Host $http_host;")
	w.line(1, "proxy_set_header X-Forwarded-Proto $scheme;")
	if f.Forwarded {
		w.line(1, "proxy_set_header Forwarded \"for=\\\"$remote_addr\\\";host=\\\"$http_host\\\";proto=$scheme\";")
		w.say("fields.forwarded: on; nginx writes the field anew and drops what the client said in it")
	}
	w.line(1, "proxy_set_header Via \"1.1 nginx\";")
	w.line(1, "add_header Via \"1.1 nginx\" always;")
	w.say("Via; nginx writes its own in the place of those that are there, and says 1.1 of any version")
	if f.Server {
		w.line(1, "proxy_pass_header Server;")
	} else {
		w.line(1, "server_tokens off;")
		w.say("fields.server: off; nginx puts its own name there")
	}
	if f.Continue {
		w.say("fields.continue: on; nginx asks for the body by itself, and reads all of it before it asks an origin server")
	}
}

func (w *nginxWriter) upgrades() bool {
	return slices.ContainsFunc(w.site.Balancers, func(b site.Balancer) bool {
		return slices.ContainsFunc(b.Members, func(m site.Member) bool { return m.Upgrade != "" })
	})
}

// nginxMethods are the Site's lbmethods in nginx's words.
var nginxMethods = map[string]string{
	"byrequests": "", "bybusyness": "least_conn", "leastconn": "least_conn", "random2": "random two least_conn",
}

func (w *nginxWriter) upstream(b *site.Balancer) {
	w.comment(1, "The origin servers of balancer "+b.Name+".")
	w.line(1, "upstream %s {", b.Name)
	w.method(b)
	weight := weights(b.Members, 10000)
	// Reserves alone are no servers to nginx.
	some := slices.ContainsFunc(b.Members, func(m site.Member) bool { return !reserve(b, &m) })
	for i := range b.Members {
		m := &b.Members[i]
		p := ""
		if weight[i] != 1 {
			p += " weight=" + strconv.Itoa(weight[i])
		}
		if m.Max > 0 {
			p += " max_conns=" + strconv.Itoa(m.Max)
		}
		// A failed attempt takes a member out for retry.
		if m.Retry > 0 {
			p += fmt.Sprintf(" max_fails=1 fail_timeout=%ds", (m.Retry+time.Second-1)/time.Second)
		} else {
			p += " max_fails=0"
		}
		if m.Retry%time.Second != 0 {
			w.say("members' retry: %s; nginx takes whole seconds", m.Retry)
		}
		if some && reserve(b, m) && nginxMethods[b.LBMethod] != "random two least_conn" && b.LBMethod != "hash" {
			p += " backup"
		}
		if off(m) {
			p += " down"
		}
		w.line(2, "server %s%s;", address(m), p)
	}
	w.line(2, "# Idle connections that are kept, by each process.")
	w.line(2, "keepalive %d;", max(w.machine.Clients, 64))
	w.line(2, "keepalive_requests %d;", anyNumber)
	w.line(2, "keepalive_timeout %s;", millis(b.Members[0].TTL))
	w.line(1, "}")
	w.reserveNotes(b)
	w.upstreamNotes(b)
}

func (w *nginxWriter) method(b *site.Balancer) {
	if b.LBMethod != "hash" {
		word, ok := nginxMethods[b.LBMethod]
		if !ok {
			word = "least_conn"
			w.say("balancers' lbmethod: %s; nginx has none such, and got least_conn", b.LBMethod)
		}
		if word != "" {
			w.line(2, "%s;", word)
		}
		return
	}
	key := "$remote_addr"
	kind, name, _ := strings.Cut(b.HashOn, " ")
	variable := strings.ReplaceAll(name, "-", "_")
	switch kind {
	case "uri":
		key = "$request_uri"
	case "header":
		key = "$http_" + strings.ToLower(variable)
	case "cookie":
		key = "$cookie_" + name
	}
	w.line(2, "hash %s consistent;", key)
	w.say("balancers' lbmethod: hash; nginx hashes consistently (ketama), and so to other members")
	if b.HashBound > 0 {
		w.say("balancers' hashbound: %g; nginx bounds no member's share", b.HashBound)
	}
}

func (w *nginxWriter) upstreamNotes(b *site.Balancer) {
	w.lacks(
		asked{b.Checked(), "balancers' hcmethod"},
		asked{b.Failures.SlowStart > 0, fmt.Sprintf("balancers' slowstart: %s", b.Failures.SlowStart)},
		asked{b.Timeout > 0, fmt.Sprintf("balancers' timeout: %s", b.Timeout)},
		asked{b.Sessions.Cookie != "", "balancers' stickysession: " + b.Sessions.Cookie},
		asked{b.Sessions.Own != "", "balancers' sessioncookie: " + b.Sessions.Own},
		asked{b.Failures.Force, "balancers' forcerecovery: on"},
	)
	if b.LBMethod == "random2" || b.LBMethod == "hash" {
		if slices.ContainsFunc(b.Members, func(m site.Member) bool { return reserve(b, &m) }) {
			w.say("balancers' lbmethod: %s; nginx has no reserve with it, and asks those members like the others", b.LBMethod)
		}
	}
	for i := range b.Members {
		m := &b.Members[i]
		w.lacks(asked{m.DisableReuse, "members' disablereuse: on"}, asked{m.Named(), fmt.Sprintf("members' addressttl: %s", m.AddressTTL)})
		if m.Max > 0 {
			w.say("members' max: %d; nginx counts in each of its processes by itself", m.Max)
		}
		if o := &b.Members[0]; m.TTL != o.TTL || m.Timeout != o.Timeout || m.ConnectionTimeout != o.ConnectionTimeout {
			w.say("members' ttl, timeout, connectiontimeout; nginx has them for all members alike, and got those of %s", o.URL)
		}
	}
}

// nginxNotes hold whatever the Site says.
func (w *nginxWriter) nginxNotes() {
	w.say("all members in error: nginx tries them again at once")
	w.say("a path with dot segments or doubled slashes is resolved before the routes are tried")
	w.say("limits.abortonclose; nginx closes a member's connection when its client leaves, in any case")
}
