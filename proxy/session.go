package proxy

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/cespare/xxhash/v2"

	"proxylab/proxy/message"
)

// introduce tells the balancer what it wants to know of the request.
func (x *exchange) introduce() {
	b := &x.group.site
	switch {
	case b.Sessions.Cookie != "":
		x.ask.Route = x.sessionRoute()
	case b.Sessions.Own != "":
		x.home = x.group.tokens[string(cookie(x.req.Fields, b.Sessions.Own))]
		x.ask.Home = x.home
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

// passingKey is the secret of sessions where the Site has none. It lives as long as
// the process: a restart begins all sessions anew.
var passingKey = sync.OnceValue(func() []byte {
	key := make([]byte, leastKey)
	rand.Read(key) // never fails
	return key
})

const (
	leastKey = 32 // bytes: as many as HMAC-SHA256 gives
	mostKey  = 4096
)

// sessionKey is the secret that values of our own cookies are made with.
func sessionKey(file string) ([]byte, error) {
	if file == "" {
		return passingKey(), nil
	}
	const hint = "head -c 32 /dev/urandom | base64 > FILE makes one; it is the same for all proxies that share sessions"
	f, err := os.Open(file)
	if err != nil {
		return nil, &Fault{fmt.Errorf("sessionkeyfile: %w", err), hint}
	}
	defer f.Close()
	key, err := io.ReadAll(io.LimitReader(f, mostKey+1))
	if err != nil {
		return nil, &Fault{fmt.Errorf("sessionkeyfile: %w", err), hint}
	}
	if key = bytes.TrimSpace(key); len(key) < leastKey || len(key) > mostKey {
		return nil, &Fault{fmt.Errorf("sessionkeyfile: %s: a key has %d to %d bytes", file, leastKey, mostKey), hint}
	}
	return key, nil
}

// token is what names a member in a client's cookie: nobody without the key can
// tell which one it is, or make another.
func token(key []byte, balancer, member string) string {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s\x00%s", balancer, member)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// appendCookie gives the client a cookie of ours, unless it has the right one.
func (x *exchange) appendCookie(dst []byte) []byte {
	own := x.group.site.Sessions.Own
	if own == "" || x.home == x.lease.Index()+1 {
		return dst
	}
	dst = append(dst, "Set-Cookie: "...)
	dst = append(dst, own...)
	dst = append(dst, '=')
	dst = append(dst, x.group.cookies[x.lease.Index()]...)
	return append(dst, "; Path=/; HttpOnly; SameSite=Lax\r\n"...)
}
