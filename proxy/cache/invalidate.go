package cache

import (
	"net/url"

	"proxylab/proxy/message"
)

// Invalidates says whether the response to q makes stored responses void (RFC
// 9111 §4.4): a method that may have changed something, and no error.
func Invalidates(q *Request, status int) bool {
	switch q.kind {
	case getMethod, headMethod, otherSafe:
		return false
	}
	return 200 <= status && status < 400
}

// Invalidated shows the keys whose responses are void after a response to q for
// which Invalidates is true: the target's, and those of Location and
// Content-Location where they are of the same origin. key lives as long as the
// call of see.
func Invalidated(q *Request, res message.Fields, see func(key []byte)) {
	target := q.AppendKey(nil)
	see(target)
	for i := range res {
		if k := res[i].Known; k != message.Location && k != message.ContentLocation {
			continue
		}
		if key, ok := q.resolve(res[i].Value); ok && string(key) != string(target) {
			see(key)
		}
	}
}

// resolve makes the key of a URI reference that a response to q has. ok is false
// for another origin (RFC 9110 §4.3.1), and for what is no reference.
func (q *Request) resolve(reference []byte) (key []byte, ok bool) {
	ref, err := url.Parse(string(reference))
	if err != nil || ref.User != nil {
		return nil, false
	}
	base := &url.URL{Scheme: "http", Host: string(q.Host), Path: "/"}
	if path, err := url.ParseRequestURI(string(q.Path)); err == nil {
		base.Path, base.RawPath = path.Path, path.RawPath
	}
	if len(q.Query) > 0 {
		base.RawQuery, base.ForceQuery = string(q.Query[1:]), len(q.Query) == 1
	}
	u := base.ResolveReference(ref)
	if u.Scheme != "http" || string(appendHost(nil, []byte(u.Host))) != string(appendHost(nil, q.Host)) {
		return nil, false
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	query := u.RawQuery
	if query != "" || u.ForceQuery {
		query = "?" + query
	}
	return appendKey(nil, q.Host, []byte(path), []byte(query)), true
}
