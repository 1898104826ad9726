package apache

import (
	"fmt"
	"time"

	"proxylab/proxy/site"
)

// Debian's defaults that a stock Apache keeps (apache2.conf, mpm_event.conf,
// mod_proxy), where a Site has something to say.
const (
	stockRetry     = 60 * time.Second
	stockTimeout   = 300 * time.Second
	stockKeepAlive = 5 * time.Second
	stockLine      = 8190
	stockFields    = 100
	stockAtOnce    = 150
)

// notes says where Apache does otherwise than s asks.
func notes(s *site.Site, o Options) []string {
	var list []string
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if s.Limits.Connections != stockAtOnce {
		say("limits.connections: %d; MPM event serves %d requests at once in any flavour (MaxRequestWorkers of mpm_event.conf), more wait", s.Limits.Connections, stockAtOnce)
	}
	say("a path with an escaped slash (%%2F) is answered 404 by httpd (AllowEncodedSlashes Off); dot segments and doubled slashes are resolved before the routes are tried")
	if s.Log.File != "" {
		say("log.file: the file is proxylab_access.log in /var/log/apache2, not %s", s.Log.File)
	}
	if o.Flavour == Stock {
		return append(list, stockNotes(s)...)
	}
	return append(list, matchedNotes(s)...)
}

func stockNotes(s *site.Site) []string {
	var list []string
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	eachMember(s, func(place string, m *site.Member) {
		if m.Retry != stockRetry {
			say("%s.retry: %s; stock is %s", place, m.Retry, stockRetry)
		}
		if m.ConnectionTimeout != stockTimeout {
			say("%s.connectiontimeout: %s; stock is %s", place, m.ConnectionTimeout, stockTimeout)
		}
		if m.Timeout != stockTimeout {
			say("%s.timeout: %s; stock is %s", place, m.Timeout, stockTimeout)
		}
	})
	l := s.Limits
	if l.KeepAliveTimeout != stockKeepAlive {
		say("limits.keepalivetimeout: %s; stock is %s and 100 requests a connection", l.KeepAliveTimeout, stockKeepAlive)
	}
	if l.Timeout != stockTimeout {
		say("limits.timeout: %s; stock is %s, and at least 500 bytes/s of a request body after 10s", l.Timeout, stockTimeout)
	}
	say("limits.headtimeout: %s; stock is 20s, up to 40s at 500 bytes/s or more", l.HeadTimeout)
	if l.Head != stockLine {
		say("limits.head: %d bytes in all; stock is %d bytes a line", l.Head, stockLine)
	}
	if l.Fields != stockFields {
		say("limits.fields: %d; stock is %d", l.Fields, stockFields)
	}
	say("all members in error: stock tries them again at once (forcerecovery=On)")
	say("the origin server gets its own Host, no Via is added, and text is compressed for clients that ask")
	say("the log has neither member nor duration")
	return list
}

func matchedNotes(s *site.Site) []string {
	var list []string
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	rounded := func(place string, d time.Duration) {
		if d%time.Second != 0 {
			say("%s: %s; httpd takes whole seconds and got %ds", place, d, seconds(d))
		}
	}
	eachMember(s, func(place string, m *site.Member) {
		rounded(place+".retry", m.Retry)
		rounded(place+".timeout", m.Timeout)
	})
	rounded("limits.timeout", s.Limits.Timeout)
	rounded("limits.headtimeout", s.Limits.HeadTimeout)
	say("limits.head: %d bytes; httpd bounds each line of a request's head by it, not the sum, and a field line of a response by 8192", s.Limits.Head)
	say("limits.fields: %d; httpd counts those of requests alone", s.Limits.Fields)
	say("X-Forwarded-Proto is not added (it would need mod_headers)")
	return list
}

func eachMember(s *site.Site, do func(place string, m *site.Member)) {
	for i := range s.Balancers {
		for j := range s.Balancers[i].Members {
			do(fmt.Sprintf("balancers[%d].members[%d]", i, j), &s.Balancers[i].Members[j])
		}
	}
}
