package http1

import (
	"bytes"

	"proxylab/proxy/message"
)

// Form is one of the four forms of a request target (RFC 9112 §3.2).
type Form uint8

// The forms.
const (
	Origin    Form = iota // /path?query
	Absolute              // http://host/path?query
	Authority             // host:port, of CONNECT
	Asterisk              // *, of OPTIONS
)

// Target is a request target taken apart.
type Target struct {
	Form      Form
	Authority []byte // of the absolute and the authority form
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
	return absoluteForm(b)
}

var rootPath = []byte("/")

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
// port and without user information (RFC 9110 §4.2.1, §4.2.4, RFC 3986 §3.2).
func validAuthority(b []byte) bool {
	host, port := b, []byte(nil)
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 3 {
			return false
		}
		for _, c := range b[1:end] {
			if class[c]&isHexDig == 0 && c != ':' && c != '.' {
				return false
			}
		}
		if port = b[end+1:]; len(port) > 0 && port[0] != ':' {
			return false
		}
	} else {
		if i := bytes.IndexByte(b, ':'); i >= 0 {
			host, port = b[:i], b[i:]
		}
		if len(host) == 0 || !all(host, inHost) || !escapesValid(host) {
			return false
		}
	}
	if len(port) > len(":65535") {
		return false
	}
	for i, c := range port {
		if i > 0 && !isDigit(c) {
			return false
		}
	}
	return true
}
