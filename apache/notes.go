package apache

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"proxylab/proxy/site"
)

// Debian's defaults that a stock Apache keeps (apache2.conf, mpm_event.conf,
// mod_proxy), where a Site has something to say.
const (
	stockRetry     = 60 * time.Second
	stockTTL       = 60 * time.Second
	stockTimeout   = 300 * time.Second
	stockKeepAlive = 5 * time.Second
	stockHead      = 20 * time.Second
	stockHeadMax   = 40 * time.Second
	stockLine      = 8190
	stockFields    = 100
	stockAtOnce    = 150
	stockMinRate   = 500
	stockBacklog   = 511
	stockRequests  = 100
)

// notes says where Apache does otherwise than s asks. What holds for several
// members alike is said once.
func (w *writer) notes() []string {
	s := w.site
	list := generalNotes(s)
	if w.matched() {
		list = append(list, w.matchedNotes()...)
		list = append(list, w.cacheNotes()...)
	} else {
		list = append(list, stockNotes(s)...)
	}
	if w.tuned() {
		list = append(list, w.tunedNotes()...)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(note string) bool {
		before := seen[note]
		seen[note] = true
		return before
	})
}

func generalNotes(s *site.Site) []string {
	var list []string
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if s.Limits.PerClient < s.Limits.Connections {
		say("limits.perclient: %d; httpd has no bound for one client (mod_qos, which has, is no part of it)", s.Limits.PerClient)
	}
	if s.Socket.ReusePort {
		say("socket.reuseport: on; httpd shares its address out among its own processes alone (ListenCoresBucketsRatio)")
	}
	for _, b := range s.Balancers {
		if b.Failures.Resend != "never" {
			say("balancers' resend: %s; httpd sends no request twice that went out, and answers 502", b.Failures.Resend)
		}
	}
	say("limits.minreadrate: %d bytes/s; httpd knows the longest silence of a client that reads (Timeout), no rate", s.Limits.MinReadRate)
	if s.Limits.Pipelined > 0 {
		say("limits.pipelined: %d; httpd has no bound for requests that are sent without waiting", s.Limits.Pipelined)
	}
	if s.Limits.AbortOnClose {
		say("limits.abortonclose: on; httpd notices that a client left when it writes to it")
	}
	say("X-Forwarded-Server, httpd's own name, is added for members")
	say("dot segments and doubled slashes in a path are resolved by httpd before the routes are tried")
	for _, b := range s.Balancers {
		if m := lbmethods[b.LBMethod]; m != b.LBMethod {
			say("balancers' lbmethod: %s; httpd has none such, and got %s", b.LBMethod, m)
		}
		if b.Failures.Probe > 0 {
			say("balancers' probe: %s; httpd asks nothing of a member in error until retry is over", b.Failures.Probe)
		}
		say("balancers' retrybudget: %d%%; httpd has no bound for further attempts", b.Failures.Budget)
		if b.Outliers.Errors > 0 || b.Outliers.Latency > 0 {
			say("balancers' outliererrors and outlierlatency: httpd does not compare its members")
		}
		if b.Sessions.Own != "" {
			say("balancers' sessioncookie: %s; httpd's value is the member's route, which anybody can read and write, and no key has a part in it", b.Sessions.Own)
		}
		if b.Failures.Hedge > 0 {
			say("balancers' hedge: %d%%; httpd asks one member at a time", b.Failures.Hedge)
		}
		if b.Failures.SlowStart > 0 {
			say("balancers' slowstart: %s; httpd gives a member that is back its whole share at once", b.Failures.SlowStart)
		}
		if b.Timeout > 0 {
			say("balancers' timeout: %s; httpd looks again at times, in no order, and without the bound of queue", b.Timeout)
		}
	}
	if s.Log.File != "" {
		say("log.file: the file is proxylab_access.log in /var/log/apache2, not %s", s.Log.File)
	}
	return list
}

func stockNotes(s *site.Site) []string {
	var list []string
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if s.Limits.Connections != stockAtOnce {
		say("limits.connections: %d; stock serves %d requests at once (MaxRequestWorkers of mpm_event.conf), more wait", s.Limits.Connections, stockAtOnce)
	}
	if s.Cache.On {
		say("cache: on; stock has none")
	}
	if s.Admin.Listen != "" {
		say("admin: %s; stock has no balancer-manager, and the page of its mod_status is /server-status, for this machine alone", s.Admin.Listen)
	}
	if s.Fields.Forwarded {
		say("fields.forwarded: stock adds X-Forwarded-For, not Forwarded (RFC 7239)")
	}
	if len(s.Fields.Trusted) > 0 {
		say("fields.trusted: stock appends to the X-Forwarded-For and -Host of anybody")
	}
	if !s.Fields.Server {
		say("fields.server: off; stock passes a member's Server")
	}
	say("a path with an escaped slash (%%2F) is answered 404 (AllowEncodedSlashes Off)")
	say("X-Forwarded-Proto is not added; X-Forwarded-Host is behind what a client says itself")
	for _, b := range s.Balancers {
		if b.Checks.Method != "" {
			say("balancers' hcmethod: %s; stock has no health checks", b.Checks.Method)
		} else if b.Checked() {
			say("members' hcmethod; stock has no health checks")
		}
	}
	for i := range s.Balancers {
		if p := failureParameters(&s.Balancers[i]); len(p) > 0 {
			say("balancers' %s; stock has none", strings.Join(p, ", "))
		}
	}
	member := func(word string, asked, stock time.Duration) {
		if asked != stock {
			say("members' %s: %s; stock is %s", word, asked, stock)
		}
	}
	for _, m := range members(s) {
		member("retry", m.Retry, stockRetry)
		member("connectiontimeout", m.ConnectionTimeout, stockTimeout)
		member("timeout", m.Timeout, stockTimeout)
		if m.Max > 0 {
			say("members' max: %d; stock has none", m.Max)
		}
		if m.Acquire > 0 {
			say("members' acquire: %s; stock has no max to wait for", m.Acquire)
		}
		if m.SMax > 0 {
			say("members' smax: %d; stock keeps connections for as many requests as a process serves at once", m.SMax)
		}
		if m.DisableReuse {
			say("members' disablereuse: on; stock uses connections again")
		}
		if m.FlushPackets != "on" {
			say("members' flushpackets: %s; stock hands on what has come, whatever its word is", m.FlushPackets)
		}
		if m.Ping > 0 {
			say("members' ping: %s; stock has none", m.Ping)
		}
		if m.TTL != stockTTL {
			say("members' ttl: %s; stock is %s", m.TTL, stockTTL)
		}
		if m.Named() {
			say("members' addressttl: %s; stock looks a name up once", m.AddressTTL)
		}
		if m.KeepAlive {
			say("members' keepalive: on; stock has none")
		}
		if m.Upgrade != "" {
			say("members' upgrade: %s; stock has none, and answers without it", m.Upgrade)
		}
	}
	if s.Socket.Backlog != stockBacklog {
		say("socket.backlog: %d; stock is %d", s.Socket.Backlog, stockBacklog)
	}
	if !s.Fields.Continue {
		say("fields.continue: off; stock leaves 100-continue to the origin server")
	}
	l := s.Limits
	if l.KeepAliveRequests != stockRequests+1 {
		say("limits.keepaliverequests: %d (0 is any number); stock is %d more than the first", l.KeepAliveRequests, stockRequests)
	}
	if l.RequestLine != stockLine {
		say("limits.requestline: %d bytes; stock is %d", l.RequestLine, stockLine)
	}
	if l.KeepAliveTimeout != stockKeepAlive {
		say("limits.keepalivetimeout: %s; stock is %s", l.KeepAliveTimeout, stockKeepAlive)
	}
	if l.Timeout != stockTimeout {
		say("limits.timeout: %s; stock is %s, and at least 500 bytes/s of a request body after 10s", l.Timeout, stockTimeout)
	}
	if l.HeadTimeout != stockHead || l.HeadTimeoutMax != stockHeadMax || l.MinRate != stockMinRate {
		say("limits.headtimeout: %s, up to %s; stock is %s, up to %s at %d bytes/s or more", l.HeadTimeout, l.HeadTimeoutMax, stockHead, stockHeadMax, stockMinRate)
	}
	if l.Head != stockLine {
		say("limits.head: %d bytes in all; stock is %d bytes a line", l.Head, stockLine)
	}
	if l.Fields != stockFields {
		say("limits.fields: %d; stock is %d", l.Fields, stockFields)
	}
	say("limits.body: %d bytes; stock has no bound for what goes to members", l.Body)
	if l.MinRate != stockMinRate {
		say("limits.minrate: %d bytes/s; stock is %d", l.MinRate, stockMinRate)
	}
	say("all members in error: stock tries them again at once (forcerecovery=On)")
	say("the origin server gets its own Host, no Via is added, and text is compressed for clients that ask")
	switch {
	case !s.Log.Stdout && s.Log.File == "":
		say("log: off; stock writes one, in the combined format")
	case s.Log.Format == site.DefaultLogFormat:
		say("the log has neither member nor duration")
	default:
		say("log.format: %s; stock is combined", s.Log.Format)
	}
	return list
}

func (w *writer) matchedNotes() []string {
	s := w.site
	var list []string
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	rounded := func(place string, d time.Duration) {
		if d%time.Second != 0 {
			say("%s: %s; httpd takes whole seconds and got %ds", place, d, seconds(d))
		}
	}
	for _, b := range s.Balancers {
		rounded("balancers' timeout", b.Timeout)
		if b.Checks.Method != "" {
			rounded("balancers' hcinterval", b.Checks.Interval)
		}
		for _, m := range b.Members {
			if m.Checks.Method != "" {
				rounded("members' hcinterval", m.Checks.Interval)
			}
		}
	}
	for _, m := range members(s) {
		if m.Max > 0 {
			say("members' max: %d; httpd counts connections, in each of its processes by itself, and got %d for each of %d", m.Max, w.sized.share(m.Max), w.sized.processes)
		}
		if m.SMax > 0 {
			say("members' smax: %d; httpd counts in each of its processes by itself, and got %d for each of %d", m.SMax, w.sized.share(m.SMax), w.sized.processes)
		}
		if m.FlushPackets != "on" {
			say("members' flushpackets: %s; httpd takes the word, but mod_proxy_http hands on what has come in any case", m.FlushPackets)
		}
		if m.Acquire%time.Millisecond != 0 {
			say("members' acquire: %s; httpd takes whole milliseconds", m.Acquire)
		}
		rounded("members' ttl", m.TTL)
		if m.Named() {
			rounded("members' addressttl", m.AddressTTL)
		}
		rounded("members' retry", m.Retry)
		rounded("members' timeout", m.Timeout)
		if m.Upgrade != "" && m.UpgradeTimeout != m.Timeout {
			say("members' upgradetimeout: %s; httpd ends a tunnel after its timeout, %s", m.UpgradeTimeout, m.Timeout)
		}
	}
	say("limits.connections: %d; httpd has room for as many idle ones, serves %d requests at once (MaxRequestWorkers), and bounds the sum by the free threads of each process", s.Limits.Connections, w.sized.requests())
	if a := s.Admin; a.Listen != "" {
		say("admin: %s; httpd's balancer-manager is the path %s of the site itself, and its state %s, both for this machine alone whatever the token; a member's own pages there are hidden", a.Listen, managerPath, statusPath)
	}
	if len(s.Fields.Trusted) > 0 {
		say("fields.trusted: httpd puts its own Host behind the X-Forwarded-Host of a trusted proxy")
	}
	if !s.Fields.Server {
		say("fields.server: off; httpd hides a member's Server, and puts its own name there")
	}
	rounded("limits.timeout", s.Limits.Timeout)
	rounded("limits.headtimeout", s.Limits.HeadTimeout)
	rounded("limits.headtimeoutmax", s.Limits.HeadTimeoutMax)
	say("limits.head: %d bytes; httpd bounds each line of a request's head by it, not the sum, and a field line of a response by 8192", s.Limits.Head)
	say("limits.body: %d bytes; httpd has no bound for a chunked body that goes to a member", s.Limits.Body)
	say("an origin server that is silent for timeout is answered with 502, not 504")
	say("limits.minrate: httpd counts the whole time since the body began; proxyd only that spent waiting for the client")
	say("limits.fields: %d; httpd counts those of requests alone", s.Limits.Fields)
	if slices.ContainsFunc(s.Log.LogItems(), func(i site.LogItem) bool { return i.Word == 'U' }) {
		say("log.format: %%U is the path as it was sent; httpd writes it decoded")
	}
	return list
}

func (w *writer) tunedNotes() []string {
	list := []string{"the log is written in blocks (BufferedLogs): a line comes after others, not after its answer"}
	if !w.site.Socket.Defer {
		list = append(list, "socket.deferaccept: off; tuned accepts a connection with its first byte")
	}
	return list
}

// members are those of all balancers.
func members(s *site.Site) []site.Member {
	var list []site.Member
	for _, b := range s.Balancers {
		list = append(list, b.Members...)
	}
	return list
}
