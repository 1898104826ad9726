package site

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Checks are the health checks of mod_proxy_hcheck, of each member of a balancer.
// None of them is in the way of a request.
type Checks struct {
	Method   string        // hcmethod: "TCP" for a connection alone, "OPTIONS", "HEAD", "GET"; "" for no checks
	Interval time.Duration // hcinterval: between two; 30s by default, more or less by a tenth
	Passes   int           // hcpasses: that bring a member back; 1 by default
	Fails    int           // hcfails: that take it out of service; 1 by default
	URI      string        // hcuri: what is asked for; "/" by default
	Expr     Expr          // hcexpr: what passes; any status from 200 to 399 by default
}

// Expr is what an answer must be to pass: of httpd's expressions the two that
// health checks are written with, "%{REQUEST_STATUS} =~ /^[234]/" and
// "hc('body') =~ /ready/", or with !~. Its regular expression is one that Go and
// PCRE read alike.
type Expr string

var checkMethods = []string{"TCP", "OPTIONS", "HEAD", "GET"}

func defaultChecks() Checks {
	return Checks{Interval: 30 * time.Second, Passes: 1, Fails: 1, URI: "/"}
}

var exprForm = regexp.MustCompile(`^(%\{REQUEST_STATUS\}|hc\('body'\)) (=~|!~) /([ -.0-~]+)/$`)

// Parts takes the expression apart: whether it looks at the body rather than at
// the status, whether a match fails, and what is matched.
func (e Expr) Parts() (body, not bool, match *regexp.Regexp) {
	m := exprForm.FindStringSubmatch(string(e))
	if m == nil {
		return false, false, nil
	}
	match, _ = regexp.Compile(m[3])
	return m[1] == "hc('body')", m[2] == "!~", match
}

// checkKeys are the words of c.
func (r *reader) checkKeys(c *Checks) map[string]func(field) {
	return map[string]func(field){
		"hcmethod": func(f field) {
			c.Method = r.checked(f, func(s string) *problem {
				if !slices.Contains(checkMethods, s) {
					return wrong(didYouMean(s, checkMethods), "unknown hcmethod %q", s)
				}
				return nil
			})
		},
		"hcinterval": func(f field) { c.Interval = r.duration(f, 10*time.Millisecond) },
		"hcpasses":   func(f field) { c.Passes = r.count(f, 1, 1000) },
		"hcfails":    func(f field) { c.Fails = r.count(f, 1, 1000) },
		"hcuri":      func(f field) { c.URI = r.checked(f, checkURI) },
		"hcexpr":     func(f field) { c.Expr = Expr(r.checked(f, checkExpr)) },
	}
}

func checkURI(s string) *problem {
	path, query, _ := strings.Cut(s, "?")
	if p := urlPath(path); p != nil {
		return p
	}
	if strings.Trim(path, "/") == "" && strings.Contains(path, "//") || strings.ContainsFunc(s, func(r rune) bool { return r >= 0x7f }) {
		return wrong(`"/health", "/health?from=proxy"`, "%q is not a path", s)
	}
	if strings.ContainsFunc(query, func(r rune) bool { return r != '?' && !pathRune(r) }) {
		return wrong(`"/health?from=proxy"`, "%q has a query with a character that needs escaping", s)
	}
	return nil
}

func checkExpr(s string) *problem {
	const hint = `"%{REQUEST_STATUS} =~ /^[23]/" or "hc('body') =~ /ready/", or with !~`
	m := exprForm.FindStringSubmatch(s)
	if m == nil || strings.ContainsAny(m[3], `"}`) || strings.Contains(m[3], "${") || strings.HasSuffix(m[3], `\`) {
		return wrong(hint, "%q is not an expression that is understood", s)
	}
	if _, err := regexp.Compile(m[3]); err != nil {
		return wrong(hint, "%q: %v", s, err)
	}
	return nil
}

// ChecksOf are the checks of a member, by its index: its own, or the balancer's.
func (b *Balancer) ChecksOf(member int) *Checks {
	if own := &b.Members[member].Checks; own.Method != "" {
		return own
	}
	return &b.Checks
}

// Checked says whether any member has checks.
func (b *Balancer) Checked() bool {
	return b.Checks.Method != "" || slices.ContainsFunc(b.Members, func(m Member) bool { return m.Checks.Method != "" })
}

// ownChecks puts in what a member does not say of its checks, where it says
// something.
func (r *reader) ownChecks(place string, b *Balancer, c *Checks) {
	said := *c
	*c = b.Checks
	some := false
	for _, w := range []struct {
		key  string
		take func()
	}{
		{"hcmethod", func() { c.Method = said.Method }},
		{"hcinterval", func() { c.Interval = said.Interval }},
		{"hcpasses", func() { c.Passes = said.Passes }},
		{"hcfails", func() { c.Fails = said.Fails }},
		{"hcuri", func() { c.URI = said.URI }},
		{"hcexpr", func() { c.Expr = said.Expr }},
	} {
		if _, ok := r.lines[place+"."+w.key]; ok {
			w.take()
			some = true
		}
	}
	if !some {
		*c = Checks{}
		return
	}
	if c.Method == "TCP" && b.Checks.Method != "TCP" { // what it would ask for is not its own
		if _, ok := r.lines[place+".hcuri"]; !ok {
			c.URI = "/"
		}
		if _, ok := r.lines[place+".hcexpr"]; !ok {
			c.Expr = ""
		}
	}
	r.checksAlone(place, c)
}

// checksAlone finds words of checks that say nothing.
func (r *reader) checksAlone(place string, c *Checks) {
	for _, key := range []string{"hcinterval", "hcpasses", "hcfails", "hcuri", "hcexpr"} {
		if _, ok := r.lines[place+"."+key]; ok && c.Method == "" && r.clean(place+".hcmethod") {
			r.add(r.at(place+"."+key), wrong("add \"hcmethod: GET\"", "says nothing without hcmethod"))
		}
	}
	for _, key := range []string{"hcuri", "hcexpr"} {
		if _, ok := r.lines[place+"."+key]; ok && c.Method == "TCP" {
			r.add(r.at(place+"."+key), wrong("\"hcmethod: GET\" asks for something", "says nothing with hcmethod TCP"))
		}
	}
	if body, _, _ := c.Expr.Parts(); body && c.Method != "GET" && c.Method != "TCP" && c.Method != "" {
		r.add(r.at(place+".hcexpr"), wrong("add \"hcmethod: GET\"", "%s has no body to look at", c.Method))
	}
}

// writeChecks indents by as much.
func writeChecks(to func(string, ...any), indent string, c *Checks) {
	if c.Method == "" {
		return
	}
	line := func(format string, args ...any) { to(indent+format, args...) }
	line("hcmethod: %s", c.Method)
	line("hcinterval: %s", brief(c.Interval))
	line("hcpasses: %d", c.Passes)
	line("hcfails: %d", c.Fails)
	if c.Method != "TCP" {
		line("hcuri: %s", scalar(c.URI))
		if c.Expr != "" {
			line("hcexpr: %s", scalar(string(c.Expr)))
		}
	}
}
