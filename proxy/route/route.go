// Package route is ProxyPass: which balancer a request's path belongs to, and
// what path it has there.
//
//	t := route.New([]route.Rule{
//		{Path: "/private", Exclude: true},
//		{Path: "/app", Balancer: 1, Prefix: "/v2"},
//		{Path: "/"},
//	})
//	rule, rest := t.Match([]byte("/app/list")) // rule.Balancer 1, rest "/list"
//	forwarded := rule.Prefix + string(rest)    // "/v2/list"
//
// Rules are tried in order and the first match wins, as with ProxyPass lines in
// a configuration file; therefore exclusions stand before what they exclude
// (mod_proxy, ProxyPass, "Ordering ProxyPass Directives").
//
// # What matches
//
// A rule matches whole segments: "/a" matches "/a" and "/a/b", never "/ab"; so
// does "/a/". "/" matches everything. The comparison is that of mod_proxy's
// ap_proxy_trans_match and alias_match: on the decoded path ("/%61" is "/a"), with
// several slashes as good as one. Rule.Path is written decoded.
//
// An excluded path must not be reached by another spelling, so to an exclusion
// an escaped slash (%2F) or backslash is a slash, and what follows a ";" in a
// segment is no part of it, as in servlet containers ("/private;x" is "/private"
// there). Other rules take them for plain bytes of their segment.
//
// A path with a dot segment ("." or "..", also as %2e, between escaped slashes or
// with a ";" behind) matches nothing: two readers could take it for different
// paths. Clients remove dot segments before they send (RFC 3986 §5.2.4). Nor does
// a path with an escaped NUL, where some readers end the path (httpd answers 404
// too).
//
// # What is forwarded
//
// The forwarded path is Rule.Prefix followed by rest, with exactly one slash
// between: New cuts slashes off the end of Prefix, and rest begins with one
// slash or is empty. Rest is empty only where the path is the rule's own and
// Prefix is not empty: "/app" becomes "/v2", as in mod_proxy. Bytes of rest are
// those of the client: nothing in it is decoded, and only its leading slashes
// are merged. This is why "/app" to "balancer://x/v2/" does not make "/v2//list"
// here, as it does in httpd when one side of a ProxyPass lacks its slash.
package route

import (
	"bytes"
	"strings"
)

// Rule is a ProxyPass line.
type Rule struct {
	Path     string // decoded, begins with "/"
	Balancer int    // index of the balancer to forward to
	Prefix   string // what replaces Path: "" or a path that begins with "/"
	Exclude  bool   // ProxyPass "!": the path is not forwarded
}

// Table holds rules in their order. It is safe for concurrent use.
type Table struct {
	entries []entry
}

type entry struct {
	rule Rule
	want string // Path without slashes at its end, and with single ones in it
}

// New makes a table. The rules are copied; the copies have a Prefix without
// slashes at its end.
func New(rules []Rule) *Table {
	t := &Table{entries: make([]entry, len(rules))}
	for i, r := range rules {
		r.Prefix = strings.TrimRight(r.Prefix, "/")
		t.entries[i] = entry{rule: r, want: strings.TrimRight(mergeSlashes(r.Path), "/")}
	}
	return t
}

func mergeSlashes(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

var slash = []byte("/")

// Match finds the first rule for path, the path of a request-target without its
// query, and what follows the matched prefix. It returns nil where none
// matches. rest points into path and lives as long; it does not allocate.
func (t *Table) Match(path []byte) (rule *Rule, rest []byte) {
	if len(path) == 0 || path[0] != '/' || isAmbiguous(path) {
		return nil, nil
	}
	plain := isPlain(path)
	for i := range t.entries {
		e := &t.entries[i]
		end := e.matchPlain(path)
		if end < 0 && !plain {
			end = e.matchDecoded(path)
		}
		if end >= 0 {
			return &e.rule, e.rest(path[end:])
		}
	}
	return nil, nil
}

// rest makes what follows the matched prefix begin with one slash.
func (e *entry) rest(after []byte) []byte {
	for len(after) > 1 && after[0] == '/' && after[1] == '/' {
		after = after[1:]
	}
	if len(after) == 0 && e.rule.Prefix == "" {
		return slash // an absolute path has at least that (RFC 9110 §4.2.1)
	}
	return after
}

// matchPlain returns where the matched prefix ends in path, or -1. It compares
// bytes and so knows one spelling only.
func (e *entry) matchPlain(path []byte) int {
	n := len(e.want)
	if len(path) < n || string(path[:n]) != e.want {
		return -1
	}
	if len(path) > n && path[n] != '/' {
		return -1
	}
	return n
}

// matchDecoded is matchPlain for every spelling of the same path.
func (e *entry) matchDecoded(path []byte) int {
	i := 0
	for j := 0; j < len(e.want); j++ {
		if e.want[j] == '/' {
			n := e.slashes(path[i:])
			if n == 0 {
				return -1
			}
			i += n
			continue
		}
		c, n := decode(path[i:])
		if n == 0 || c != e.want[j] {
			return -1
		}
		i += n
	}
	if i < len(path) && e.slashes(path[i:]) == 0 {
		return -1
	}
	return i
}

// slashes counts the bytes at the start of p that spell slashes; to an exclusion
// with the parameters of the segment before.
func (e *entry) slashes(p []byte) int {
	n := 0
	if e.rule.Exclude && len(p) > 0 && p[0] == ';' {
		n = len(p)
		for i := range p {
			if c, _ := decode(p[i:]); isSeparator(c) {
				n = i
				break
			}
		}
	}
	for n < len(p) {
		c, w := decode(p[n:])
		if c != '/' && !(e.rule.Exclude && isSeparator(c)) || w > 1 && !e.rule.Exclude {
			break
		}
		n += w
	}
	return n
}

// isPlain says that path has one spelling: no escapes, no empty segments, no
// parameters.
func isPlain(path []byte) bool {
	return bytes.IndexByte(path, '%') < 0 && bytes.IndexByte(path, ';') < 0 && !bytes.Contains(path, []byte("//"))
}

// isSeparator says whether some origin server may end a segment at c.
func isSeparator(c byte) bool { return c == '/' || c == '\\' }

// isAmbiguous finds a segment "." or ".." in any spelling that an origin server
// may read so, and an escaped NUL.
func isAmbiguous(path []byte) bool {
	if bytes.IndexByte(path, '.') < 0 && bytes.IndexByte(path, '%') < 0 {
		return false
	}
	dots, other, parameters := 0, false, false
	for i := 0; i < len(path); {
		c, n := decode(path[i:])
		i += n
		switch {
		case c == 0:
			return true
		case isSeparator(c):
			if isDots(dots, other) {
				return true
			}
			dots, other, parameters = 0, false, false
		case parameters:
		case c == ';':
			parameters = true
		case c == '.':
			dots++
		default:
			other = true
		}
	}
	return isDots(dots, other)
}

func isDots(dots int, other bool) bool {
	return !other && (dots == 1 || dots == 2)
}

// decode reads one byte of a path, escaped or not, and says how many bytes
// spell it; 0 at the end. A percent sign that begins no escape is itself.
func decode(p []byte) (c byte, n int) {
	if len(p) == 0 {
		return 0, 0
	}
	if p[0] != '%' || len(p) < 3 {
		return p[0], 1
	}
	hi, lo := unhex(p[1]), unhex(p[2])
	if hi < 0 || lo < 0 {
		return p[0], 1
	}
	return byte(hi<<4 | lo), 3
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
