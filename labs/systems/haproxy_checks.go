package systems

import (
	"fmt"
	"regexp"

	"proxylab/proxy/site"
)

// checks is what is asked of the servers, and what passes.
func (w *haproxyWriter) checks(b *site.Balancer) {
	c := &b.Checks
	if c.Method == "" || c.Method == "TCP" {
		return
	}
	w.line(1, "option httpchk")
	w.line(1, "http-check send meth %s uri %s ver HTTP/1.1 hdr Host health", c.Method, c.URI)
	body, not, match := c.Expr.Parts()
	if match == nil {
		w.line(1, "http-check expect status 200-399")
		return
	}
	w.line(1, "http-check expect %s", expectation(body, not, match))
	for i := range b.Members {
		if own := b.ChecksOf(i); own.Method != c.Method || own.URI != c.URI || own.Expr != c.Expr {
			w.say("members' hcmethod, hcuri, hcexpr; HAProxy has them for all members alike, and got the balancer's")
		}
	}
}

func expectation(body, not bool, match *regexp.Regexp) string {
	what := "rstatus"
	if body {
		what = "rstring"
	}
	if not {
		what = "! " + what
	}
	return fmt.Sprintf("%s '%s'", what, match)
}

// checkWords are those of a server. Where the Site has no checks, a server that
// failed an exchange is out of service until a connection to it succeeds: probe.
func (w *haproxyWriter) checkWords(b *site.Balancer, i int) string {
	c := b.ChecksOf(i)
	const failing = " observe layer4 error-limit 1 on-error mark-down"
	if c.Method != "" {
		return fmt.Sprintf(" check inter %s fall %d rise %d%s", millis(c.Interval), c.Fails, c.Passes, failing)
	}
	back := b.Failures.Probe
	if back == 0 {
		back = b.Members[i].Retry
	}
	if back == 0 {
		return ""
	}
	w.say("members' retry: HAProxy has no time after which a member that failed is asked again: it takes a check that passes, here a connection each %s", millis(back))
	return fmt.Sprintf(" check inter 1h downinter %s fall 1 rise 1%s", millis(back), failing)
}
