package cache

import (
	"testing"
	"time"
)

func TestStanding(t *testing.T) {
	const date, modified = "Date: Sun, 01 Mar 2026 12:00:00 GMT", "Last-Modified: Sun, 01 Mar 2026 10:20:00 GMT"
	came := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	site := &Policy{TTL: []TTL{{Path: "/site", For: 30 * time.Second}}}
	for _, c := range []struct {
		name    string
		path    string
		fields  []string
		invalid bool
		after   time.Duration
		want    Standing
	}{
		{"s-maxage before max-age", "/", []string{"Cache-Control: max-age=5, s-maxage=60"}, false, 9 * time.Second,
			Standing{9 * time.Second, time.Minute, "s-maxage", 0, -1, StateFresh}},
		{"age of other caches", "/", []string{"Cache-Control: max-age=60", "Age: 58"}, false, 3 * time.Second,
			Standing{61 * time.Second, time.Minute, "max-age", 0, -1, StateStale}},
		{"the last moment is not fresh", "/", []string{"Cache-Control: max-age=60"}, false, time.Minute,
			Standing{time.Minute, time.Minute, "max-age", 0, -1, StateStale}},
		{"Expires", "/", []string{"Expires: Sun, 01 Mar 2026 12:00:10 GMT"}, false, 0,
			Standing{0, 10 * time.Second, "Expires", 0, -1, StateFresh}},
		{"the site", "/site/a", nil, false, 10 * time.Second,
			Standing{10 * time.Second, 30 * time.Second, "ttl of the site", 0, -1, StateFresh}},
		{"the origin before the site", "/site/a", []string{"Cache-Control: max-age=5"}, false, 0,
			Standing{0, 5 * time.Second, "max-age", 0, -1, StateFresh}},
		{"heuristic", "/", []string{modified}, false, 0,
			Standing{0, 10 * time.Minute, "heuristic: a tenth of the time since Last-Modified", 0, -1, StateFresh}},
		{"stale-while-revalidate", "/", []string{"Cache-Control: max-age=5, stale-while-revalidate=10, stale-if-error=20"}, false, 6 * time.Second,
			Standing{6 * time.Second, 5 * time.Second, "max-age", 10 * time.Second, 20 * time.Second, StateRevalidating}},
		{"stale-while-revalidate is over", "/", []string{"Cache-Control: max-age=5, stale-while-revalidate=10"}, false, 15 * time.Second,
			Standing{15 * time.Second, 5 * time.Second, "max-age", 10 * time.Second, -1, StateStale}},
		{"must-revalidate forbids it", "/", []string{"Cache-Control: max-age=5, stale-while-revalidate=10, must-revalidate"}, false, 6 * time.Second,
			Standing{6 * time.Second, 5 * time.Second, "max-age", 10 * time.Second, -1, StateStale}},
		{"no-cache", "/", []string{"Cache-Control: max-age=60, no-cache", `ETag: "1"`}, false, 0,
			Standing{0, time.Minute, "max-age", 0, -1, StateNoCache}},
		{"purged softly", "/", []string{"Cache-Control: max-age=60, no-cache", `ETag: "1"`}, true, 0,
			Standing{0, time.Minute, "max-age", 0, -1, StateInvalid}},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := &Request{Method: []byte("GET"), Host: []byte("example.com"), Path: []byte(c.path)}
			q.Read(site)
			e, why := New(q, &Response{Status: 200, Fields: fieldsOf(append(c.fields, date)), Length: 1}, site, came, came)
			if e == nil {
				t.Fatalf("not stored: %v", why)
			}
			e.Invalid = c.invalid
			if got := e.Standing(site, came.Add(c.after)); got != c.want {
				t.Errorf("\n got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// A key of a URL that somebody wrote down is that of the request for it.
func TestKeysOfURLs(t *testing.T) {
	p := &Policy{IgnoreParams: []string{"utm_*"}}
	for url, want := range map[string]string{
		"http://example.com/a":                  "http://example.com/a",
		"HTTP://EXAMPLE.com:80/A?b=%7e&C":       "http://example.com/A?b=%7e&C",
		"http://example.com":                    "http://example.com/",
		"http://example.com?a":                  "http://example.com/?a",
		"http://[::1]:8080/a/../b//c;d":         "http://[::1]:8080/a/../b//c;d",
		"http://example.com/?utm_id=1&a=2":      "http://example.com/?a=2",
		"http://example.com/a?next=http://b/?c": "http://example.com/a?next=http://b/?c",
		"https://example.com/":                  "",
		"/a":                                    "",
		"example.com/a":                         "",
		"http://":                               "",
		"http:///a":                             "",
		"http://me@example.com/":                "",
		"http://example.com/a#b":                "",
		"http://example.com/a b":                "",
		"http://example.com/a\r\n":              "",
		"":                                      "",
	} {
		got, err := p.AppendURL(nil, url)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", url, got, err)
		}
	}
	for prefix, want := range map[string]string{
		"http://":                      "http://",
		"http://Exam":                  "http://exam",
		"http://Example.com:80/Images": "http://example.com/Images",
		"http://example.com/a?B":       "http://example.com/a?B",
		"http://Example.com:80":        "http://example.com/",
		"http://example.com:8080":      "http://example.com:8080",
		"http":                         "",
		"/a":                           "",
		"http://a/b c":                 "",
	} {
		got, err := AppendPrefix(nil, prefix)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", prefix, got, err)
		}
	}
}
