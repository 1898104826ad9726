package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// csrfField carries the token that changes from a page of ours must have. The
// answers about balancers have it; who is of another origin cannot read them.
const csrfField = "X-CSRF-Token"

// guard lets through who may ask, and answers the others.
func (s *Server) guard(next http.Handler) http.Handler {
	var origins http.CrossOriginProtection
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		c := s.config.Load()
		ok, wait := true, time.Duration(0)
		if c.guarded() {
			ok, wait = s.lets(r, c)
		}
		switch {
		case !c.guarded() && !s.knows(r.Host, c):
			// A foreign name that leads here (DNS rebinding) would make a page of
			// somebody else's one of the same origin.
			refuse(w, http.StatusMisdirectedRequest, fault{"Host", "\"" + r.Host + "\" is no name of the manager", "use its address, or localhost"})
			return
		case wait > 0:
			w.Header().Set("Retry-After", seconds(wait))
			refuse(w, http.StatusTooManyRequests, fault{"Authorization", "too many wrong secrets came from this address", "wait " + seconds(wait) + " s; until then none is looked at"})
			return
		case !ok:
			w.Header().Add("WWW-Authenticate", `Basic realm="balancer-manager", charset="UTF-8"`)
			w.Header().Add("WWW-Authenticate", `Bearer realm="balancer-manager"`)
			refuse(w, http.StatusUnauthorized, fault{"Authorization", "not who may use the manager", "user and password of the site's admin, or its token: as a Bearer, or as the password of any user"})
			return
		}
		if err := origins.Check(r); err != nil {
			refuse(w, http.StatusForbidden, fault{"Origin", "a change that comes from the page of another origin", "use the manager's own page, or a program"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// secure says to a browser what an answer may do and who may see it.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// knows says whether a Host can only mean us: an address, localhost, or the name
// that we listen on.
func (s *Server) knows(host string, c *Config) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	listens, _, _ := net.SplitHostPort(c.Listen)
	return strings.EqualFold(name, "localhost") || name != "" && strings.EqualFold(name, listens)
}

// admits says whether r has the token, or the user and the password.
func (c *Config) admits(r *http.Request) bool {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return c.Token != "" && same(token, c.Token)
	}
	user, password, ok := r.BasicAuth()
	switch {
	case !ok:
		return false
	case c.Token != "" && same(password, c.Token):
		return true
	}
	return c.Password != "" && same(user, c.User) && same(password, c.Password)
}

// same compares in a time that says nothing of where two texts differ.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// genuine says whether a change is meant: it comes from a program, or from a page
// that could read our answers.
func (s *Server) genuine(r *http.Request) bool {
	browser := r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
	return !browser || same(r.Header.Get(csrfField), s.csrf)
}

// who names the peer for the log.
func who(r *http.Request) []any {
	user, _, basic := r.BasicAuth()
	if !basic && r.Header.Get("Authorization") != "" {
		user = "token"
	}
	if user == "" {
		return []any{"remote", r.RemoteAddr}
	}
	return []any{"remote", r.RemoteAddr, "user", user}
}
