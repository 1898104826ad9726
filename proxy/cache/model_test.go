package cache

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Random clients and a random origin server, whose representations have honest
// validators and change behind the cache's back. After each request the oracle
// says whether what the cache did was allowed, and whether it asked the origin
// without need.
//
// CACHE_MODEL_STEPS=10000000 makes a longer run; the default is 100,000 requests.
func TestAgainstAnOracle(t *testing.T) {
	steps := 100_000
	if s := os.Getenv("CACHE_MODEL_STEPS"); s != "" {
		var err error
		if steps, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		steps = 20_000
	}
	var seen tally
	const length = 100
	for seen.requests < steps && !t.Failed() {
		rapid.Check(t, func(t *rapid.T) {
			m := newModel(t, &seen)
			for range length {
				m.step()
			}
		})
	}
	t.Logf("%d requests: %v", seen.requests, seen.outcomes)
	for o := Pass; o <= Timeout; o++ {
		if seen.outcomes[o] < seen.requests/2000 {
			t.Errorf("only %d of %d requests were a %v: the model does not try it", seen.outcomes[o], seen.requests, o)
		}
	}
	if seen.rescued < seen.requests/2000 || seen.freshened < seen.requests/2000 {
		t.Errorf("%d answers for a failed origin and %d by a 304 of %d", seen.rescued, seen.freshened, seen.requests)
	}
}

type tally struct {
	requests, rescued, freshened int
	outcomes                     [Timeout + 1]int
}

type model struct {
	t    *rapid.T
	l    *lab
	o    *oracle
	seen *tally

	start    time.Time
	versions map[string]int // of each path
	kinds    map[string]int // what validators it has
	serial   int
	failed   int // status of an origin that failed in this step
	heard    []func()
}

func newModel(t *rapid.T, seen *tally) *model {
	m := &model{
		t: t, l: newLab(), seen: seen, versions: map[string]int{}, kinds: map[string]int{},
		o: &oracle{ttl: map[string]time.Duration{"/c": 30 * time.Second}},
	}
	m.l.p.TTL = []TTL{{Path: "/c", For: 30 * time.Second}}
	m.start = m.l.now
	m.l.origin = func(_ *lab, r request) reply { return m.origin(r) }
	for _, path := range paths {
		m.kinds[path] = rapid.IntRange(0, 4).Draw(t, "validators of "+path)
	}
	return m
}

func (m *model) pick(what string, from ...string) string {
	return from[rapid.IntRange(0, len(from)-1).Draw(m.t, what)]
}

// seldom is true once in n times.
func (m *model) seldom(what string, n int) bool {
	return rapid.IntRange(0, n-1).Draw(m.t, what) == 1
}

var (
	paths     = []string{"/a", "/b", "/c"}
	encodings = []string{"gzip, br", "br,GZIP;q=1.0", "x-gzip , br", "gzip", "br;q=0.5, gzip", ""}
	vary      = []string{"X-V", "Accept-Encoding", "x-v, accept-encoding", "*"}

	requestControl = []string{
		"max-age=0", "max-age=10", "max-age=x", "max-stale", "max-stale=10", "min-fresh=15", "no-cache", "no-store", "only-if-cached",
		"max-age=5, max-stale", "stale-if-error=60", "max-age=\"20\"", "only-if-cached, max-stale=30", "x-other",
	}
	responseControl = []string{
		"max-age=10", "max-age=60", "max-age=30, stale-while-revalidate=30", "max-age=5, stale-if-error=100", "s-maxage=20, max-age=5",
		"max-age=60, must-revalidate", "max-age=10, proxy-revalidate, stale-while-revalidate=60", "max-age=60, no-cache", "no-store", "private",
		"max-age=60, private=\"x-user\"", "max-age=60, no-cache=\"X-User\"", "max-age=60, no-cache=\"cache-control\"", "public", "public, max-age=40",
		"max-age=x", "max-age=-5", "max-age=1.5", "max-age='10'", "max-age", "max-age=99999999999999", "MAX-AGE=\"30\"", "no-store, must-understand, max-age=30",
		"max-age=60, immutable", "max-age=10, s-maxage=5, stale-if-error=60", "max-age=0", "max-age=10, max-age=99", "unheard=\"no-store, a\", max-age=20",
		"private=\"\"", "max-age=50, private=\"x", "s-maxage=x, max-age=90",
	}
	// cdnMeans has valid CDN-Cache-Control fields and what they mean as a
	// Cache-Control; others of the pool are no field at all.
	cdnMeans = map[string]string{
		"max-age=50": "max-age=50", "max-age=10;x=1, stale-while-revalidate=20": "max-age=10, stale-while-revalidate=20", "no-store": "no-store",
		"none": "none", "max-age=5.0": "max-age=0", "max-age=1, max-age=40": "max-age=40", "private=\"x-user\", max-age=30": "private=\"x-user\", max-age=30",
		"no-store=?0, max-age=20": "max-age=20", "max-age=\"50\"": "max-age=0",
	}
	cdnControl = []string{
		"max-age=50", "max-age=10;x=1, stale-while-revalidate=20", "no-store", "none", "max-age=5.0", "max-age=1, max-age=40",
		"private=\"x-user\", max-age=30", "no-store=?0, max-age=20", "max-age=\"50\"", "Max-Age=50", "max-age=50,", "", "max-age=50 60",
	}
	ages   = []string{"5", "30", "-3", "x", "7, 100", "99999999999999999999"}
	ranges = []string{"bytes=0-4", "bytes=5-", "bytes=-3", "bytes=2-6", "bytes=100-", "bytes=9-2", "lines=1-2", "bytes=0-0", "bytes=1-99999999999999999"}
)

// step is one request, and the time before it.
func (m *model) step() {
	pause := m.pick("pause", "0s", "0s", "500ms", "1s", "3s", "10s", "30s", "100s", "2h")
	d, _ := time.ParseDuration(pause)
	m.l.now = m.l.now.Add(d)
	path := m.pick("path", paths...)
	if m.seldom("changed", 6) {
		m.versions[path]++
	}
	r := m.request(path)
	asked := table(r.fields)
	url := "example.com" + path
	now := m.l.now
	before := slices.Clone(m.o.kept)
	m.failed, m.heard = 0, nil
	m.t.Logf("%v client sends %s %s %v", now.Sub(m.start), r.method, path, r.fields)
	res := m.l.serve(r)
	m.t.Logf("%v   %v %v: %d %v %q", m.l.now.Sub(m.start), res.decision.Outcome, res.decision.Reason, res.status, res.fields, res.body)
	m.seen.requests++
	m.seen.outcomes[res.decision.Outcome]++
	switch {
	case res.decision.Outcome == Timeout:
		m.checkNeedless(before, r.method, url, asked, now, "504")
	case res.decision.Reason == OnError:
		m.seen.rescued++
		m.checkServed(before, res, r.method, url, asked, m.l.now, m.failed)
	case res.decision.Outcome == Hit, res.decision.Outcome == HitStale:
		m.checkServed(before, res, r.method, url, asked, now, 0)
	default:
		m.checkNeedless(before, r.method, url, asked, now, res.decision.Outcome.String())
		if res.taken.Answer != nil {
			m.seen.freshened++
			m.checkValidated(path, res, asked)
		}
	}
	if m.l.deaf && len(m.heard) > 0 && m.failed != 504 {
		m.heard = m.heard[:len(m.heard)-1]
	}
	for _, tell := range m.heard {
		tell()
	}
}

// request draws what a client sends.
func (m *model) request(path string) request {
	r := request{target: path, host: m.pick("host", "example.com", "example.com", "EXAMPLE.COM:80")}
	r.method = m.pick("method", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "HEAD", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
	add := func(name string, n int, values ...string) {
		if m.seldom(name, n) {
			r.fields = append(r.fields, name+": "+m.pick(name, values...))
		}
	}
	add("X-V", 3, "1", "2")
	add("Accept-Encoding", 2, encodings...)
	add("Cache-Control", 3, requestControl...)
	if m.seldom("uncommon", 3) {
		add("Pragma", 6, "no-cache")
		add("Authorization", 5, "Basic eA==")
		add("Cookie", 4, "id=1")
		add("If-Match", 12, `"x"`)
		add("X-Forwarded-Host", 12, "evil.example")
	}
	if m.seldom("conditional", 4) {
		add("If-None-Match", 2, m.tag(path, 0), m.tag(path, -1), "W/"+m.tag(path, 0), "*", `"nobody's", `+m.tag(path, 0))
		add("If-Modified-Since", 3, m.modified(path, 0), m.modified(path, -1), m.l.now.Format(http.TimeFormat), "soon")
	}
	if m.seldom("part", 4) {
		r.fields = append(r.fields, "Range: "+m.pick("Range", ranges...))
		add("If-Range", 3, m.tag(path, 0), m.tag(path, -1), m.modified(path, 0), "W/"+m.tag(path, 0))
	}
	return r
}

// tag is the entity tag of the representation that a version of path has without
// X-V, as far as it has one.
func (m *model) tag(path string, older int) string {
	return fmt.Sprintf("%q", fmt.Sprintf("%s.%d.", path[1:], m.versions[path]+older))
}

func (m *model) modified(path string, older int) string {
	return m.start.Add(time.Duration(m.versions[path]+older-10000) * time.Minute).Format(http.TimeFormat)
}

// origin answers a forwarded request; the oracle hears of it when the step has
// been judged.
func (m *model) origin(r request) reply {
	sent := m.l.now
	delay := m.pick("delay", "0s", "0s", "0s", "2s", "15s")
	d, _ := time.ParseDuration(delay)
	m.l.now = m.l.now.Add(d)
	path, asked := r.target, table(r.fields)
	out := m.respond(r, path, asked)
	if out.status == 0 {
		m.failed = 504
		return out
	}
	if out.status >= 500 {
		m.failed = out.status
	}
	now, url := m.l.now, "example.com"+path
	m.t.Logf("%v   origin gets %s %s %v: %d %v %q cut %d", now.Sub(m.start), r.method, path, r.fields, out.status, out.fields, out.body, out.cut)
	m.heard = append(m.heard, func() { m.o.heard(r.method, url, path, asked, out, sent, now) })
	return out
}

// respond draws an answer. Its representation is that of the present version, for
// the fields that Vary may name.
func (m *model) respond(r request, path string, asked map[string][]string) reply {
	m.serial++
	name := m.representation(path, asked)
	body := "the representation " + name
	out := reply{status: 200, body: body, fields: []string{"X-Serial: " + strconv.Itoa(m.serial)}}
	tag, modified := "", ""
	switch m.kinds[path] {
	case 0, 1:
		tag, modified = `"`+name+`"`, m.modified(path, 0)
	case 2:
		tag = `W/"` + name + `"`
	case 3:
		modified = m.modified(path, 0)
	}
	m.describe(&out, tag, modified)
	unsafe := r.method != "GET" && r.method != "HEAD"
	switch m.pick("answer", "", "", "", "", "", "", "", "", "404", "302", "301", "299", "503", "500", "400", "fail", "cut", "204") {
	case "404", "302", "301", "299", "503", "500", "400", "204":
		out.status, _ = strconv.Atoi(m.pick("status", "404", "302", "301", "299", "503", "500", "400"))
		out.body = fmt.Sprintf("status %d, %d", out.status, m.serial)
		return out
	case "fail":
		return reply{}
	case "cut":
		if r.method == "GET" {
			out.cut = 12
		}
	}
	if unsafe {
		m.versions[path]++
		if r.method == "POST" && m.seldom("location", 2) {
			out.fields = append(out.fields, "Content-Location: "+path)
		}
		return out
	}
	if r.method == "HEAD" {
		out.fields = append(out.fields, "Content-Length: "+strconv.Itoa(len(body)))
		return out
	}
	return m.conditionally(out, asked, tag, modified)
}

// representation names what a path has at present for these fields. A date alone
// would not tell variants apart, so where there is no tag there are none.
func (m *model) representation(path string, asked map[string][]string) string {
	variant := ""
	if m.kinds[path] < 3 {
		variant = strings.Join(asked["x-v"], "")
	}
	return fmt.Sprintf("%s.%d.%s", path[1:], m.versions[path], variant)
}

// describe draws the fields of a response.
func (m *model) describe(out *reply, tag, modified string) {
	add := func(name string, n int, values ...string) {
		if m.seldom(name, n) {
			out.fields = append(out.fields, name+": "+m.pick(name, values...))
		}
	}
	if tag != "" {
		if tag[0] == '"' && m.seldom("weaker", 8) {
			tag = "W/" + tag
		}
		out.fields = append(out.fields, "ETag: "+tag)
	}
	if modified != "" {
		out.fields = append(out.fields, "Last-Modified: "+modified)
	}
	if !m.seldom("no Cache-Control", 5) {
		out.fields = append(out.fields, "Cache-Control: "+m.pick("Cache-Control of response", responseControl...))
	}
	at := func(d time.Duration) string { return m.l.now.Add(d).Format(http.TimeFormat) }
	if !m.seldom("no Date", 6) {
		out.fields = append(out.fields, "Date: "+m.pick("Date", at(0), at(0), at(0), at(-20*time.Second), at(20*time.Second), "yesterday"))
	}
	add("Expires", 5, at(30*time.Second), at(-time.Hour), "0", strings.Replace(at(time.Hour), "GMT", "EST", 1))
	add("Age", 8, ages...)
	add("Vary", 4, vary...)
	add("CDN-Cache-Control", 8, cdnControl...)
	add("X-User", 6, "somebody")
	add("Set-Cookie", 20, "id=1")
}

// conditionally evaluates what was forwarded as an origin server does.
func (m *model) conditionally(out reply, asked map[string][]string, tag, modified string) reply {
	k := &kept{status: 200, fields: table(out.fields), body: []byte(out.body), total: len(out.body), got: m.l.now}
	probe := map[string][]string{"if-none-match": asked["if-none-match"], "if-modified-since": asked["if-modified-since"]}
	if len(probe["if-none-match"]) == 0 {
		delete(probe, "if-none-match")
	}
	if modified == "" || len(probe["if-modified-since"]) == 0 {
		delete(probe, "if-modified-since")
	}
	if k.statusFor("GET", probe) == 304 {
		out.status, out.body, out.cut = 304, "", 0
		if m.seldom("terse", 10) { // a 304 without its validators
			out.fields = slices.DeleteFunc(out.fields, func(f string) bool {
				return strings.HasPrefix(f, "ETag") || strings.HasPrefix(f, "Last-Modified")
			})
		}
		return out
	}
	v, ok := one(asked, "range")
	if !ok || m.seldom("no ranges", 6) || !k.rangeCounts(asked) {
		return out
	}
	from, to, ok := naiveRange(v, len(out.body))
	if !ok {
		if strings.HasPrefix(v, "bytes=") && !strings.Contains(v, "9-2") {
			out.status, out.cut, out.body = 416, 0, ""
		}
		return out
	}
	total := strconv.Itoa(len(out.body))
	if m.seldom("length not told", 8) {
		total = "*"
	}
	out.fields = append(out.fields, fmt.Sprintf("Content-Range: bytes %d-%d/%s", from, to, total))
	out.status, out.body, out.cut = 206, out.body[from:to+1], 0
	return out
}

// checkServed wants what was served without the origin to be allowed, and to be
// what the oracle has.
func (m *model) checkServed(kept []*kept, res result, method, url string, asked map[string][]string, now time.Time, failed int) {
	serial := serialOf(res.decision.Entry)
	for _, k := range kept {
		if s, _ := one(k.fields, "x-serial"); s != serial {
			continue
		}
		why := m.o.mayServe(k, method, url, asked, now, failed)
		if why != "" {
			continue // another with the same serial may be allowed
		}
		m.compare(k, res, method, asked, now)
		return
	}
	m.t.Fatalf("%s %s %v was answered from %s by %v %v, of what is stored:%s", method, url, asked, serial,
		res.decision.Outcome, res.decision.Reason, m.explain(kept, method, url, asked, now, failed))
}

// explain says of each stored response why it may not be used.
func (m *model) explain(kept []*kept, method, url string, asked map[string][]string, now time.Time, failed int) (s string) {
	for _, k := range kept {
		if k.url == url {
			s += fmt.Sprintf("\n\t%v age %v of %v complete %v asked %v: %q", k.fields, k.currentAge(now), k.lifetime(m.o), k.complete(), k.asked,
				m.o.mayServe(k, method, url, asked, now, failed))
		}
	}
	return s
}

// compare holds an answer against the stored response that it is made of.
func (m *model) compare(k *kept, res result, method string, asked map[string][]string, now time.Time) {
	fail := func(format string, args ...any) {
		m.t.Helper()
		m.t.Fatalf("%s %v, answer %d %v %q: %s", method, asked, res.status, res.fields, res.body, fmt.Sprintf(format, args...))
	}
	if want := k.statusFor(method, asked); res.status != want {
		fail("status is to be %d", want)
	}
	if age, _ := res.get("Age"); age != strconv.Itoa(int(k.currentAge(now))) {
		fail("Age is to be %v", k.currentAge(now))
	}
	if _, ok := res.get("X-User"); ok && len(k.fields["x-user"]) == 0 {
		fail("X-User is not for all")
	}
	want := ""
	switch {
	case res.status == 206:
		v, _ := one(asked, "range")
		from, to, _ := naiveRange(v, k.total)
		want = string(k.body[from : to+1])
		total := strconv.Itoa(k.total)
		if k.total < 0 {
			total = "*"
		}
		if got, _ := res.get("Content-Range"); got != fmt.Sprintf("bytes %d-%d/%s", from, to, total) {
			fail("Content-Range is to be %d-%d/%s", from, to, total)
		}
	case res.status == 304 || res.status == 416 || method == "HEAD":
	default:
		want = string(k.body)
	}
	if res.body != want {
		fail("the body is to be %q", want)
	}
}

// checkNeedless wants the origin to be asked only if something that is stored, and
// fits, may not be used.
func (m *model) checkNeedless(kept []*kept, method, url string, asked map[string][]string, now time.Time, outcome string) {
	fits, may := 0, 0
	for _, k := range kept {
		if k.url != url || !k.matches(asked) {
			continue
		}
		fits++
		if m.o.mayServe(k, method, url, asked, now, 0) == "" {
			may++
		}
	}
	if fits > 0 && fits == may {
		m.t.Fatalf("%s %s %v was a %s, but all that fits may be used:%s", method, url, asked, outcome,
			m.explain(kept, method, url, asked, now, 0))
	}
}

// checkValidated wants an answer that the origin has just confirmed to be its
// present representation.
func (m *model) checkValidated(path string, res result, asked map[string][]string) {
	body := "the representation " + m.representation(path, asked)
	switch {
	case res.status == 200 && res.body != "" && res.body != body, res.status == 206 && !strings.Contains(body, res.body):
		m.t.Fatalf("%s %v: validated answer %d %q, while the origin has %q", path, asked, res.status, res.body, body)
	}
}

// serialOf is the mark of the last response that a stored one was updated by.
func serialOf(e *Entry) string {
	for _, f := range e.Fields {
		if string(f.Name) == "X-Serial" {
			return string(f.Value)
		}
	}
	return ""
}
