package origin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"proxylab/labs/origin"
)

// start serves an origin named "a" and its control listener on loopback.
func start(t *testing.T) (url, control string, s *origin.Server) {
	t.Helper()
	s = origin.New("a")
	main, ctl := httptest.NewServer(s), httptest.NewServer(s.Control())
	t.Cleanup(main.Close)
	t.Cleanup(ctl.Close)
	return main.URL, ctl.URL, s
}

// client follows no redirect and unpacks nothing.
var client = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       10 * time.Second,
}

type answer struct {
	*http.Response
	body string
}

// ask sends a request; fields are "Name: value".
func ask(t *testing.T, method, url, body string, fields ...string) answer {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Set(name, value)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: body: %v", method, url, err)
	}
	return answer{resp, string(b)}
}

func TestStatusOf(t *testing.T) {
	url, _, _ := start(t)
	rows := []struct {
		method, path string
		want         int
	}{
		{"GET", "/size/0", 200},
		{"GET", "/size/4096", 200},
		{"POST", "/size/10", 200},
		{"PUT", "/size/10", 405},
		{"GET", "/size", 400},
		{"GET", "/size/", 400},
		{"GET", "/size/-1", 400},
		{"GET", "/size/+1", 400},
		{"GET", "/size/007", 400},
		{"GET", "/size/1e3", 400},
		{"GET", "/size/10/x", 400},
		{"GET", "/size/67108865", 400},
		{"GET", "/size/99999999999999999999", 400},
		{"GET", "/delay/1ms", 200},
		{"POST", "/delay/1ms", 405},
		{"POST", "/delay/1ms/echo", 200},
		{"GET", "/delay/1ms/status/503", 503},
		{"GET", "/delay/1ms/nothing", 404},
		{"GET", "/delay/20", 400},
		{"GET", "/delay/-1s", 400},
		{"GET", "/delay/1h", 400},
		{"GET", "/status/200", 200},
		{"GET", "/status/204", 204},
		{"GET", "/status/205", 205},
		{"GET", "/status/304", 304},
		{"GET", "/status/302", 302},
		{"DELETE", "/status/503", 503},
		{"GET", "/status/599", 599},
		{"GET", "/status/100", 400},
		{"GET", "/status/600", 400},
		{"GET", "/status/0200", 400},
		{"GET", "/status/", 400},
		{"GET", "/cache/max-age=60", 200},
		{"GET", "/cache/max-age=60,public,s-maxage=5", 200},
		{"GET", "/cache/no-cache=%22set-cookie%22", 200},
		{"GET", "/cache/", 400},
		{"GET", "/cache/max-age=60,,public", 400},
		{"GET", "/cache/max-age=6%0a0", 400},
		{"GET", "/cache/max-age=60/size/x", 400},
		{"GET", "/cache/max-age=60/other/5", 400},
		{"POST", "/cache/max-age=60", 405},
		{"GET", "/echo", 200},
		{"PATCH", "/echo", 200},
		{"GET", "/echo/more", 404},
		{"GET", "/pages/1", 200},
		{"GET", "/pages/1/dusk.jpg", 200},
		{"POST", "/pages/1", 405},
		{"GET", "/pages/5", 404},
		{"GET", "/pages/", 404},
		{"GET", "/pages/1/../2/tile-01.png", 404},
		{"GET", "/", 404},
		{"GET", "/sizes/4", 404},
	}
	for _, row := range rows {
		t.Run(row.method+" "+row.path, func(t *testing.T) {
			a := ask(t, row.method, url+row.path, "")
			if a.StatusCode != row.want {
				t.Errorf("status %d, want %d\n%s", a.StatusCode, row.want, a.body)
			}
			if a.Header.Get("X-Origin") != "a" || a.Header.Get("Server") != "proxylab-origin" {
				t.Errorf("X-Origin %q, Server %q", a.Header.Get("X-Origin"), a.Header.Get("Server"))
			}
			refused := a.StatusCode == 400 || a.StatusCode == 404 || a.StatusCode == 405
			if refused && (!strings.HasPrefix(a.body, "error: ") || !strings.Contains(a.body, "\nhint: ")) {
				t.Errorf("no error with hint: %q", a.body)
			}
			if a.StatusCode == 405 && a.Header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

func TestSizeIsWhatSizeBytesSays(t *testing.T) {
	url, _, _ := start(t)
	for _, n := range []int64{0, 1, 2047, 2048, 65536, 1_048_572, 1_048_573, 1_048_574, 3 << 20} {
		a := ask(t, "GET", fmt.Sprintf("%s/size/%d", url, n), "")
		if a.ContentLength != n || int64(len(a.body)) != n {
			t.Errorf("%d: Content-Length %d, %d bytes", n, a.ContentLength, len(a.body))
		}
		if a.body != string(origin.SizeBytes(n)) {
			t.Errorf("%d: not the bytes of SizeBytes", n)
		}
		if got := fmt.Sprintf("%016x", xxhash.Sum64String(a.body)); got != origin.SizeXXH64(n) {
			t.Errorf("%d: hash %s, SizeXXH64 says %s", n, got, origin.SizeXXH64(n))
		}
	}
}

// The hash is part of stored runs: another body would make old ones unreadable.
func TestSizeBytesStayTheSame(t *testing.T) {
	if got, want := origin.SizeXXH64(1024), "dd08502ac5dae9a8"; got != want {
		t.Errorf("xxHash64 of /size/1024 is %s, was %s", got, want)
	}
	if got := string(origin.SizeBytes(64)); strings.Trim(got[:63], "abcdefghijklmnopqrstuvwxyz") != "" || got[63] != '\n' {
		t.Errorf("not a line of 63 letters: %q", got)
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	url, _, s := start(t)
	paths := []string{"/size/0", "/size/100", "/size/5000", "/size/2000000", "/delay/1ms", "/delay/1ms/size/3000",
		"/status/503", "/cache/max-age=60", "/pages/2", "/pages/3/nebula.png"}
	for _, path := range paths {
		get, head := ask(t, "GET", url+path, ""), ask(t, "HEAD", url+path, "")
		if head.body != "" || head.StatusCode != get.StatusCode {
			t.Errorf("%s: HEAD has status %d and %d bytes, GET status %d", path, head.StatusCode, len(head.body), get.StatusCode)
		}
		for _, name := range []string{"Content-Length", "Content-Type", "ETag", "Last-Modified", "Cache-Control"} {
			if get.Header.Get(name) != head.Header.Get(name) {
				t.Errorf("%s: %s is %q for GET, %q for HEAD", path, name, get.Header.Get(name), head.Header.Get(name))
			}
		}
		if get.Header.Get("Content-Length") != fmt.Sprint(len(get.body)) {
			t.Errorf("%s: Content-Length %q for %d bytes", path, get.Header.Get("Content-Length"), len(get.body))
		}
	}
	s.Reset()
	ask(t, "HEAD", url+"/size/5000", "")
	if c := s.Counts(); c.Bytes != 0 || c.Requests != 1 {
		t.Errorf("one HEAD counts as %+v", c)
	}
}

func TestDelayDelays(t *testing.T) {
	url, _, _ := start(t)
	began := time.Now()
	a := ask(t, "GET", url+"/delay/60ms/size/100", "")
	if took := time.Since(began); took < 60*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
	if a.body != string(origin.SizeBytes(100)) {
		t.Errorf("not the bytes of /size/100: %q", a.body)
	}
}

func TestCacheValidators(t *testing.T) {
	url, _, _ := start(t)
	const path = "/cache/max-age=60,public"
	first := ask(t, "GET", url+path, "")
	etag, modified := first.Header.Get("ETag"), first.Header.Get("Last-Modified")
	if first.Header.Get("Cache-Control") != "max-age=60,public" || etag == "" || modified == "" {
		t.Fatalf("Cache-Control %q, ETag %q, Last-Modified %q", first.Header.Get("Cache-Control"), etag, modified)
	}
	if first.body != string(origin.SizeBytes(origin.CacheSize)) {
		t.Error("not the bytes of SizeBytes(CacheSize)")
	}
	rows := []struct {
		name, field string
		want        int
		size        int
	}{
		{"the same tag", "If-None-Match: " + etag, 304, 0},
		{"one of several tags", `If-None-Match: "x", ` + etag, 304, 0},
		{"another tag", `If-None-Match: "x"`, 200, 1024},
		{"not modified since", "If-Modified-Since: " + modified, 304, 0},
		{"modified since", "If-Modified-Since: Sun, 31 Dec 2023 23:59:59 GMT", 200, 1024},
		{"another tag in If-Match", `If-Match: "x"`, 412, 0},
		{"a range", "Range: bytes=1000-", 206, 24},
		{"a range beyond the end", "Range: bytes=5000-", 416, -1},
	}
	for _, row := range rows {
		a := ask(t, "GET", url+path, "", row.field)
		if a.StatusCode != row.want || row.size >= 0 && len(a.body) != row.size {
			t.Errorf("%s: status %d with %d bytes, want %d with %d", row.name, a.StatusCode, len(a.body), row.want, row.size)
		}
		if a.StatusCode == 304 && (a.Header.Get("ETag") != etag || a.Header.Get("Cache-Control") == "") {
			t.Errorf("%s: 304 without ETag or Cache-Control (RFC 9110 §15.4.5)", row.name)
		}
	}
	if a := ask(t, "GET", url+path+"/size/3000000", "", "Range: bytes=1048570-1048579"); a.body != string(origin.SizeBytes(3_000_000)[1048570:1048580]) {
		t.Errorf("range over the end of the block: %q", a.body)
	}
}

func TestEchoGivesTheRequestBack(t *testing.T) {
	url, _, _ := start(t)
	a := ask(t, "POST", url+"/echo?q=a%20b&q", "hola", "X-Lab: 7")
	var e origin.Echo
	if err := json.Unmarshal([]byte(a.body), &e); err != nil {
		t.Fatal(err)
	}
	if e.Method != "POST" || e.Target != "/echo?q=a%20b&q" || e.Body != "hola" || e.Proto != "HTTP/1.1" ||
		"http://"+e.Host != url || len(e.Fields["X-Lab"]) != 1 || e.Remote == "" {
		t.Errorf("%+v", e)
	}
	a = ask(t, "PUT", url+"/echo", "\xff\x00")
	e = origin.Echo{}
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || string(e.Bytes) != "\xff\x00" {
		t.Errorf("%v %+v", err, e)
	}
	if a := ask(t, "POST", url+"/echo", strings.Repeat("x", origin.MaxEcho+1)); a.StatusCode != 413 {
		t.Errorf("a body over the limit: status %d", a.StatusCode)
	}
}

func TestCounts(t *testing.T) {
	url, control, _ := start(t)
	for range 3 {
		ask(t, "GET", url+"/size/1000", "")
	}
	ask(t, "GET", url+"/size/500000", "")
	ask(t, "GET", url+"/delay/1ms/status/503", "")
	page := ask(t, "GET", url+"/pages/1", "")
	missing := ask(t, "GET", url+"/nothing", "")
	got := counts(t, "GET", control+"/counts")
	got.Active = 0 // the last request may still be ending
	want := origin.Counts{
		Name: "a", Requests: 7, Bytes: 3*1000 + 500000 + int64(len("503 Service Unavailable\n")+len(page.body)+len(missing.body)),
		Statuses: map[string]int64{"200": 5, "503": 1, "404": 1},
		Kinds:    map[string]int64{"size": 4, "delay": 1, "pages": 1, "other": 1},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if before := counts(t, "POST", control+"/counts/reset"); before.Requests != 7 {
		t.Errorf("reset answers %+v", before)
	}
	if after := counts(t, "GET", control+"/counts"); after.Requests != 0 || after.Bytes != 0 || len(after.Kinds) != 0 {
		t.Errorf("after the reset: %+v", after)
	}
	if a := ask(t, "GET", control+"/counts/reset", ""); a.StatusCode != 405 {
		t.Errorf("reset by GET: status %d", a.StatusCode)
	}
	if a := ask(t, "GET", control+"/ready", ""); a.body != origin.ReadyBody {
		t.Errorf("ready: %q", a.body)
	}
}

func counts(t *testing.T, method, url string) origin.Counts {
	t.Helper()
	var c origin.Counts
	if err := json.Unmarshal([]byte(ask(t, method, url, "").body), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// A client that has the last byte of an answer finds it counted, at once.
func TestSeenIsCounted(t *testing.T) {
	url, _, s := start(t)
	for i := int64(1); i <= 50; i++ {
		ask(t, "GET", url+"/size/300000", "")
		if c := s.Counts(); c.Requests != i || c.Bytes != i*300000 {
			t.Fatalf("after %d answers: %+v", i, c)
		}
	}
}
