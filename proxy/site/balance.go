package site

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxQueue = 100_000
	maxBound = 100

	leastHedge = 50
	mostHedge  = 99
)

// balancerKeys are what a balancer may say, in the words of mod_proxy, and of this
// project where it has none.
func (r *reader) balancerKeys(b *Balancer) map[string]func(field) {
	return map[string]func(field){
		"name":     func(f field) { b.Name = r.checked(f, balancerName) },
		"lbmethod": func(f field) { b.LBMethod = r.checked(f, lbMethod) },
		"members": func(f field) {
			r.list(f, func(f field) { b.Members = append(b.Members, r.member(f)) })
		},
		"hashon": func(f field) { b.HashOn = r.checked(f, hashOn) },
		"hashbound": func(f field) {
			if r.isOff(f) {
				b.HashBound = 0
			} else if n, ok := r.number(f); ok {
				b.HashBound = n
				if !(n > 1 && n <= maxBound) {
					r.add(f, wrong("1.25 lets a member have a quarter more than its share; \"off\" has no bound", "%s is not above 1, up to %d", writeFloat(n), maxBound))
				}
			}
		},
		"timeout": func(f field) { b.Timeout = r.duration(f, 0) },
		"queue":   func(f field) { b.Queue = r.count(f, 1, maxQueue) },

		"stickysession": func(f field) {
			if s, ok := r.text(f); ok {
				var p *problem
				b.Sessions.Cookie, b.Sessions.Parameter, p = stickySession(s)
				r.add(f, p)
			}
		},
		"stickysessionsep": func(f field) { b.Sessions.Separator = r.separator(f) },
		"scolonpathdelim":  func(f field) { b.Sessions.Delimiter = r.onOff(f) },
		"nofailover":       func(f field) { b.Sessions.NoFailover = r.onOff(f) },
		"sessionkeyfile":   func(f field) { b.Sessions.KeyFile = r.checked(f, fileName) },
		"sessioncookie": func(f field) {
			b.Sessions.Own = r.checked(f, func(s string) *problem {
				if !cookieName.MatchString(s) {
					return wrong(`"ROUTEID"`, "%q is not the name of a cookie", s)
				}
				return nil
			})
		},

		"failonstatus": func(f field) {
			r.list(f, func(f field) { b.Failures.OnStatus = append(b.Failures.OnStatus, r.count(f, 400, 599)) })
		},
		"failontimeout": func(f field) { b.Failures.OnTimeout = r.onOff(f) },
		"forcerecovery": func(f field) { b.Failures.Force = r.onOff(f) },
		"maxattempts":   func(f field) { b.Failures.Attempts = r.count(f, 1, 100) },
		"retrybudget":   func(f field) { b.Failures.Budget = r.share(f) },
		"hedge": func(f field) {
			if r.isOff(f) {
				b.Failures.Hedge = 0
			} else if s, ok := r.scalar(f, "a percentile"); ok {
				n, p := percent(s, 100)
				if p != nil || n < leastHedge || n > mostHedge {
					p = wrong(`"95%" asks another member where an answer takes longer than 95% of them; "off" never does`, "%q is not a percentile between %d%% and %d%%", s, leastHedge, mostHedge)
				}
				b.Failures.Hedge = n
				r.add(f, p)
			}
		},
		"hedgebudget":   func(f field) { b.Failures.HedgeBudget = r.share(f) },
		"outliererrors": func(f field) { b.Outliers.Errors = r.share(f) },
		"outlierkeep":   func(f field) { b.Outliers.Keep = r.share(f) },
		"outlierlatency": func(f field) {
			if n, ok := r.number(f); ok {
				b.Outliers.Latency = n
				if !(n > 1 && n <= 1000) {
					r.add(f, wrong("3 ejects a member whose answers take three times as long as the others'", "%s is not above 1, up to 1000", writeFloat(n)))
				}
			}
		},
		"outlierinterval": func(f field) { b.Outliers.Interval = r.duration(f, 10*time.Millisecond) },
		"outliertime":     func(f field) { b.Outliers.Time = r.duration(f, 10*time.Millisecond) },
		"probe":           func(f field) { b.Failures.Probe = r.duration(f, 0) },
		"resend":          func(f field) { b.Failures.Resend = r.checked(f, resend) },
		"slowstart":       func(f field) { b.Failures.SlowStart = r.duration(f, 0) },
	}
}

// count takes a whole number within bounds.
func (r *reader) count(f field, least, most int) int {
	n, ok := r.whole(f)
	if ok {
		r.add(f, between(n, least, most, strconv.Itoa))
	}
	return n
}

// share takes a percentage.
func (r *reader) share(f field) int {
	s, ok := r.scalar(f, "a share")
	if !ok {
		return 0
	}
	n, p := percent(s, 100)
	r.add(f, p)
	return n
}

// isOff says whether f is the word.
func (r *reader) isOff(f field) bool { return kind(f.node) == `"off"` }

// separator takes one character, or off.
func (r *reader) separator(f field) string {
	if r.isOff(f) {
		return ""
	}
	s, ok := r.text(f)
	if ok && (len(s) != 1 || s[0] <= ' ' || s[0] > '~' || strings.Contains(`"\;,=$`, s)) {
		r.add(f, wrong(`"." or "!", or "off" where the value is the route and no more`, "%q is not one character that may stand in a cookie", s))
	}
	return s
}

// adminStatus are the flags of mod_proxy that a declaration may set.
const adminStatus = "DSRHNI"

// memberStatus gives mod_proxy's status as the letters that are set, in their
// order: "+D", "d" and "-H+D" are all "D".
func memberStatus(s string) (string, *problem) {
	set := make(map[rune]bool)
	plus := true
	for _, c := range strings.ToUpper(s) {
		switch {
		case c == '+' || c == '-':
			plus = c == '+'
		case c == 'E' || c == 'C':
			return s, wrong("it comes and goes by itself", "%q: %q is not for a declaration", s, c)
		case !strings.ContainsRune(adminStatus, c):
			return s, wrong("D disabled, S stopped, R hot spare, H hot standby, N draining, I ignore errors: \"+D\", \"HR\"", "%q: unknown status %q", s, c)
		default:
			set[c] = plus
		}
	}
	var b strings.Builder
	for _, c := range adminStatus {
		if set[c] {
			b.WriteRune(c)
		}
	}
	if set['R'] && set['H'] {
		return b.String(), wrong("a spare replaces one member, a standby all of them", "%q is hot spare and hot standby at once", s)
	}
	return b.String(), nil
}

var cookieName = regexp.MustCompile("^[A-Za-z0-9!#%&'*+.^_`~-]{1,63}$") // a token (RFC 9110 §5.6.2), without what httpd reads otherwise

// stickySession is "cookie|parameter", or one name for both.
func stickySession(s string) (cookie, parameter string, p *problem) {
	cookie, parameter, two := strings.Cut(s, "|")
	if !two {
		parameter = cookie
	}
	for _, name := range []string{cookie, parameter} {
		if !cookieName.MatchString(name) {
			return cookie, parameter, wrong(`"JSESSIONID|jsessionid": the cookie, and the parameter in the path`, "%q is not the name of a cookie", name)
		}
	}
	return cookie, parameter, nil
}

var hashHeader = regexp.MustCompile(`^(header|cookie) [A-Za-z0-9!#%&'*+.^_~-]{1,63}$`)

func hashOn(s string) *problem {
	if s == "client" || s == "uri" || hashHeader.MatchString(s) {
		return nil
	}
	return wrong(`"client", "uri", "header X-User", "cookie JSESSIONID"`, "%q is nothing to hash on", s)
}

// percent reads "20%".
func percent(s string, most int) (int, *problem) {
	digits, ok := strings.CutSuffix(s, "%")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || n > most {
		return 0, wrong(`"20%"`, "%q is not a share between 0%% and %d%%", s, most)
	}
	return n, nil
}

// balanced checks what can only be seen of a whole balancer.
func (r *reader) balanced(place string, b *Balancer) {
	r.checksAlone(place, &b.Checks)
	for j := range b.Members {
		r.ownChecks(fmt.Sprintf("%s.members[%d]", place, j), b, &b.Members[j].Checks)
	}
	var routes []string
	for _, m := range b.Members {
		if m.Route != "" {
			routes = append(routes, m.Route)
		}
	}
	for j, m := range b.Members {
		r.addressAlone(fmt.Sprintf("%s.members[%d].addressttl", place, j), &m)
		r.poolAlone(fmt.Sprintf("%s.members[%d].", place, j), &m)
		at := fmt.Sprintf("%s.members[%d].redirect", place, j)
		switch {
		case m.Redirect == "":
		case m.Redirect == m.Route:
			r.add(r.at(at), wrong("name another member's route", "%q is the member's own route", m.Redirect))
		case !slices.Contains(routes, m.Redirect):
			r.add(r.at(at), wrong(didYouMean(m.Redirect, routes), "no member has the route %q", m.Redirect))
		}
	}
	if b.Sessions.Cookie != "" && len(routes) == 0 && len(b.Members) > 0 && r.clean(place+".stickysession") {
		r.add(r.at(place+".stickysession"), wrong("give each member a route: \"route: one\"", "no member has a route that a session could name"))
	}
	if b.Sessions.Own != "" && b.Sessions.Cookie != "" {
		r.add(r.at(place+".sessioncookie"), wrong("keep one of them", "stickysession names the member already"))
	}
	if b.Sessions.KeyFile != "" && b.Sessions.Own == "" {
		r.add(r.at(place+".sessionkeyfile"), wrong("add \"sessioncookie: ROUTEID\"", "says nothing without sessioncookie"))
	}
	for _, key := range []string{"stickysessionsep", "scolonpathdelim", "nofailover"} {
		if _, ok := r.lines[place+"."+key]; ok && b.Sessions.Cookie == "" && (key != "nofailover" || b.Sessions.Own == "") {
			r.add(r.at(place+"."+key), wrong("add \"stickysession: JSESSIONID|jsessionid\"", "says nothing without stickysession"))
		}
	}
	for _, key := range []string{"outlierinterval", "outliertime", "outlierkeep"} {
		if _, ok := r.lines[place+"."+key]; ok && b.Outliers.Errors == 0 && b.Outliers.Latency == 0 {
			r.add(r.at(place+"."+key), wrong("add \"outliererrors: 50%\" or \"outlierlatency: 3\"", "says nothing without an outlier to look for"))
		}
	}
	if _, ok := r.lines[place+".hedgebudget"]; ok && b.Failures.Hedge == 0 && r.clean(place+".hedge") {
		r.add(r.at(place+".hedgebudget"), wrong("add \"hedge: 95%\"", "says nothing without hedge"))
	}
	if b.Failures.Hedge > 0 && b.Failures.Resend == "never" {
		r.add(r.at(place+".hedge"), wrong("leave one of them out", "with resend: never no request goes out twice"))
	}
	if b.Failures.Hedge > 0 && len(b.Members) == 1 {
		r.add(r.at(place+".hedge"), wrong("leave it out", "there is no other member to ask"))
	}
	for _, key := range []string{"hashon", "hashbound"} {
		if _, ok := r.lines[place+"."+key]; ok && b.LBMethod != "hash" {
			r.add(r.at(place+"."+key), wrong("add \"lbmethod: hash\"", "says nothing without it"))
		}
	}
}

// Named says whether the host in the member's URL is a name, which has to be looked
// up, and not an address.
func (m *Member) Named() bool {
	u, err := url.Parse(m.URL)
	if err != nil {
		return false
	}
	_, err = netip.ParseAddr(u.Hostname())
	return err != nil
}

// poolAlone finds words about a member's connections that say nothing.
func (r *reader) poolAlone(place string, m *Member) {
	if m.Acquire > 0 && m.Max == 0 && r.clean(place+"max") {
		r.add(r.at(place+"acquire"), wrong("add \"max: 100\"", "says nothing without max"))
	}
	if _, ok := r.lines[place+"flushwait"]; ok && m.FlushPackets != "auto" && r.clean(place+"flushpackets") {
		r.add(r.at(place+"flushwait"), wrong("add \"flushpackets: auto\"", "says nothing without flushpackets auto"))
	}
	if m.SMax > 0 && m.DisableReuse {
		r.add(r.at(place+"smax"), wrong("leave one of them out", "says nothing with disablereuse"))
	}
}

func (r *reader) addressAlone(place string, m *Member) {
	if _, ok := r.lines[place]; ok && m.URL != "" && !m.Named() {
		r.add(r.at(place), wrong("leave it out", "says nothing of an address: only names are looked up"))
	}
}
