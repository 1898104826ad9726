package proxy

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A cachedOrigin is a server that others wrote, behind a cache.
type cachedOrigin struct {
	*realOrigin
	t      *testing.T
	addr   string
	client http.Client
}

// cachedAnswer is what a client got.
type cachedAnswer struct {
	code   int
	header http.Header
	body   []byte
}

// ask asks for a path with fields.
func (o *cachedOrigin) ask(path string, fields map[string]string) cachedAnswer {
	o.t.Helper()
	req, err := http.NewRequest("GET", "http://"+o.addr+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	for name, value := range fields {
		req.Header.Set(name, value)
	}
	res, err := o.client.Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return cachedAnswer{res.StatusCode, res.Header, body}
}

// get asks, and wants a status, and of Cache-Status that it says all words.
func (o *cachedOrigin) get(path string, fields map[string]string, status int, words ...string) cachedAnswer {
	o.t.Helper()
	a := o.ask(path, fields)
	said := a.header.Get("Cache-Status")
	for _, word := range words {
		if !strings.Contains(said, word) {
			o.t.Errorf("%s %v: Cache-Status %q, want %q in it", path, fields, said, word)
		}
	}
	if a.code != status {
		o.t.Errorf("%s %v: status %d, want %d", path, fields, a.code, status)
	}
	return a
}

// file is what a file of the origin has.
func (o *cachedOrigin) file(name string) []byte {
	o.t.Helper()
	b, err := os.ReadFile(filepath.Join(o.root, name))
	if err != nil {
		o.t.Fatal(err)
	}
	return b
}

// write replaces a file. The servers make validators of its time and size; one that
// changed a moment ago has a weak one with httpd, so the time lies in the past.
func (o *cachedOrigin) write(name string, b []byte, age time.Duration) {
	o.t.Helper()
	file := filepath.Join(o.root, name)
	writeFile(o.t, file, b)
	then := time.Now().Add(-age)
	if err := os.Chtimes(file, then, then); err != nil {
		o.t.Fatal(err)
	}
}

var validating = map[string]string{"Cache-Control": "max-age=0"}

// The cache before servers that others wrote: their validators, their 304, their parts,
// and what they compress.
func TestTheCacheBeforeRealOrigins(t *testing.T) {
	for name, start := range realOrigins {
		t.Run(name, func(t *testing.T) {
			o := &cachedOrigin{realOrigin: start(t, "127.0.0.1:1"), t: t}
			p := serve(t, caches, o.url)
			o.addr = p.addr
			o.client.Transport = &http.Transport{DisableCompression: true}
			t.Cleanup(o.client.CloseIdleConnections)
			validatesWith(o, name != "net-http") // whose FileServer makes no entity tags
			o.completes()
			if name != "net-http" {
				o.compressed()
			}
		})
	}
}

// validatesWith has a file stored, validated, and replaced.
func validatesWith(o *cachedOrigin, tagged bool) {
	before, after := bytesOf(1000), bytesOf(2000)
	o.write("v", before, 10*24*time.Hour)
	path := "/files/v"
	first := o.get(path, nil, 200, "fwd=uri-miss", "stored")
	if tag := first.header.Get("ETag"); (tag != "") != tagged {
		o.t.Errorf("the origin's ETag is %q", tag)
	}
	same := func(what string, a cachedAnswer, want []byte) {
		o.t.Helper()
		if !bytes.Equal(a.body, want) {
			o.t.Errorf("%s: %d bytes, or others, of %d", what, len(a.body), len(want))
		}
	}
	same("first", first, before)
	same("fresh by Last-Modified", o.get(path, nil, 200, "; hit"), before)
	same("validated", o.get(path, validating, 200, "fwd=", "fwd-status=304"), before)
	conditions := map[string]string{"If-Modified-Since": first.header.Get("Last-Modified")}
	if tagged {
		conditions = map[string]string{"If-None-Match": first.header.Get("ETag")}
	}
	same("a copy of one's own", o.get(path, conditions, 304, "; hit"), nil)
	same("a part of what is whole", o.get(path, map[string]string{"Range": "bytes=10-19"}, 206, "; hit"), before[10:20])
	o.get(path, map[string]string{"Range": "bytes=5000-"}, 416, "; hit")
	o.write("v", after, 5*24*time.Hour)
	same("another state", o.get(path, validating, 200, "fwd=", "stored"), after)
	same("from then on", o.get(path, nil, 200, "; hit"), after)
}

// completes has parts of a file stored, and put together: of each byte the origin is
// asked once.
func (o *cachedOrigin) completes() {
	body := bytesOf(60_000)
	o.write("p", body, 10*24*time.Hour)
	path := "/files/p"
	part := func(from, to int, words ...string) {
		o.t.Helper()
		a := o.get(path, map[string]string{"Range": fmt.Sprintf("bytes=%d-%d", from, to)}, 206, words...)
		if !bytes.Equal(a.body, body[from:to+1]) {
			o.t.Errorf("bytes %d to %d are others", from, to)
		}
	}
	part(0, 9_999, "fwd=uri-miss")
	part(100, 199, "; hit")
	if a := o.get(path, nil, 200, "fwd=partial"); !bytes.Equal(a.body, body) {
		o.t.Errorf("the whole: %d bytes, or others", len(a.body))
	}
	// It is stored behind the last byte that the client gets.
	stored := map[string]string{"Cache-Control": "only-if-cached"}
	for began := time.Now(); o.ask(path, stored).code == 504 && time.Since(began) < 10*time.Second; {
		time.Sleep(time.Millisecond)
	}
	if a := o.get(path, nil, 200, "; hit"); !bytes.Equal(a.body, body) {
		o.t.Errorf("the whole again: %d bytes, or others", len(a.body))
	}
	part(59_990, 59_999, "; hit")
}

// compressed has one file for clients that take gzip, and for those that do not. Each
// gets its own, as long as it lasts and after it is validated.
func (o *cachedOrigin) compressed() {
	body := bytes.Repeat([]byte("the same again and again\n"), 400)
	o.write("z", body, 10*24*time.Hour)
	for _, control := range []string{"", "max-age=0", "max-age=0"} {
		for _, coding := range []string{"identity", "gzip", "identity", "gzip, br", "gzip"} {
			fields := map[string]string{"Accept-Encoding": coding}
			if control != "" {
				fields["Cache-Control"] = control
			}
			a := o.get("/gzip/z", fields, 200, "proxyd")
			got := a.body
			if zipped := a.header.Get("Content-Encoding") == "gzip"; zipped != (coding != "identity") {
				o.t.Errorf("%s %s: Content-Encoding %q", coding, control, a.header.Get("Content-Encoding"))
				continue
			} else if zipped {
				r, err := gzip.NewReader(bytes.NewReader(a.body))
				if err != nil {
					o.t.Fatal(err)
				}
				if got, err = io.ReadAll(r); err != nil {
					o.t.Error(err)
				}
			}
			if !bytes.Equal(got, body) {
				o.t.Errorf("%s %s: %d bytes, or others, of %d", coding, control, len(got), len(body))
			}
			if !strings.Contains(strings.ToLower(a.header.Get("Vary")), "accept-encoding") {
				o.t.Errorf("%s %s: Vary %q", coding, control, a.header.Get("Vary"))
			}
		}
	}
	o.get("/gzip/z", map[string]string{"Accept-Encoding": "gzip"}, 200, "; hit")
	o.get("/gzip/z", map[string]string{"Accept-Encoding": "identity"}, 200, "; hit")
}
