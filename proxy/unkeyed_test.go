package proxy

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"proxylab/proxy/site"
)

// leading are request fields that origin servers and frameworks are known to obey, and
// no key holds. With an underscore they are the same to a program that gets fields as
// variables.
var leading = strings.Fields(`X-Forwarded-Host X-Forwarded-Server X-Forwarded-Scheme X-Forwarded-Port X-Forwarded-Prefix
	X-Forwarded-Path X-Forwarded-Ssl X-Forwarded-Protocol X-Forwarded-Proto X-Forwarded-For Forwarded X-Url-Scheme
	Front-End-Https X-Amz-Website-Redirect-Location X-Host X-Http-Host-Override X-Original-Host X-Backend-Host
	X-Real-Host X-Original-Url X-Rewrite-Url X-Original-Uri X-Http-Method X-Http-Method-Override X-Method-Override`)

// An origin builds its answers of every such field. What an attacker says in one of them
// nobody else ever gets, whether the proxy passes the field on, writes its own in its
// place, or believes who said it; and what others get is cached.
func TestNobodyPoisonsTheCacheByAField(t *testing.T) {
	o := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		for name, values := range r.Header {
			plain := strings.ReplaceAll(strings.ToLower(name), "_", "-")
			for _, known := range leading {
				if plain == strings.ToLower(known) {
					fmt.Fprintln(w, values)
				}
			}
		}
	}))
	defer o.Close()
	for name, change := range map[string]func(*site.Site){
		"strangers": caches,
		"trusted":   func(s *site.Site) { caches(s); s.Fields.Trusted = networks("127.0.0.1/32", "::1/128") },
		"forwarded": func(s *site.Site) { caches(s); s.Fields.Forwarded = true },
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t, change, o.URL)
			// Each on a connection of its own: some are refused, and close it.
			get := func(request string) (int, string) {
				c := dial(t, p.addr)
				defer c.Close()
				return ask(t, c, request)
			}
			for _, field := range leading {
				for _, said := range []string{field, strings.ReplaceAll(field, "-", "_")} {
					value := "evil.example"
					if strings.EqualFold(field, "forwarded") {
						value = "for=1.2.3.4;host=evil.example"
					}
					request := "GET /" + said + " HTTP/1.1\r\nHost: h\r\n"
					if status, _ := get(request + said + ": " + value + "\r\n\r\n"); status != 200 && status != 400 {
						t.Errorf("%s: status %d", said, status)
					}
					if _, body := get(request + "\r\n"); strings.Contains(body, "evil") {
						t.Errorf("%s: others get %q", said, body)
					}
					if status, _ := get(request + "Cache-Control: only-if-cached\r\n\r\n"); status != 200 {
						t.Errorf("%s: what others got is not stored", said)
					}
				}
			}
		})
	}
}
