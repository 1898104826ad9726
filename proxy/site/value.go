package site

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Each function here knows the rule of one kind of value. What passes is safe
// to write into a configuration file of httpd: no quote, backslash, white space
// or "${" gets through, except in the name of the log file.

func listenAddress(s string) *problem {
	const hint = `host:port, an address alone before the colon or nothing: ":8080", "127.0.0.1:8080"`
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return wrong(hint, "%q is not host:port", s)
	}
	if p := portNumber(port, 0); p != nil {
		return p
	}
	if host != "" && !isHost(host) {
		return wrong(hint, "%q is no host name or address", host)
	}
	return nil
}

func portNumber(s string, least int) *problem {
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > 65535 || strconv.Itoa(n) != s {
		return wrong("", "port %q is not a number between %d and 65535", s, least)
	}
	return nil
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)

// isHost takes an address, or a name of letters, digits, "-" and "_" that no
// resolver could read as a malformed address (its last label has a letter).
func isHost(s string) bool {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Zone() == ""
	}
	last := s[strings.LastIndexByte(s, '.')+1:]
	return len(s) <= 253 && hostName.MatchString(s) && strings.Trim(last, "0123456789") != ""
}

// memberURL gives the URL in its one spelling: http://host:port.
func memberURL(s string) (string, *problem) {
	const hint = "http://host:port, and no more"
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || u.Scheme == "" {
		return s, wrong(hint, "%q is not a URL", s)
	}
	switch {
	case u.Scheme == "https":
		return s, wrong("TLS to origin servers is not supported by this version", "%q: scheme is not http", s)
	case u.Scheme != "http":
		return s, wrong(hint, "%q: scheme is not http", s)
	case u.User != nil:
		return s, wrong(hint, "the URL has a user name")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return s, wrong(hint, "%q has a query or fragment", s)
	case u.Path != "":
		return s, wrong("leave the path out; a route's \"to\" may have one: balancer://name/path", "%q has a path", s)
	case !isHost(u.Hostname()):
		return s, wrong(hint, "%q has no valid host", s)
	}
	port := u.Port()
	switch {
	case port == "" && strings.HasSuffix(u.Host, ":"):
		return s, wrong(hint, "%q has an empty port", s)
	case port == "":
		port = "80" // RFC 9110 §4.2.1
	}
	if p := portNumber(port, 1); p != nil {
		return s, p
	}
	return "http://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port), nil
}

var balancerWord = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)

// balancerName keeps to lower case: httpd compares balancer names without
// regard to case (ap_proxy_define_balancer), so two spellings would be one.
func balancerName(s string) *problem {
	if !balancerWord.MatchString(s) || len(s) > 63 {
		return wrong(`up to 63 lower-case letters, digits, ".", "-" and "_"`, "%q is not a balancer's name", s)
	}
	return nil
}

var routeWord = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// routeName has no dot: in a session id the route stands behind one.
func routeName(s string) *problem {
	if !routeWord.MatchString(s) || len(s) > 63 {
		return wrong(`up to 63 letters, digits, "-" and "_"; leave it out for none`, "%q is not a route", s)
	}
	return nil
}

// urlPath takes a decoded absolute path.
func urlPath(s string) *problem {
	const hint = `a path as httpd compares it, decoded and without query: "/", "/app"`
	if !strings.HasPrefix(s, "/") {
		return wrong(hint, "%q does not begin with %q", s, "/")
	}
	if len(s) > 255 {
		return wrong(hint, "a path of %d bytes is longer than 255", len(s))
	}
	for _, r := range s {
		if !pathRune(r) {
			return wrong(hint, "%q has %q in it", s, r)
		}
	}
	for segment := range strings.SplitSeq(s, "/") {
		if segment == "." || segment == ".." {
			return wrong(hint, "%q has the segment %q", s, segment)
		}
	}
	return nil
}

// pathRune says whether r is a pchar (RFC 3986 §3.3) or slash that need not be
// escaped, or a letter beyond ASCII, which a client will send escaped.
func pathRune(r rune) bool {
	if r >= utf8.RuneSelf {
		return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r))
	}
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		strings.ContainsRune("/-._~!$&'()*+,;=:@", r)
}

const balancerScheme = "balancer://"

// routeTarget splits balancer://name/path.
func routeTarget(s string) (name, path string, p *problem) {
	const hint = `"balancer://name", "balancer://name/path", or "!" to exclude the path`
	rest, ok := strings.CutPrefix(s, balancerScheme)
	if !ok {
		return "", "", wrong(hint, "%q is not a balancer", s)
	}
	name, path = rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		name, path = rest[:i], rest[i:]
	}
	if p := balancerName(name); p != nil {
		return name, path, p
	}
	if path == "" {
		return name, path, nil
	}
	// The path is forwarded as it stands, and on the wire there is ASCII alone.
	if i := strings.IndexFunc(path, func(r rune) bool { return r >= utf8.RuneSelf }); i >= 0 {
		return name, path, wrong(hint, "%q is not ASCII", path)
	}
	return name, path, urlPath(path)
}

// network takes an address, or a network whose address has no bits beyond its
// length.
func network(s string) (netip.Prefix, *problem) {
	const hint = `"10.0.0.1", "10.0.0.0/8", "fd00::/8"`
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" && !a.Is4In6() {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	n, err := netip.ParsePrefix(s)
	switch {
	case err != nil || n.Addr().Is4In6():
		return n, wrong(hint, "%q is neither an address nor a network", s)
	case n.Masked() != n:
		return n, wrong(fmt.Sprintf("%q is the whole network", n.Masked()), "%q has bits beyond its length", s)
	}
	return n, nil
}

var protocolWord = regexp.MustCompile(`^[A-Za-z0-9._-]{1,63}$`)

// protocol names what an upgrade may change to. HTTP/2 is none of them: inside
// such a tunnel requests would pass by every route and limit.
func protocol(s string) *problem {
	switch {
	case strings.EqualFold(s, "any"):
		return wrong(`name it: "websocket"`, "%q would let any protocol pass", s)
	case strings.EqualFold(s, "h2c"):
		return wrong("leave it out", "in %q requests would pass by all routes and limits", s)
	case !protocolWord.MatchString(s):
		return wrong(`"websocket"`, "%q is not a protocol's name", s)
	}
	return nil
}

func fileName(s string) *problem {
	if s == "" {
		return wrong("leave it out for none", "the file has no name")
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return wrong("", "%q has a control character in it", s)
	}
	return nil
}

func duration(s string, least, most time.Duration) (time.Duration, *problem) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, wrong(`a number with its unit: "500ms", "5s", "2m"`, "%q is not a duration", s)
	}
	if d < least || d > most {
		return 0, wrong("", "%s is not between %s and %s", s, brief(least), brief(most))
	}
	return d, nil
}

// brief writes a duration without parts that are zero: 24h for 24h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

var units = []struct {
	name  string
	bytes int
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// size reads "64KiB".
func size(s string, least, most int) (int, *problem) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(digits))
		if err != nil || n < 0 || n > most || n > math.MaxInt/u.bytes {
			break
		}
		return n * u.bytes, between(n*u.bytes, least, most, writeSize)
	}
	return 0, wrong(`a whole number with its unit: "512B", "64KiB", "1MiB"`, "%q is not a size up to %s", s, writeSize(most))
}

func writeSize(n int) string {
	for _, u := range units {
		if n%u.bytes == 0 && n > 0 {
			return strconv.Itoa(n/u.bytes) + u.name
		}
	}
	return "0B"
}

func between(n, least, most int, write func(int) string) *problem {
	if n < least || n > most {
		return wrong("", "%s is not between %s and %s", write(n), write(least), write(most))
	}
	return nil
}

func loadFactor(f float64) *problem {
	if !(f >= 1 && f <= 100) {
		return wrong("leave it out for 1, the default", "%s is not between 1 and 100", writeFloat(f))
	}
	return nil
}

func writeFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func lbMethod(s string) *problem {
	if slices.Contains(lbMethods, s) {
		return nil
	}
	if slices.Contains(laterMethods, s) {
		return wrong("supported are "+quoteAll(lbMethods), "lbmethod %q is not supported by this version", s)
	}
	return wrong(didYouMean(s, lbMethods), "unknown lbmethod %q", s)
}

// resend is about methods: the idempotent ones (RFC 9110 §9.2.2), the safe ones
// (§9.2.1), or none.
func resend(s string) *problem {
	words := []string{"idempotent", "safe", "never"}
	if !slices.Contains(words, s) {
		return wrong(didYouMean(s, words), "unknown word %q", s)
	}
	return nil
}

func didYouMean(s string, words []string) string {
	if w := nearest(s, words); w != "" {
		return fmt.Sprintf("did you mean %q?", w)
	}
	return "known are " + quoteAll(words)
}
