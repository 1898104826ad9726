package proxy

import (
	"bytes"

	"github.com/cespare/xxhash/v2"

	"proxylab/proxy/message"
)

// introduce tells the balancer what it wants to know of the request.
func (x *exchange) introduce() {
	b := &x.group.site
	if b.Sessions.Cookie != "" {
		x.ask.Route = x.sessionRoute()
	}
	if x.group.balancer.Keyed() {
		x.hashKey(x.group.hashOn, x.group.hashName)
	}
}

// sessionRoute finds the route in the session's id: find_session_route of
// mod_proxy_balancer.c. The path goes before the cookie.
func (x *exchange) sessionRoute() []byte {
	s := &x.group.site.Sessions
	id := parameter(x.req.Target.Path, s.Parameter, s.Delimiter)
	if id == nil {
		id = parameter(x.req.Target.Query, s.Parameter, s.Delimiter)
	}
	if id == nil {
		id = cookie(x.req.Fields, s.Cookie)
	}
	if s.Separator == "" {
		return id
	}
	if i := bytes.IndexByte(id, s.Separator[0]); i >= 0 {
		return id[i+1:]
	}
	return nil
}

// parameter finds name=value behind ";", "?" or "&" in a part of a target. The
// value ends before "?" or "&", and before ";" where semicolon says so.
func parameter(target []byte, name string, semicolon bool) []byte {
	ends := "?&"
	if semicolon {
		ends = ";?&"
	}
	for rest := target; ; {
		i := bytes.IndexAny(rest, ";?&")
		if i < 0 {
			return nil
		}
		rest = rest[i+1:]
		if value, ok := cutName(rest, name); ok && len(value) > 0 {
			if end := bytes.IndexAny(value, ends); end >= 0 {
				value = value[:end]
			}
			return value
		}
	}
}

// cutName cuts "name=" off the front.
func cutName(b []byte, name string) ([]byte, bool) {
	if len(b) <= len(name) || string(b[:len(name)]) != name || b[len(name)] != '=' {
		return nil, false
	}
	return b[len(name)+1:], true
}

// cookie finds a cookie's value (RFC 6265 §4.2.1); nil for none.
func cookie(fields message.Fields, name string) []byte {
	for i := range fields {
		if fields[i].Known != message.Cookie {
			continue
		}
		for rest := fields[i].Value; len(rest) > 0; {
			var pair []byte
			pair, rest, _ = bytes.Cut(rest, []byte{';'})
			if value, ok := cutName(bytes.TrimLeft(pair, " \t"), name); ok && len(value) > 0 {
				return bytes.TrimRight(value, " \t")
			}
		}
	}
	return nil
}

// hashKey makes the key of what the Site hashes on. A request without it has none.
func (x *exchange) hashKey(on, name string) {
	var of []byte
	switch on {
	case "client":
		of = x.c.client
	case "uri":
		of = x.req.Target.Path
	case "cookie":
		of = cookie(x.req.Fields, name)
	case "header":
		for i := range x.req.Fields {
			if message.EqualFold(x.req.Fields[i].Name, name) {
				of = x.req.Fields[i].Value
				break
			}
		}
	}
	if x.ask.Keyed = len(of) > 0; x.ask.Keyed {
		x.ask.Key = xxhash.Sum64(of)
	}
}
