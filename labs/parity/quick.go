package parity

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"proxylab/labs/origin"
)

// quick are the questions that are answered at once.
var quick = []question{
	{"Content-Encoding of text, with Accept-Encoding: gzip", func(ctx context.Context, s System) string {
		a, err := s.get(ctx, "/size/4096", "Accept-Encoding: gzip")
		if err != nil {
			return said(a, err)
		}
		if coding := a.fields.Get("Content-Encoding"); coding != "" {
			return coding
		}
		return "none"
	}},
	{"bodies, by hash", bodies},
	{fmt.Sprintf("requests of a client on one connection, of %d", many), reuseByClients},
	{fmt.Sprintf("connections to origins for %d requests of one client", few), reuseByOrigins},
	{"Host that an origin sees", func(ctx context.Context, s System) string {
		e, err := s.echo(ctx)
		switch {
		case err != nil:
			return err.Error()
		case e.Host == host:
			return "the client's"
		}
		return "its own"
	}},
	{"X-Forwarded fields and Forwarded that an origin sees", func(ctx context.Context, s System) string { return forwarded(ctx, s) }},
	{"the same where the client says such fields itself", func(ctx context.Context, s System) string {
		return forwarded(ctx, s, "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Host: other.example", "X-Forwarded-Proto: https", "Forwarded: for=192.0.2.7")
	}},
	{"Via that an origin sees", func(ctx context.Context, s System) string {
		e, err := s.echo(ctx)
		if err != nil {
			return err.Error()
		}
		return orNone(strings.Join(e.Fields["Via"], ", "))
	}},
	{"Via and Server that a client sees", func(ctx context.Context, s System) string {
		a, err := s.get(ctx, "/size/16")
		if err != nil {
			return said(a, err)
		}
		return orNone(strings.Join(a.fields.Values("Via"), ", ")) + "; " + orNone(a.fields.Get("Server"))
	}},
	{"request line, bytes", func(ctx context.Context, s System) string {
		return limit([]int{1000, 4000, 8000, 16000, 32000, 63000, 130000}, func(n int) (*answer, error) {
			return s.get(ctx, "/size/16?"+strings.Repeat("a", n))
		})
	}},
	{"field line of a request, bytes", func(ctx context.Context, s System) string {
		return limit([]int{1000, 4000, 8000, 16000, 32000, 63000, 130000}, func(n int) (*answer, error) {
			return s.get(ctx, "/size/16", "X-Long: "+strings.Repeat("a", n))
		})
	}},
	{"field lines of a request", func(ctx context.Context, s System) string {
		return limit([]int{20, 40, 90, 110, 200, 500}, func(n int) (*answer, error) {
			return s.get(ctx, "/size/16", slices.Repeat([]string{"X-Many: a"}, n)...)
		})
	}},
	{"statuses below 500", func(ctx context.Context, s System) string {
		return statuses(ctx, s, 200, 201, 204, 301, 304, 400, 404, 410, 418)
	}},
	{"a path that no origin has", func(ctx context.Context, s System) string { return said(s.get(ctx, "/nothing/here")) }},
	{"an escaped slash in the path", func(ctx context.Context, s System) string { return said(s.get(ctx, "/size%2F16")) }},
	{"fields of a response that may be stored, asked for twice", cacheFields},
	{"who answers the second of the two", cacheAgain},
	{"If-None-Match with the ETag of the two", func(ctx context.Context, s System) string {
		a, err := s.get(ctx, cachePath, `If-None-Match: "size-2048"`)
		return said(a, err)
	}},
}

// Requests that are sent to see connections kept. Debian's httpd closes after 100.
const (
	many = 120
	few  = 12
)

func reuseByClients(ctx context.Context, s System) string {
	c, err := s.dial(ctx)
	if err != nil {
		return said(nil, err)
	}
	defer c.Close()
	for n := 1; n <= many; n++ {
		a, err := c.ask("GET", "/size/16", "")
		if err != nil {
			return fmt.Sprintf("%d, then %s", n-1, said(a, err))
		}
		if a.last && n < many {
			return fmt.Sprintf("%d, then closed with the answer", n)
		}
	}
	return fmt.Sprint(many)
}

// reuseByOrigins counts by the address that each origin sees.
func reuseByOrigins(ctx context.Context, s System) string {
	c, err := s.dial(ctx)
	if err != nil {
		return said(nil, err)
	}
	defer func() { c.Close() }()
	peers, origins := map[string]bool{}, map[string]bool{}
	var a *answer
	for range few {
		if a != nil && a.last { // a site may have few requests a connection
			next, err := s.dial(ctx)
			if err != nil {
				return said(nil, err)
			}
			c.Close()
			c = next
		}
		a, err = c.ask("GET", "/echo", "")
		if err != nil {
			return said(a, err)
		}
		var e origin.Echo
		if err := json.Unmarshal(a.body, &e); err != nil {
			return fmt.Sprintf("status %d and no echo", a.status)
		}
		name := a.fields.Get("X-Origin")
		peers[name+" "+e.Remote], origins[name] = true, true
	}
	if len(peers) == len(origins) {
		return "one to each origin"
	}
	return fmt.Sprintf("%d to %d origins", len(peers), len(origins))
}

// bodies compares what comes through with what the origins sent, by xxHash64.
func bodies(ctx context.Context, s System) string {
	var wrong []string
	sizes := []int64{0, 1024, 65536, 1 << 20}
	for _, n := range sizes {
		a, err := s.get(ctx, fmt.Sprintf("/size/%d", n))
		if err != nil {
			return said(a, err)
		}
		if fmt.Sprintf("%016x", xxhash.Sum64(a.body)) != origin.SizeXXH64(n) {
			wrong = append(wrong, fmt.Sprintf("%d bytes", n))
		}
	}
	const up = 5000
	sent := string(origin.SizeBytes(up))
	a, err := s.once(ctx, "POST", "/echo", sent)
	if err != nil {
		return said(a, err)
	}
	var e origin.Echo
	if json.Unmarshal(a.body, &e) != nil || e.Body != sent {
		wrong = append(wrong, fmt.Sprintf("a request's %d bytes", up))
	}
	if len(wrong) > 0 {
		return "wrong: " + strings.Join(wrong, ", ")
	}
	return fmt.Sprintf("%d of %d right", len(sizes)+1, len(sizes)+1)
}

// echo is a request as an origin saw it.
func (s System) echo(ctx context.Context, fields ...string) (origin.Echo, error) {
	var e origin.Echo
	a, err := s.get(ctx, "/echo", fields...)
	if err != nil {
		return e, fmt.Errorf("%s", said(a, err))
	}
	if err := json.Unmarshal(a.body, &e); err != nil {
		return e, fmt.Errorf("status %d and no echo", a.status)
	}
	return e, nil
}

// forwarded shows the fields with a word in place of the client's address, which
// differs from machine to machine.
func forwarded(ctx context.Context, s System, fields ...string) string {
	plain, err := s.echo(ctx)
	if err != nil {
		return err.Error()
	}
	e, err := s.echo(ctx, fields...)
	if err != nil {
		return err.Error()
	}
	client := ""
	if list := plain.Fields["X-Forwarded-For"]; len(list) == 1 {
		client = list[0]
	}
	var out []string
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "Forwarded"} {
		if values := e.Fields[name]; len(values) > 0 {
			text := strings.Join(values, " | ")
			if client != "" {
				text = strings.ReplaceAll(text, client, "CLIENT")
			}
			out = append(out, strings.TrimPrefix(name, "X-Forwarded-")+": "+text)
		}
	}
	return orNone(strings.Join(out, "; "))
}

// limit finds between which of the sizes a system refuses, and how.
func limit(sizes []int, ask func(int) (*answer, error)) string {
	passed := 0
	for _, n := range sizes {
		a, err := ask(n)
		if err != nil || a.status != 200 {
			return fmt.Sprintf("%d pass; %d: %s", passed, n, said(a, err))
		}
		passed = n
	}
	return fmt.Sprintf("%d pass", passed)
}

// statuses asks for each and tells those that come through as another.
func statuses(ctx context.Context, s System, codes ...int) string {
	var changed []string
	for _, code := range codes {
		if got := said(s.get(ctx, fmt.Sprintf("/status/%d", code))); got != fmt.Sprint(code) {
			changed = append(changed, fmt.Sprintf("%d becomes %s", code, got))
		}
	}
	if len(changed) > 0 {
		return strings.Join(changed, ", ")
	}
	return fmt.Sprintf("all %d as the origin says", len(codes))
}

const cachePath = "/cache/max-age=60/size/2048"

// cacheFields are the names that matter to caches, in the second answer.
func cacheFields(ctx context.Context, s System) string {
	if a, err := s.get(ctx, cachePath); err != nil {
		return said(a, err)
	}
	a, err := s.get(ctx, cachePath)
	if err != nil {
		return said(a, err)
	}
	var names []string
	for _, name := range []string{"Cache-Control", "ETag", "Last-Modified", "Accept-Ranges", "Vary", "Age", "Cache-Status", "X-Cache"} {
		if a.fields.Get(name) != "" {
			names = append(names, name)
		}
	}
	return orNone(strings.Join(names, ", "))
}

// cacheAgain goes by Age, which every stored response has (RFC 9111 §4).
func cacheAgain(ctx context.Context, s System) string {
	a, err := s.get(ctx, cachePath)
	switch {
	case err != nil:
		return said(a, err)
	case a.fields.Get("Age") != "":
		return "its cache"
	}
	return "an origin"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
