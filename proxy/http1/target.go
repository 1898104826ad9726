package http1

import (
	"bytes"
	"net/netip"

	"proxylab/proxy/message"
)

// Form is one of the four forms of a request target (RFC 9112 §3.2).
type Form uint8

// The forms.
const (
	Origin    Form = iota // /path?query
	Absolute              // http://host/path?query
	Authority             // host:port, of CONNECT
	Asterisk              // *, of OPTIONS; also http://host, of OPTIONS
)

// Target is a request target taken apart.
type Target struct {
	Form      Form
	Authority []byte // of the absolute and the authority form, and of OPTIONS http://host
	Path      []byte // begins with "/", but for the authority and asterisk forms
	Query     []byte // with its question mark; empty without
}

// parseTarget reads a target in the form that the method asks for.
func parseTarget(method, b []byte) (Target, error) {
	switch {
	case len(b) == 0:
		return Target{}, errTarget
	case string(method) == "CONNECT":
		if !validAuthority(b) || bytes.IndexByte(b, ':') < 0 {
			return Target{}, errTarget
		}
		return Target{Form: Authority, Authority: b}, nil
	case b[0] == '/':
		return originForm(Target{}, b)
	case len(b) == 1 && b[0] == '*':
		if string(method) != "OPTIONS" {
			return Target{}, errTarget
		}
		return Target{Form: Asterisk, Path: b}, nil
	}
	t, err := absoluteForm(b)
	if err == nil && string(method) == "OPTIONS" && b[len(b)-1] != '/' && len(t.Path)+len(t.Query) == 1 {
		t.Form, t.Path = Asterisk, asterisk // of the server as a whole (RFC 9112 §3.2.4)
	}
	return t, err
}

var (
	rootPath = []byte("/")
	asterisk = []byte("*")
)

// absoluteForm reads http://host/path; no other scheme is served here.
func absoluteForm(b []byte) (Target, error) {
	const scheme = "http://"
	if len(b) < len(scheme) || !message.EqualFold(b[:len(scheme)], scheme) {
		return Target{}, errTarget
	}
	b = b[len(scheme):]
	end := bytes.IndexAny(b, "/?")
	if end < 0 {
		end = len(b)
	}
	t := Target{Form: Absolute, Authority: b[:end:end]}
	if !validAuthority(t.Authority) {
		return Target{}, errTarget
	}
	if b = b[end:]; len(b) == 0 {
		t.Path = rootPath
		return t, nil
	}
	if b[0] == '?' {
		t, err := originForm(t, b)
		t.Path = rootPath
		return t, err
	}
	return originForm(t, b)
}

// originForm divides path and query and looks at their bytes.
func originForm(t Target, b []byte) (Target, error) {
	t.Path = b
	if i := bytes.IndexByte(b, '?'); i >= 0 {
		t.Path, t.Query = b[:i:i], b[i:]
	}
	if !all(t.Path, inPath) || !escapesValid(t.Path) || !all(t.Query, inQuery) {
		return Target{}, errTarget
	}
	return t, nil
}

// validAuthority says whether b is a host that is not empty, with or without a
// port and without user information (RFC 9110 §4.2.1, §4.2.4).
//
// RFC 3986 §3.2.2 lets more stand in a host than the names and addresses that
// there are: escapes, commas, quotes, addresses of versions to come. Who decodes
// such a host, or splits it, sees another than who does not, and one of them may
// have chosen by it whose request this is. So it is refused, as by httpd.
func validAuthority(b []byte) bool {
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		return end > 0 && isIPv6(b[1:end]) && validPort(b[end+1:])
	}
	end := bytes.IndexByte(b, ':')
	if end < 0 {
		end = len(b)
	}
	return end > 0 && all(b[:end], inHost) && validPort(b[end:])
}

// isIPv6 wants an address without a zone, which has a meaning on one machine only
// (RFC 6874 §4).
func isIPv6(b []byte) bool {
	if len(b) > len("0000:0000:0000:0000:0000:ffff:255.255.255.255") {
		return false
	}
	a, err := netip.ParseAddr(string(b))
	return err == nil && a.Is6() && a.Zone() == ""
}

// validPort wants nothing, or a colon and a port; none may stand behind it (RFC
// 3986 §3.2.3).
func validPort(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	port := 0
	for _, c := range b[1:] {
		if !isDigit(c) || port > 65535 {
			return false
		}
		port = port*10 + int(c-'0')
	}
	return b[0] == ':' && port <= 65535
}
