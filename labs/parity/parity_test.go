package parity

import (
	"context"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"proxylab/labs/origin"
)

// Two systems whose ways are known: an origin that is asked by itself, and the
// standard library's proxy in front of it, which fails as 502 and compresses.
func TestProbe(t *testing.T) {
	o := origin.New("a")
	direct := httptest.NewUnstartedServer(o)
	direct.Config.IdleTimeout = 200 * time.Millisecond
	direct.Config.MaxHeaderBytes = 20000
	direct.Start()
	defer direct.Close()
	behind := httptest.NewServer(o)
	defer behind.Close()
	u, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	reverse := httputil.NewSingleHostReverseProxy(u)
	reverse.Transport = &http.Transport{DisableKeepAlives: true}
	reverse.ModifyResponse = func(r *http.Response) error {
		if r.StatusCode == 404 {
			r.StatusCode = 410
		}
		r.Header.Set("Via", "1.1 between")
		if r.Request.Header.Get("Accept-Encoding") == "gzip" {
			r.Header.Set("Content-Encoding", "gzip")
		}
		return nil
	}
	proxied := httptest.NewServer(reverse)
	defer proxied.Close()

	systems := []System{{"direct", address(direct)}, {"proxied", address(proxied)}}
	fail := func(_ context.Context, f origin.Fault) error { return o.Fail(f) }
	rows, err := Probe(t.Context(), systems, fail, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if f := o.Fault(); f != (origin.Fault{}) {
		t.Errorf("the origin still fails: %+v", f)
	}
	got := map[string]map[string]string{}
	for _, r := range rows {
		if len(r.Seen) != len(systems) || slices.Contains(slices.Collect(maps.Values(r.Seen)), "") {
			t.Errorf("%s: %v", r.Question, r.Seen)
		}
		got[r.Question] = r.Seen
	}
	for _, want := range []struct{ question, direct, proxied string }{
		{"Content-Encoding of text, with Accept-Encoding: gzip", "none", "gzip"},
		{"bodies, by hash", "5 of 5 right", "5 of 5 right"},
		{"requests of a client on one connection, of 120", "120", "120"},
		{"connections to origins for 12 requests of one client", "one to each origin", "12 to 1 origins"},
		{"Host that an origin sees", "the client's", "the client's"},
		{"X-Forwarded fields and Forwarded that an origin sees", "none", "For: CLIENT"},
		{"Via and Server that a client sees", "none; proxylab-origin", "1.1 between; proxylab-origin"},
		{"field lines of a request", "500 pass", "500 pass"},
		{"field line of a request, bytes", "16000 pass; 32000: 431", "130000 pass"},
		{"statuses below 500", "all 9 as the origin says", "404 becomes 410"},
		{"a path that no origin has", "404", "410"},
		{"fields of a response that may be stored, asked for twice", "Cache-Control, ETag, Last-Modified, Accept-Ranges", "Cache-Control, ETag, Last-Modified, Accept-Ranges"},
		{"who answers the second of the two", "an origin", "an origin"},
		{"If-None-Match with the ETag of the two", "304", "304"},
		{"an idle connection after an answer", "closed", "still open after 1s"},
		{"an origin that is silent", "still open after 1s", "still open after 1s"},
		{"every origin resets its connection: a client's first request", "closed without an answer", "502"},
		{"the same, a later request of a kept connection", "closed without an answer", "502"},
		{"statuses from 500 on", "all 5 as the origin says", "all 5 as the origin says"},
	} {
		seen, ok := got[want.question]
		if !ok {
			t.Errorf("nobody asked %q", want.question)
			continue
		}
		if !strings.HasPrefix(seen["direct"], want.direct) || !strings.HasPrefix(seen["proxied"], want.proxied) {
			t.Errorf("%s: %q and %q, want %q and %q", want.question, seen["direct"], seen["proxied"], want.direct, want.proxied)
		}
	}
}

func address(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

// A system that is not there is an answer to every question, and no hang.
func TestASystemThatIsGone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	fail := func(context.Context, origin.Fault) error { return nil }
	rows, err := Probe(t.Context(), []System{{"gone", l.Addr().String()}}, fail, 300*time.Millisecond)
	if err != nil || len(rows) < 20 {
		t.Fatal(len(rows), err)
	}
	for _, r := range rows {
		if s := r.Seen["gone"]; !strings.Contains(s, "refused") && !strings.Contains(s, "no right answer") {
			t.Errorf("%s: %q", r.Question, s)
		}
	}
}

func TestProbeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fail := func(context.Context, origin.Fault) error { return nil }
	if _, err := Probe(ctx, []System{{"any", "127.0.0.1:1"}}, fail, time.Hour); err == nil {
		t.Error("no error")
	}
}
