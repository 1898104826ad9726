package cache

import (
	"bytes"
	"errors"
	"strings"

	"proxylab/proxy/message"
)

// AppendKey writes the key that responses are found by: the target URI (RFC 9111
// §2), byte for byte as the origin server gets it. Nothing is decoded and no dots
// are removed: the origin might tell such paths apart. Only what RFC 9110 §4.2.3
// says to mean the same is made the same: the case of the host, and port 80.
//
// The method is no part of it, since only what answers a GET is stored, nor are
// the Site's key fields and cookies, which tell the responses of one key apart as
// Vary does: so whoever invalidates a URI finds all of them.
func (q *Request) AppendKey(dst []byte) []byte {
	return appendKey(dst, q.Host, q.Path, q.Query)
}

func appendKey(dst, host, path, query []byte) []byte {
	dst = append(dst, "http://"...)
	dst = appendHost(dst, host)
	dst = append(dst, path...)
	return append(dst, query...)
}

// ErrURL says that a text is no URL that a key is made of.
var ErrURL = errors.New("not an absolute URL: http://host/path, with no fragment and no space")

// AppendURL writes the key of a URL that somebody wrote down: that of a request
// for it. What a fragment, a user or another scheme would mean is nothing here.
func (p *Policy) AppendURL(dst []byte, url string) ([]byte, error) {
	host, rest, err := cutURL(url)
	if err != nil || host == "" || strings.ContainsRune(host, '@') {
		return dst, ErrURL
	}
	path, query := rest, ""
	if i := strings.IndexByte(rest, '?'); i >= 0 {
		path, query = rest[:i], rest[i:]
	}
	if path == "" {
		path = "/"
	}
	return appendKey(dst, []byte(host), []byte(path), p.AppendQuery(nil, []byte(query))), nil
}

// AppendPrefix writes what the keys of all URLs begin with that begin with the
// given text. http:// is the beginning of all of them. The default port is left out, as
// in keys: http://host:80 is what begins with http://host/ (and is no beginning of
// http://host:8080/).
func AppendPrefix(dst []byte, prefix string) ([]byte, error) {
	host, rest, err := cutURL(prefix)
	if err != nil || strings.ContainsRune(host, '@') {
		return dst, ErrURL
	}
	if rest == "" && strings.HasSuffix(host, ":80") {
		rest = "/"
	}
	if rest == "" { // it may go on: "exam", or a port
		return append(dst, "http://"+strings.ToLower(host)...), nil
	}
	return appendKey(dst, []byte(host), []byte(rest), nil), nil
}

// cutURL takes the authority off an absolute URL.
func cutURL(url string) (host, rest string, err error) {
	const scheme = "http://"
	if len(url) < len(scheme) || !strings.EqualFold(url[:len(scheme)], scheme) {
		return "", "", ErrURL
	}
	for i := range len(url) {
		if url[i] <= ' ' || url[i] == 0x7f || url[i] == '#' {
			return "", "", ErrURL
		}
	}
	host = url[len(scheme):]
	if i := strings.IndexAny(host, "/?"); i >= 0 {
		host, rest = host[:i], host[i:]
	}
	return host, rest, nil
}

// appendHost writes an authority in lower case and without the default port.
func appendHost(dst, host []byte) []byte {
	host = bytes.TrimSuffix(host, []byte(":"))
	host = bytes.TrimSuffix(host, []byte(":80"))
	for _, c := range host {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// AppendQuery writes a query without the parameters that the Site ignores. The
// origin server has to get the same query: a parameter that it sees and the key
// does not could change what others get. One with a semicolon in it stays, since
// some origins end a parameter there.
func (p *Policy) AppendQuery(dst, query []byte) []byte {
	if len(p.IgnoreParams) == 0 || len(query) == 0 {
		return append(dst, query...)
	}
	first := true
	for rest, more := query[1:], true; more; {
		var param []byte
		param, rest, more = bytes.Cut(rest, []byte("&"))
		if p.ignores(param) {
			continue
		}
		if first {
			dst = append(dst, '?')
		} else {
			dst = append(dst, '&')
		}
		dst = append(dst, param...)
		first = false
	}
	return dst
}

func (p *Policy) ignores(param []byte) bool {
	name, _, _ := bytes.Cut(param, []byte("="))
	if bytes.IndexByte(param, ';') >= 0 {
		return false
	}
	for _, s := range p.IgnoreParams {
		if start, any := cutStar(s); any && hasPrefix(name, start) || string(name) == s {
			return true
		}
	}
	return false
}

func cutStar(s string) (start string, star bool) {
	if n := len(s) - 1; n >= 0 && s[n] == '*' {
		return s[:n], true
	}
	return s, false
}

// appendSecond writes the values of the Site's key fields and cookies. Each is
// preceded by its length, so that no two requests can write the same otherwise
// than by having the same.
func (p *Policy) appendSecond(dst []byte, fields message.Fields) []byte {
	for _, name := range p.KeyFields {
		n := 0
		for i := range fields {
			if message.EqualFold(fields[i].Name, name) {
				dst = appendSized(dst, fields[i].Value)
				n++
			}
		}
		dst = append(dst, byte(min(n, 255)), '\n')
	}
	for _, name := range p.KeyCookies {
		n := 0
		eachCookie(fields, name, func(value []byte) {
			dst = appendSized(dst, value)
			n++
		})
		dst = append(dst, byte(min(n, 255)), '\n')
	}
	return dst
}

func appendSized(dst, b []byte) []byte {
	n := len(b)
	dst = append(dst, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	return append(dst, b...)
}
