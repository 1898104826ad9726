package admin

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
	"proxylab/proxy/message"
)

// stock is a store with something in it, and the counts of those who asked.
type stock struct {
	*store.Store
	t     testing.TB
	tally *cache.Tally
}

func newStock(t testing.TB, dir string) *stock {
	t.Helper()
	s, err := store.Open(store.Options{Memory: 16 << 20, Object: 100_000, Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &stock{s, t, new(cache.Tally)}
}

// put stores a response to a GET that has one field, "Name: value" each.
func (s *stock) put(path, field string, size int, lines ...string) {
	s.t.Helper()
	parse := func(lines []string) (f message.Fields) {
		for _, l := range lines {
			if name, value, ok := strings.Cut(l, ": "); ok {
				f = append(f, message.Field{Name: []byte(name), Value: []byte(value), Known: message.NameOf([]byte(name))})
			}
		}
		return f
	}
	path, query, more := strings.Cut(path, "?")
	if more {
		query = "?" + query
	}
	q := &cache.Request{Method: []byte("GET"), Host: []byte("example.com"), Path: []byte(path), Query: []byte(query), Fields: parse([]string{field})}
	q.Read(s.Policy())
	now := time.Now()
	lines = append(lines, "Date: "+now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"), "Content-Type: text/html", `ETag: "1"`)
	e, why := cache.New(q, &cache.Response{Status: 200, Fields: parse(lines), Length: int64(size)}, s.Policy(), now, now)
	if e == nil {
		s.t.Fatalf("%s is not stored: %v", path, why)
	}
	fill := s.Take(e.Key, &store.Variants{}, &cache.Taken{Fill: e})
	fill.Write(make([]byte, size))
	if !fill.Commit(e) {
		s.t.Fatalf("%s is not stored", path)
	}
}

// usable says whether what is stored answers a request by itself.
func (s *stock) usable(path string) bool {
	q := &cache.Request{Method: []byte("GET"), Host: []byte("example.com"), Path: []byte(path)}
	q.Read(s.Policy())
	var v store.Variants
	if key := q.AppendKey(nil); s.Get(key, &v) == store.OnDisk {
		s.Load(key, &v)
	}
	d := cache.Lookup(q, v.Entries, s.Policy(), time.Now())
	return d.Outcome == cache.Hit
}

// decode asks for a resource that has to be there.
func decode[T any](m *managed, method, path, body string) (v T) {
	m.t.Helper()
	status, text, _ := m.ask(method, path, body)
	if err := json.Unmarshal([]byte(text), &v); err != nil || status != 200 {
		m.t.Fatalf("%s %s %s: %d %s", method, path, body, status, text)
	}
	return v
}

func TestWithoutACacheItIsSaid(t *testing.T) {
	m := manage(t, Config{}, origins(t, nil))
	status, text, _ := m.ask("GET", "/api/cache", "")
	var got map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 || got["on"] != false || len(got) != 2 {
		t.Errorf("%d %s", status, text)
	}
	for _, c := range [][3]string{
		{"GET", "/api/cache/entries", ""}, {"GET", "/api/cache/entry?url=http://a/", ""}, {"GET", "/api/cache/purges", ""},
		{"POST", "/api/cache/purge", `{"tag": "a"}`},
	} {
		if status, text, _ := m.ask(c[0], c[1], c[2]); status != 404 || !strings.Contains(text, "the site has no cache") {
			t.Errorf("%s %s: %d %s", c[0], c[1], status, text)
		}
	}
	if _, text, _ := m.ask("GET", "/metrics", ""); strings.Contains(text, "proxyd_cache") {
		t.Error("there are metrics of it")
	}
}

// figured is a cacheView that JSON can be read into.
type figured struct {
	On bool
	cacheFigures
}

func TestTheCacheHasEachFigure(t *testing.T) {
	s := newStock(t, t.TempDir())
	s.put("/a", "", 1000, "Cache-Control: max-age=60")
	s.put("/large", "", 200_000, "Cache-Control: max-age=60")
	s.Flush()
	s.usable("/a")
	s.usable("/none")
	for f, n := range map[cache.Fate]int{cache.FateHit: 6, cache.FateStale: 1, cache.FateCollapsed: 2, cache.FateMiss: 3, cache.FatePass: 4, cache.FateError: 5} {
		for range n {
			s.tally.Count(3, f)
		}
	}
	m := manageCache(t, Config{}, s, origins(t, nil))
	v := decode[figured](m, "GET", "/api/cache", "")
	if !v.On || v.Total.Requests != 21 || *v.Total.HitRatio != 0.75 || v.Total.Fates["collapsed"] != 2 || v.Total.Fates["bypass"] != 0 || len(v.Total.Fates) != int(cache.Fates) {
		t.Errorf("%+v", v.Total)
	}
	if v.Memory.Keys != 2 || v.Memory.Bytes < 1000 || v.Memory.Max != 16<<20 || v.Disk == nil || v.Disk.Files != 2 || v.Disk.Bytes < 201_000 || v.Disk.Max != 1<<30 || v.Insertions != 2 {
		t.Errorf("%+v %+v %d", v.Memory, v.Disk, v.Insertions)
	}
	_, text, _ := m.ask("GET", "/metrics", "")
	for _, want := range []string{
		`proxyd_cache_requests_total{fate="hit"} 6`, `proxyd_cache_requests_total{fate="error"} 5`, `proxyd_cache_requests_total{fate="bypass"} 0`,
		`proxyd_cache_memory_keys 2`, `proxyd_cache_disk_files 2`, `proxyd_cache_insertions_total 2`, `proxyd_cache_lookups_total{result="memory"} 1`,
		`proxyd_cache_lookups_total{result="absent"} 1`, `proxyd_cache_evictions_total{store="memory"} 0`, `proxyd_cache_evictions_total{store="disk"} 0`,
		`proxyd_cache_corrupt_files_total 0`, `proxyd_cache_purges 0`, `# TYPE proxyd_cache_requests_total counter`, `# TYPE proxyd_cache_disk_bytes gauge`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	in := newStock(t, "")
	if v := decode[figured](manageCache(t, Config{}, in, origins(t, nil)), "GET", "/api/cache", ""); v.Disk != nil || v.Total.HitRatio != nil {
		t.Errorf("in memory only, and nobody asked: %+v", v)
	}
}

// The last minutes are known to who comes to look, and no longer than they have
// been.
func TestHitRatiosOfTheLastMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tally cache.Tally
		var h history
		h.begin(time.Now())
		stop, ended := make(chan struct{}), make(chan struct{})
		go func() { h.keep(&tally, stop); close(ended) }()
		since := func(span time.Duration) (cache.Counts, time.Duration) {
			synctest.Wait()
			before := h.before(time.Now().Add(-span))
			return tally.Counts().Since(before.counts), time.Since(before.at)
		}
		for range 20 {
			tally.Count(0, cache.FateMiss)
		}
		time.Sleep(3 * time.Second)
		if c, in := since(time.Minute); c[cache.FateMiss] != 20 || in != 3*time.Second {
			t.Errorf("after 3 s: %v in %s", c, in)
		}
		time.Sleep(12 * time.Minute)
		tally.Count(0, cache.FateHit)
		time.Sleep(30 * time.Second)
		for _, c := range []struct {
			span time.Duration
			hits uint64
		}{{10 * time.Second, 0}, {time.Minute, 1}, {5 * time.Minute, 1}} {
			if got, in := since(c.span); got != (cache.Counts{cache.FateHit: c.hits}) || in < c.span || in >= c.span+sampleEvery {
				t.Errorf("%s: %v in %s", c.span, got, in)
			}
		}
		if n := len(h.samples); n > 63 {
			t.Errorf("%d samples are kept", n)
		}
		close(stop)
		<-ended
	})
}

func TestAnEntryTellsAllOfIt(t *testing.T) {
	s := newStock(t, t.TempDir())
	s.put("/a?b=c", "Accept-Encoding: gzip", 100, "Cache-Control: max-age=60, stale-while-revalidate=30, stale-if-error=90", "Vary: Accept-Encoding", "Surrogate-Key: news  front", "Cache-Tag: big, red one")
	s.put("/a?b=c", "", 50, "Cache-Control: max-age=60, no-cache", "Vary: Accept-Encoding")
	s.put("/secret", "Cookie: session=0123456789", 50, "Cache-Control: public, max-age=60", "Vary: Cookie")
	s.put("/old", "", 200_000, "Cache-Control: max-age=60", "Age: 90")
	s.Flush()
	m := manageCache(t, Config{}, s, origins(t, nil))
	v := decode[keyView](m, "GET", "/api/cache/entry?url="+url.QueryEscape("http://Example.com:80/a?b=c"), "")
	if v.URL != "http://example.com/a?b=c" || len(v.Variants) != 2 {
		t.Fatalf("%+v", v)
	}
	i := slices.IndexFunc(v.Variants, func(r responseView) bool { return len(r.Tags) > 0 })
	e := v.Variants[i]
	if e.Status != 200 || e.Size != 100 || !e.Memory || !e.Disk || e.State != "fresh" || e.Lifetime != 60 || e.LifetimeFrom != "max-age" ||
		e.Age < 0 || e.Age > 30 || e.Age+e.Fresh < 59.9 || e.Age+e.Fresh > 60.1 || *e.WhileRevalidate != 30 || *e.IfError != 90 || !*e.Complete ||
		strings.Join(e.Tags, "|") != "news|front|big|red one" || len(e.Vary) != 1 || e.Vary[0] != (fieldView{"accept-encoding", "gzip"}) ||
		!strings.HasPrefix(e.Why, "fresh: its age, ") || !strings.HasSuffix(e.Why, ", is below its lifetime of 1m0s (max-age)") {
		t.Errorf("%+v", e)
	}
	if !slices.Contains(e.Fields, fieldView{"Content-Type", "text/html"}) {
		t.Errorf("fields %v", e.Fields)
	}
	if o := v.Variants[1-i]; o.State != "no-cache" || o.Why != "no-cache: it is validated each time" || o.Vary[0].Value != "(absent)" {
		t.Errorf("%+v", o)
	}
	v = decode[keyView](m, "GET", "/api/cache/entry?url=http://example.com/secret", "")
	if text := fmt.Sprint(v); strings.Contains(text, "0123456789") || v.Variants[0].Vary[0].Value != "(18 bytes)" {
		t.Errorf("%+v", v.Variants[0].Vary)
	}
	v = decode[keyView](m, "GET", "/api/cache/entry?url=http://example.com/old", "")
	if o := v.Variants[0]; o.Memory || !o.Disk || o.State != "stale" || o.Fresh > -29 || !strings.HasPrefix(o.Why, "stale: its age, 1m3") {
		t.Errorf("%+v", o)
	}
}

// entries goes through a list to its end.
func entries(m *managed, query string) (urls []string, steps int) {
	m.t.Helper()
	v := decode[entriesView](m, "GET", "/api/cache/entries?"+query, "")
	for steps = 1; ; steps++ {
		for _, k := range v.Entries {
			urls = append(urls, strings.TrimPrefix(k.URL, "http://example.com"))
		}
		if v.Next == "" {
			slices.Sort(urls)
			return urls, steps
		}
		v = decode[entriesView](m, "GET", "/api/cache/entries?limit=10&cursor="+v.Next, "")
	}
}

func TestTheListComesInSteps(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s := newStock(t, dir)
		var all []string
		for i := range 35 {
			path := fmt.Sprintf("/%c/%02d", 'a'+i%2, i)
			all = append(all, path)
			s.put(path, "", 10, "Cache-Control: max-age=60", fmt.Sprintf("Surrogate-Key: three-%d", i%3))
		}
		slices.Sort(all)
		s.Flush()
		m := manageCache(t, Config{}, s, origins(t, nil))
		if urls, steps := entries(m, "limit=10"); !slices.Equal(urls, all) || steps < 4 {
			t.Errorf("%d steps: %v", steps, urls)
		}
		if urls, _ := entries(m, "prefix=http://EXAMPLE.com/b/"); !slices.Equal(urls, all[18:]) {
			t.Errorf("%v", urls)
		}
		if urls, _ := entries(m, "tag=three-1&prefix=http://example.com/a"); len(urls) != 6 || urls[0] != "/a/04" {
			t.Errorf("%v", urls)
		}
		// An answer that was lost is had again; what was before it is not.
		first := decode[entriesView](m, "GET", "/api/cache/entries?limit=10", "")
		step := "/api/cache/entries?limit=10&cursor=" + first.Next
		second, again := decode[entriesView](m, "GET", step, ""), decode[entriesView](m, "GET", step, "")
		if a, b := fmt.Sprint(second.Entries[0].URL, second.Next), fmt.Sprint(again.Entries[0].URL, again.Next); a != b {
			t.Errorf("%s, and then %s", a, b)
		}
		decode[entriesView](m, "GET", "/api/cache/entries?limit=10&cursor="+second.Next, "")
		if status, text, _ := m.ask("GET", step, ""); status != 410 || !strings.Contains(text, "begin the list again") {
			t.Errorf("%d %s", status, text)
		}
		// Others that are begun take its place.
		for range maxListings {
			decode[entriesView](m, "GET", "/api/cache/entries?limit=10", "")
		}
		if status, _, _ := m.ask("GET", "/api/cache/entries?cursor="+second.Next, ""); status != 410 {
			t.Errorf("a list that was left goes on: %d", status)
		}
	}
}

func TestPurges(t *testing.T) {
	const tagged = "/a/1 /b/1"
	for _, soft := range []bool{false, true} {
		for _, c := range []struct {
			body, gone, log string
			responses       int
		}{
			{`{"url": "http://example.com/a/1"`, "/a/1", `url=http://example.com/a/1 soft=%v responses=1`, 1},
			{`{"url": "http://example.com/none"`, "", `url=http://example.com/none soft=%v responses=0`, 0},
			{`{"prefix": "http://example.com/a/"`, "/a/1 /a/2", `prefix=http://example.com/a/ soft=%v`, -1},
			{`{"tag": "red"`, tagged, `tag=red soft=%v`, -1},
			{`{"tag": "red", "prefix": "http://example.com/b"`, "/b/1", `prefix=http://example.com/b tag=red soft=%v`, -1},
			{`{"prefix": "http://"`, "/a/1 /a/2 /b/1 /b/2", `prefix=http:// soft=%v`, -1},
		} {
			t.Run(fmt.Sprint(c.body, soft), func(t *testing.T) {
				s := newStock(t, "")
				paths := []string{"/a/1", "/a/2", "/b/1", "/b/2"}
				for _, path := range paths {
					tag := "Cache-Tag: blue"
					if strings.Contains(tagged, path) {
						tag = "Cache-Tag: blue, red"
					}
					s.put(path, "", 10, "Cache-Control: max-age=60", tag)
				}
				m := manageCache(t, Config{}, s, origins(t, nil))
				v := decode[purged](m, "POST", "/api/cache/purge", fmt.Sprintf(`%s, "soft": %v}`, c.body, soft))
				if v.Soft != soft || v.Warning != "" || (v.Responses == nil) != (c.responses < 0) || v.Responses != nil && *v.Responses != c.responses {
					t.Errorf("%+v", v)
				}
				for _, path := range paths {
					gone := strings.Contains(c.gone, path)
					if s.usable(path) == gone {
						t.Errorf("%s is usable: %v", path, !gone)
					}
					status, text, _ := m.ask("GET", "/api/cache/entry?url=http://example.com"+path, "")
					if stays := status == 200; stays != (soft || !gone) || stays && strings.Contains(text, `"state": "invalid"`) != gone {
						t.Errorf("%s: %d %s", path, status, text)
					}
				}
				if want := "the cache was purged\" remote=127.0.0.1:"; !strings.Contains(m.log.String(), want) || !strings.Contains(m.log.String(), fmt.Sprintf(c.log, soft)) {
					t.Errorf("no %s in\n%s", fmt.Sprintf(c.log, soft), m.log)
				}
				list := decode[struct{ Purges []purgeView }](m, "GET", "/api/cache/purges", "").Purges
				if rule := c.responses < 0; rule != (len(list) == 1) || rule && list[0].Soft != soft {
					t.Errorf("in force: %+v", list)
				}
				if _, text, _ := m.ask("GET", "/metrics", ""); !strings.Contains(text, "proxyd_admin_changes_total 1\n") {
					t.Error("it is not counted as a change")
				}
			})
		}
	}
}

func TestWhatTheCacheRefuses(t *testing.T) {
	s := newStock(t, "")
	s.put("/a", "", 10, "Cache-Control: max-age=60")
	m := manageCache(t, Config{}, s, origins(t, nil))
	for _, c := range []struct {
		method, path, body string
		fields             []string
		status             int
		text               string
	}{
		{"POST", "purge", `{}`, nil, 400, "nothing is to be purged"},
		{"POST", "purge", `{"soft": true}`, nil, 400, "nothing is to be purged"},
		{"POST", "purge", `{"urls": ["http://a/"]}`, nil, 400, "known are url, prefix, tag, soft"},
		{"POST", "purge", `{"url": "/a"}`, nil, 400, `\"/a\" is not an absolute URL`},
		{"POST", "purge", `{"url": "https://example.com/a"}`, nil, 400, "not an absolute URL"},
		{"POST", "purge", `{"url": "http://example.com/a", "tag": "a"}`, nil, 400, "a url stands by itself"},
		{"POST", "purge", `{"prefix": "example.com"}`, nil, 400, "no beginning of a URL"},
		{"POST", "purge", `{"tag": "a, b"}`, nil, 400, "is not a tag"},
		{"POST", "purge", `{"tag": 7}`, nil, 400, "a number is not its value"},
		{"POST", "purge", `tag=a`, nil, 400, "send an object of url, prefix, tag, soft"},
		{"POST", "purge", `{"url": "http://example.com/a"}`, []string{"Content-Type: text/plain"}, 415, "not how a change is written"},
		{"POST", "purge", `{"url": "http://example.com/a"}`, []string{"Origin: http://evil.example"}, 403, "another origin"},
		{"POST", "purge", `{"url": "http://example.com/a"}`, []string{"Sec-Fetch-Site: same-origin"}, 403, "token of an earlier answer"},
		{"POST", "purge", `{"url": "http://example.com/a"}`, []string{"Host: evil.example"}, 421, "no name of the manager"},
		{"GET", "purge", "", nil, 405, "it takes POST"},
		{"DELETE", "entry?url=http://example.com/a", "", nil, 405, "it takes GET, HEAD"},
		{"GET", "entry?url=http://example.com/b", "", nil, 404, "nothing is stored for http://example.com/b"},
		{"GET", "entry", "", nil, 400, "not an absolute URL"},
		{"GET", "entries?prefx=a", "", nil, 400, "known are prefix, tag, limit, cursor"},
		{"GET", "entries?limit=0", "", nil, 400, "not between 1 and 500"},
		{"GET", "entries?limit=1&limit=2", "", nil, 400, "given 2 times"},
		{"GET", "entries?cursor=a.1", "", nil, 410, "begin the list again"},
		{"GET", "entries?cursor=a.1&tag=b", "", nil, 400, "leave prefix and tag out"},
	} {
		status, text, _ := m.ask(c.method, "/api/cache/"+c.path, c.body, c.fields...)
		if status != c.status || !strings.Contains(text, c.text) {
			t.Errorf("%s %s %s %v: %d %s", c.method, c.path, c.body, c.fields, status, text)
		}
	}
	if !s.usable("/a") || strings.Contains(m.log.String(), "purged") {
		t.Errorf("something was purged\n%s", m.log)
	}
	guarded := manageCache(t, Config{Token: "0123456789abcdef"}, s, origins(t, nil))
	if status, _, _ := guarded.ask("POST", "/api/cache/purge", `{"url": "http://example.com/a"}`); status != 401 || !s.usable("/a") {
		t.Errorf("without the token: %d", status)
	}
	if status, _, _ := guarded.ask("POST", "/api/cache/purge", `{"url": "http://example.com/a"}`, "Authorization: Bearer 0123456789abcdef"); status != 200 || s.usable("/a") {
		t.Errorf("with the token: %d", status)
	}
}

// As many purges as may be in force are refused with the time to wait, but for those
// of a URL.
func TestPurgesHaveABound(t *testing.T) {
	s := newStock(t, "")
	m := manageCache(t, Config{}, s, origins(t, nil))
	for s.Purge(store.Match{Tag: "x"}, false) == nil {
	}
	status, text, h := m.ask("POST", "/api/cache/purge", `{"tag": "y"}`)
	if status != 503 || h.Get("Retry-After") != "60" || !strings.Contains(text, "1024 purges are in force") {
		t.Errorf("%d %s %s", status, h.Get("Retry-After"), text)
	}
	s.put("/a", "", 10, "Cache-Control: max-age=60")
	if decode[purged](m, "POST", "/api/cache/purge", `{"url": "http://example.com/a"}`); s.usable("/a") {
		t.Error("a URL is not purged")
	}
}
