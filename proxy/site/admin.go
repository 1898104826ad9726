package site

import (
	"net"
	"net/netip"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// leastSecret is the length of a token or password that cannot be tried out.
const leastSecret = 12

// admin takes an address, or a mapping that says more.
func (r *reader) admin(f field, a *Admin) {
	switch f.node.(type) {
	case ast.MapNode:
	case ast.ScalarNode:
		if addr, ok := r.scalar(f, "host:port"); ok {
			a.Listen = addr
			r.add(f, listenAddress(addr))
			r.guarded(f, a)
		}
		return
	default:
		r.add(f, wrong("admin: 127.0.0.1:9090", "%s is neither an address nor a mapping", kind(f.node)))
		return
	}
	r.mapping(f, map[string]func(field){
		"listen": func(f field) {
			if addr, ok := r.scalar(f, "host:port"); ok {
				a.Listen = addr
				r.add(f, listenAddress(addr))
			}
		},
		"token":    func(f field) { a.Token = r.secret(f) },
		"user":     func(f field) { a.User = r.checked(f, userName) },
		"password": func(f field) { a.Password = r.secret(f) },
		"state":    func(f field) { a.State = r.checked(f, fileName) },
	}, nil)
	if !r.clean(f.place) {
		return
	}
	switch {
	case a.Listen == "":
		r.add(r.at(f.place), wrong(`add "listen: 127.0.0.1:9090"`, "a manager without listen"))
	case a.User != "" && a.Password == "":
		r.add(r.at(f.place+".user"), wrong(`add "password:" and the secret`, "a user without password"))
	case a.User == "" && a.Password != "":
		r.add(r.at(f.place+".password"), wrong(`add "user:" and a name, or make it a token`, "a password without user"))
	default:
		r.guarded(r.at(f.place+".listen"), a)
	}
}

// guarded refuses a manager that anybody on the network could use.
func (r *reader) guarded(f field, a *Admin) {
	if a.Token != "" || a.Password != "" || listenAddress(a.Listen) != nil || onLoopback(a.Listen) {
		return
	}
	r.add(f, wrong(`listen on 127.0.0.1, or ask for a token ("token:"), or for "user:" and "password:"`,
		"anybody who reaches %s could change the balancers", a.Listen))
}

// onLoopback says whether only this machine can reach an address.
func onLoopback(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	a, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && a.IsLoopback()
}

// secret takes a token or password. Faults do not repeat it.
func (r *reader) secret(f field) string {
	s, ok := r.scalar(f, "a secret")
	switch {
	case !ok:
	case strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' }):
		r.add(f, wrong("openssl rand -hex 16 makes one", "a secret has printable ASCII without spaces"))
	case len(s) < leastSecret:
		r.add(f, wrong("openssl rand -hex 16 makes one", "a secret of %d characters can be guessed: %d or more", len(s), leastSecret))
	}
	return s
}

var userWord = regexp.MustCompile(`^[!-9;-~]{1,63}$`)

// userName has no colon, which ends it (RFC 7617 §2).
func userName(s string) *problem {
	if !userWord.MatchString(s) {
		return wrong(`up to 63 printable characters without space and ":"`, "%q is not a user's name", s)
	}
	return nil
}

// hidden stands for a secret where others may read: long enough to pass for one.
const hidden = "not-recorded"

// WithoutSecrets is a copy for eyes and records, in which a word stands for each
// secret. What is written of it declares the same proxy, and lets nobody in.
func (s *Site) WithoutSecrets() *Site {
	shown := *s
	for _, secret := range []*string{&shown.Admin.Token, &shown.Admin.Password} {
		if *secret != "" {
			*secret = hidden
		}
	}
	return &shown
}

// writeAdmin writes where the manager is, if anywhere.
func writeAdmin(line func(string, ...any), a Admin) {
	if a.Listen == "" {
		return
	}
	line("admin:")
	line("  listen: %s", scalar(a.Listen))
	for _, key := range []struct{ name, value string }{
		{"token", a.Token}, {"user", a.User}, {"password", a.Password}, {"state", a.State},
	} {
		if key.value != "" {
			line("  %s: %s", key.name, scalar(key.value))
		}
	}
}
