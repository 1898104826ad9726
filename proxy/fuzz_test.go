package proxy

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"proxylab/proxy/http1"
	"proxylab/proxy/route"
	"proxylab/proxy/site"
	"proxylab/proxy/upstream"
	"proxylab/proxy/wiretest"
)

// FuzzForwarded: what the proxy writes of a head it took says the same message
// to our own parser and to net/http, framed as the proxy will frame the body, and
// has no field of the connection it came by. There are no grounds on which
// net/http may refuse it.
func FuzzForwarded(f *testing.F) {
	dialogues, err := wiretest.Glob("testdata/exchange/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, d := range dialogues {
		for _, origins := range []bool{false, true} {
			for _, sent := range d.Sent(origins) {
				f.Add(sent[:min(len(sent), 8<<10)], origins)
			}
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, response bool) {
		x := &exchange{
			group: new(group),
			s:     new(Server),
			c:     &conn{client: []byte("192.0.2.1"), addr: netip.MustParseAddr("192.0.2.1")},
			p:     &parts{site: new(site.Site)},
			rule:  &route.Rule{Prefix: "/app"},
			pool:  &upstream.Pool{Config: upstream.Config{Addr: "10.0.0.1:80", MaxIdle: 1}},
		}
		x.p.site.Fields.Forwarded = len(in)%2 == 0
		if response {
			checkForwardedResponse(t, x, in)
		} else {
			checkForwardedRequest(t, x, in)
		}
	})
}

var fuzzLimits = http1.Limits{Head: 64 << 10, Fields: 100}

func checkForwardedRequest(t *testing.T, x *exchange, in []byte) {
	t.Helper()
	n, err := http1.ParseRequest(&x.req, in, fuzzLimits)
	if err != nil || n == 0 || x.req.Target.Form > http1.Absolute {
		return
	}
	x.rest = x.req.Target.Path
	out := x.appendRequest(nil)
	var again http1.Request
	n, err = http1.ParseRequest(&again, out, http1.Limits{Head: 128 << 10, Fields: 200})
	if err != nil || n != len(out) || again.Body != x.req.Body || again.Close || again.Upgrades || again.Continues != x.req.Continues {
		t.Fatalf("%q is forwarded as %q: %d of %d bytes, error %v, %+v", in, out, n, len(out), err, again.Body)
	}
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(out)))
	if err != nil {
		t.Fatalf("%q is forwarded as %q: net/http: %v", in, out, err)
	}
	host := string(x.req.Host)
	if x.req.Host == nil {
		host = x.pool.Addr
	}
	target := "/app" + string(x.req.Target.Path) + string(x.req.Target.Query)
	if req.Method != string(x.req.Method) || req.RequestURI != target || req.Host != host || req.ContentLength != lengthOf(x.req.Body) {
		t.Fatalf("%q is forwarded as %q: net/http sees %s %s of %s, length %d", in, out, req.Method, req.RequestURI, req.Host, req.ContentLength)
	}
	checkHops(t, out, req.Header)
}

func checkForwardedResponse(t *testing.T, x *exchange, in []byte) {
	t.Helper()
	n, err := http1.ParseResponse(&x.res, in, false, fuzzLimits)
	if err != nil || n == 0 || x.res.Interim() {
		return
	}
	x.req.Minor = 1
	body := x.res.Body
	if body.Kind == http1.UntilClose {
		body.Kind = http1.InChunks
	}
	out := x.appendResponse(nil, body.Kind == http1.InChunks, false)
	var again http1.Response
	n, err = http1.ParseResponse(&again, out, false, http1.Limits{Head: 128 << 10, Fields: 200})
	if err != nil || n != len(out) || again.Body != body || again.Status != x.res.Status || again.Close {
		t.Fatalf("%q is forwarded as %q: %d of %d bytes, error %v, %+v", in, out, n, len(out), err, again.Body)
	}
	res, err := http.ReadResponse(bufio.NewReader(io.MultiReader(bytes.NewReader(out), strings.NewReader("0\r\n\r\n"))), nil)
	if err != nil {
		t.Fatalf("%q is forwarded as %q: net/http: %v", in, out, err)
	}
	if res.StatusCode != x.res.Status || res.ContentLength != lengthOf(body) || res.Close {
		t.Fatalf("%q is forwarded as %q: net/http sees %d, length %d, close %v", in, out, res.StatusCode, res.ContentLength, res.Close)
	}
	checkHops(t, out, res.Header)
}

// lengthOf is a body's framing in net/http's words.
func lengthOf(b http1.Body) int64 {
	if b.Kind == http1.InChunks {
		return -1
	}
	return b.Length
}

// checkHops wants no field that concerns a connection. net/http takes
// Transfer-Encoding out itself.
func checkHops(t *testing.T, out []byte, header http.Header) {
	t.Helper()
	if slices.Equal(header["Connection"], []string{"TE"}) && slices.Equal(header["Te"], []string{"trailers"}) {
		header.Del("Connection") // said anew
		header.Del("Te")
	}
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Upgrade"} {
		if values, ok := header[name]; ok {
			t.Fatalf("%q has %s: %q", out, name, values)
		}
	}
	if n := len(header[http.CanonicalHeaderKey("Via")]); n == 0 {
		t.Fatalf("%q has no Via", out)
	}
}
