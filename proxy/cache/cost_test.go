package cache

import (
	"testing"
	"time"
)

// browser is what a browser sends.
var browser = []string{
	"Host: example.com", "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Accept-Language: en-US,en;q=0.5",
	"Accept-Encoding: gzip, deflate, br, zstd", "Connection: keep-alive", "Referer: http://example.com/", "Cookie: id=0123456789abcdef",
	"Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: same-origin", "Priority: u=0, i",
}

// A hitCase is a request that one of the stored variants answers.
type hitCase struct {
	name   string
	fields []string
	status int
}

var hitCases = []hitCase{
	{"plain", nil, 200},
	{"browser", browser, 200},
	{"browser-reload", append([]string{"Cache-Control: max-age=60", `If-None-Match: "0", "1"`}, browser...), 304},
	{"otherwise-spelt", []string{"Accept-Encoding: zstd, br,deflate,GZIP;q=1"}, 200},
	{"range", append([]string{"Range: bytes=10-19"}, browser...), 206},
	{"ranges", []string{"Accept-Encoding: gzip, deflate, br, zstd", "Range: bytes=0-1,200-201"}, 206},
}

// exchangeOfHit is all that is done for a hit, but for the search in the store.
func exchangeOfHit(t testing.TB, c hitCase) func() *Answer {
	l := newLab()
	l.origin = func(*lab, request) reply {
		return reply{status: 200, body: string(make([]byte, 1024)), fields: []string{
			"Date: Sun, 01 Mar 2026 12:00:00 GMT", "Cache-Control: max-age=3600", `ETag: "1"`, "Vary: Accept-Encoding", "Content-Type: text/html",
			"Last-Modified: Sun, 01 Feb 2026 12:00:00 GMT", "Server: origin",
		}}
	}
	fields := c.fields
	if c.name != "plain" {
		fields = []string{"Accept-Encoding: gzip, deflate, br, zstd"}
	}
	l.serve(request{method: "GET", target: "/a/path", host: "example.com"})
	l.serve(request{method: "GET", target: "/a/path", host: "example.com", fields: []string{"Accept-Encoding: br"}})
	l.serve(request{method: "GET", target: "/a/path", host: "example.com", fields: fields})
	q := l.read(request{method: "GET", target: "/a/path", host: "example.com", fields: c.fields})
	now := l.now.Add(10 * time.Second)
	variants := l.store[string(q.AppendKey(nil))]
	var a Answer
	key, out := make([]byte, 0, 256), make([]byte, 0, 2048)
	return func() *Answer {
		q.Read(&l.p)
		key = q.AppendKey(key[:0])
		d := Lookup(q, variants, &l.p, now)
		if d.Outcome != Hit {
			t.Fatalf("%v %v", d.Outcome, d.Reason)
		}
		a.From(d.Entry, q, &l.p, now)
		out = a.AppendFields(out[:0])
		h := Handled{Decision: d}
		out = h.AppendStatus(out, &l.p, now)
		return &a
	}
}

func TestAHitAllocatesNothing(t *testing.T) {
	for _, c := range hitCases {
		run := exchangeOfHit(t, c)
		if got := run().Status; got != c.status {
			t.Errorf("%s: answer %d, want %d", c.name, got, c.status)
		}
		if n := testing.AllocsPerRun(100, func() { run() }); n != 0 {
			t.Errorf("%s: %v allocations, want 0", c.name, n)
		}
	}
}

func BenchmarkHit(b *testing.B) {
	for _, c := range hitCases {
		b.Run("request="+c.name, func(b *testing.B) {
			run := exchangeOfHit(b, c)
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}

// BenchmarkLookup is the decision alone.
func BenchmarkLookup(b *testing.B) {
	for _, c := range hitCases {
		b.Run("request="+c.name, func(b *testing.B) {
			l := newLab()
			l.origin = func(*lab, request) reply {
				return reply{status: 200, body: "x", fields: []string{"Cache-Control: max-age=3600", `ETag: "1"`, "Vary: Accept-Encoding"}}
			}
			r := request{method: "GET", target: "/a/path", host: "example.com", fields: c.fields}
			l.serve(r)
			q := l.read(r)
			variants := l.store[string(q.AppendKey(nil))]
			b.ReportAllocs()
			for b.Loop() {
				if d := Lookup(q, variants, &l.p, l.now); d.Outcome != Hit && d.Entry == nil {
					b.Fatal(d)
				}
			}
		})
	}
}
