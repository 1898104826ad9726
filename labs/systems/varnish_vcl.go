package systems

import (
	"fmt"
	"strings"

	"proxylab/proxy/site"
)

// recv is what is done with a request.
func (w *varnishWriter) recv() {
	s := w.site
	w.WriteByte('\n')
	w.line(0, "sub vcl_recv {")
	w.line(1, "# What origin servers are told; X-Forwarded-For and Via are built in.")
	w.line(1, "set req.http.X-Forwarded-Host = req.http.Host;")
	w.line(1, "set req.http.X-Forwarded-Proto = \"http\";")
	w.lacks(asked{s.Fields.Forwarded, "fields.forwarded: on"})
	w.ignore()
	for i, r := range s.Routes {
		w.route(r, i > 0)
	}
	w.line(1, "else {")
	w.line(2, "return (synth(404));")
	w.line(1, "}")
	if !s.Cache.On {
		w.line(1, "# The site has no cache.")
		w.line(1, "return (pass);")
	} else {
		w.bypass()
	}
	w.line(0, "}")
	w.keys()
}

func (w *varnishWriter) route(r site.Route, more bool) {
	p := prefix(r.Path)
	head := "if"
	if more {
		head = "else if"
	}
	w.line(1, "%s (req.url ~ \"^%s(/|\\?|$)\") {", head, regexpQuote(p))
	if r.To == "!" {
		w.line(2, "return (synth(404));")
		w.line(1, "}")
		return
	}
	name, to := target(r.To)
	for i := range w.site.Balancers {
		if b := &w.site.Balancers[i]; b.Name == name {
			w.line(2, "set req.backend_hint = %s;", w.hint(b))
		}
	}
	if to = strings.TrimSuffix(to, "/"); p != to {
		w.line(2, "set req.url = regsub(req.url, \"^%s/?\", \"%s/\");", regexpQuote(p), to)
		w.say("routes from %s to another path; Varnish mends no Location (ProxyPassReverse)", r.Path)
	}
	w.line(1, "}")
}

// hint asks a director.
func (w *varnishWriter) hint(b *site.Balancer) string {
	if b.LBMethod != "hash" {
		return vclName(b.Name) + ".backend()"
	}
	kind, name, _ := strings.Cut(b.HashOn, " ")
	key := "client.identity"
	switch kind {
	case "uri":
		key = "req.url"
	case "header":
		key = "req.http." + name
	case "cookie":
		key = fmt.Sprintf("regsub(req.http.Cookie, \"(^|.*; *)%s=([^;]*).*\", \"\\2\")", regexpQuote(name))
	}
	return fmt.Sprintf("%s.backend(%s)", vclName(b.Name), key)
}

// ignore takes query parameters away that neither key nor origin server get.
func (w *varnishWriter) ignore() {
	for _, name := range w.site.Cache.IgnoreParams {
		pattern := regexpQuote(strings.TrimSuffix(name, "*"))
		if strings.HasSuffix(name, "*") {
			pattern += "[^=&]*"
		}
		w.line(1, "set req.url = regsuball(req.url, \"([?&])%s(=[^&]*)?(?=&|$)\", \"\\1\");", pattern)
	}
	if len(w.site.Cache.IgnoreParams) > 0 {
		w.line(1, "set req.url = regsub(regsub(regsuball(req.url, \"&&+\", \"&\"), \"\\?&\", \"?\"), \"[?&]$\", \"\");")
	}
}

func (w *varnishWriter) bypass() {
	for _, b := range w.site.Cache.Bypass {
		var is []string
		if b.Path != "" {
			is = append(is, fmt.Sprintf("req.url ~ \"^%s\"", regexpQuote(b.Path)))
		}
		if b.Header != "" {
			is = append(is, "req.http."+b.Header)
		}
		if b.Cookie != "" {
			is = append(is, fmt.Sprintf("req.http.Cookie ~ \"(^|; *)%s=\"", regexpQuote(b.Cookie)))
		}
		w.line(1, "if (%s) {", strings.Join(is, " && "))
		w.line(2, "return (pass);")
		w.line(1, "}")
	}
	if w.site.Cache.ShareCookies {
		w.line(1, "# Cookies keep nothing from being shared.")
		w.line(1, "if (req.method == \"GET\" || req.method == \"HEAD\") {")
		w.line(2, "return (hash);")
		w.line(1, "}")
	}
}

// keys are what responses are kept apart by, besides Host, URL and Vary.
func (w *varnishWriter) keys() {
	c := w.site.Cache
	if len(c.KeyHeaders)+len(c.KeyCookies) == 0 {
		return
	}
	w.WriteByte('\n')
	w.line(0, "sub vcl_hash {")
	for _, name := range c.KeyHeaders {
		w.line(1, "hash_data(req.http.%s);", name)
	}
	for _, name := range c.KeyCookies {
		w.line(1, "hash_data(regsub(req.http.Cookie, \"(^|.*; *)%s=([^;]*).*\", \"\\2\"));", regexpQuote(name))
	}
	w.line(0, "}")
}

// responses is what is done with an answer, from an origin server and to a client.
func (w *varnishWriter) responses() {
	s := w.site
	w.WriteByte('\n')
	w.line(0, "sub vcl_backend_response {")
	for _, t := range s.Cache.TTL {
		if t.Path == "" && t.Status == 0 {
			continue
		}
		var is []string
		if t.Path != "" {
			is = append(is, fmt.Sprintf("bereq.url ~ \"^%s\"", regexpQuote(t.Path)))
		}
		if t.Status != 0 {
			is = append(is, fmt.Sprintf("beresp.status == %d", t.Status))
		} else {
			is = append(is, "beresp.status < 400")
		}
		is = append(is, "!beresp.http.Cache-Control", "!beresp.http.Expires")
		w.line(1, "if (%s) {", strings.Join(is, " && "))
		w.line(2, "set beresp.ttl = %s;", vclTime(t.For))
		w.line(1, "}")
	}
	w.line(1, "# Bodies go on as they come.")
	w.line(1, "set beresp.do_stream = true;")
	w.line(0, "}")
	w.WriteByte('\n')
	w.line(0, "sub vcl_deliver {")
	w.line(1, "# A hit by itself is nothing that a client can see: X-Varnish has two numbers then.")
	w.line(1, "if (obj.hits > 0) {")
	w.line(2, "set resp.http.X-Cache-Status = \"HIT\";")
	w.line(1, "} else {")
	w.line(2, "set resp.http.X-Cache-Status = \"MISS\";")
	w.line(1, "}")
	if !s.Fields.Server {
		w.line(1, "unset resp.http.Server;")
	}
	w.line(0, "}")
}

// retries sends what an origin server did not answer to another one.
func (w *varnishWriter) retries() {
	most := 0
	for i := range w.site.Balancers {
		b := &w.site.Balancers[i]
		tries := b.Failures.Attempts
		if tries == 0 {
			tries = len(b.Members) - 1
		}
		most = max(most, tries)
		if b.Failures.Resend == "never" {
			w.say("balancers' resend: never; Varnish sends what got no answer again")
		}
		if b.Failures.Attempts != w.site.Balancers[0].Failures.Attempts {
			w.say("balancers' maxattempts; Varnish got the largest for all balancers")
		}
	}
	if most == 0 {
		return
	}
	w.WriteByte('\n')
	w.line(0, "sub vcl_backend_error {")
	w.line(1, "# No answer came: another origin server is asked. A body is gone once it was sent.")
	w.line(1, "if (bereq.retries < %d && (bereq.method == \"GET\" || bereq.method == \"HEAD\")) {", min(most, 4))
	w.line(2, "return (retry);")
	w.line(1, "}")
	w.line(0, "}")
	if most > 4 {
		w.say("balancers' maxattempts: Varnish tries 4 times at most (max_retries)")
	}
}

// varnishNotes hold what has no word here, and what holds whatever the Site says.
func (w *varnishWriter) varnishNotes() {
	s := w.site
	for i := range s.Balancers {
		b := &s.Balancers[i]
		w.lacks(
			asked{b.Failures.SlowStart > 0, fmt.Sprintf("balancers' slowstart: %s", b.Failures.SlowStart)},
			asked{b.Timeout > 0, fmt.Sprintf("balancers' timeout: %s", b.Timeout)},
			asked{b.Sessions.Cookie != "", "balancers' stickysession: " + b.Sessions.Cookie},
			asked{b.Sessions.Own != "", "balancers' sessioncookie: " + b.Sessions.Own},
			asked{b.Failures.Force, "balancers' forcerecovery: on"},
			asked{len(b.Failures.OnStatus) > 0, fmt.Sprintf("balancers' failonstatus: %v", b.Failures.OnStatus)},
			asked{b.Failures.OnTimeout, "balancers' failontimeout: on"},
		)
		for j := range b.Members {
			w.lacks(asked{b.Members[j].Upgrade != "", "members' upgrade: " + b.Members[j].Upgrade})
		}
	}
	l := s.Limits
	w.lacks(
		asked{l.KeepAliveRequests > 0, fmt.Sprintf("limits.keepaliverequests: %d", l.KeepAliveRequests)},
		asked{l.PerClient < l.Connections, fmt.Sprintf("limits.perclient: %d", l.PerClient)},
		asked{l.Body > 0, fmt.Sprintf("limits.body: %d bytes", l.Body)},
		asked{true, fmt.Sprintf("limits.minrate: %d bytes/s", l.MinRate)},
		asked{s.Log.Stdout || s.Log.File != "", "log"},
	)
	w.say("limits.connections: %d; Varnish bounds its threads (5,000 in each pool), one for each request that runs", l.Connections)
	if s.Fields.Continue {
		w.say("fields.continue: on; Varnish asks for the body by itself")
	}
	if s.Socket.ReusePort || s.Socket.Defer {
		w.say("socket.reuseport, socket.deferaccept; Varnish decides by itself")
	}
}
