package cache

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The oracle is a cache as the RFC describes one, with no thought for cost and
// nothing taken from the code under test: strings, maps and whole copies. It
// follows what the origin server was asked and said, and knows by that what a
// cache may and may not do with the next request.
type oracle struct {
	kept []*kept
	ttl  map[string]time.Duration // the Site's, by path
}

// kept is a stored response.
type kept struct {
	url, path string
	asked     map[string][]string // request fields that led to it
	status    int
	fields    map[string][]string // names in lower case
	sent, got time.Time           // request_time and response_time
	age       int64
	body      []byte
	have      []bool // which bytes of the body are stored
	total     int    // -1 where nobody said
	invalid   bool
	onlySaid  bool // neither the Site nor a heuristic makes it fresh
}

func table(lines []string) map[string][]string {
	m := map[string][]string{}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ":")
		name = strings.ToLower(name)
		m[name] = append(m[name], strings.TrimSpace(value))
	}
	return m
}

// saidIn reads Cache-Control: name to argument, the first of each name;
// "\x00" stands for no argument.
func saidIn(lines []string) map[string]string {
	m := map[string]string{}
	for _, l := range lines {
		quoted, from := false, 0
		l += ","
		for i, c := range l {
			if c == '"' {
				quoted = !quoted
			}
			if c != ',' || quoted && i < len(l)-1 {
				continue
			}
			name, arg, has := strings.Cut(strings.TrimSpace(l[from:i]), "=")
			from = i + 1
			if !has {
				arg = "\x00"
			}
			if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
				continue
			}
			if old, there := m[name]; !there || strings.ContainsAny(name, "pn") && len(old) > 1 && (name == "private" || name == "no-cache") && arg == "\x00" {
				m[name] = arg
			}
		}
	}
	return m
}

// rules are the directives that count for a response: of CDN-Cache-Control where
// that is valid and not empty, as the pool of the model says.
func (k *kept) rules() map[string]string {
	if v := k.fields["cdn-cache-control"]; len(v) == 1 {
		if means, ok := cdnMeans[v[0]]; ok {
			return saidIn([]string{means})
		}
	}
	return saidIn(k.fields["cache-control"])
}

func (k *kept) targeted() bool {
	v := k.fields["cdn-cache-control"]
	if len(v) != 1 {
		return false
	}
	_, ok := cdnMeans[v[0]]
	return ok
}

// unqualified says whether a directive is there that means the whole response.
func unqualified(d map[string]string, name string) bool {
	arg, there := d[name]
	return there && (arg == "\x00" || strings.Trim(arg, `"`) == "" || strings.Count(arg, `"`) == 1)
}

// never says whether no-cache is about the response: it names no field, or one
// that this very rule is read from.
func never(d map[string]string) bool {
	return unqualified(d, "no-cache") || strings.Contains(strings.ToLower(d["no-cache"]), "cache-control")
}

// deltaOf reads delta-seconds of a directive; invalid ones are 0.
func deltaOf(arg string) float64 {
	if len(arg) > 1 && arg[0] == '"' && arg[len(arg)-1] == '"' {
		arg = arg[1 : len(arg)-1]
	}
	if arg == "" || strings.Trim(arg, "0123456789") != "" {
		return 0
	}
	n, err := strconv.ParseInt(arg, 10, 64)
	if err != nil || n > 1<<31 {
		return 1 << 31
	}
	return float64(n)
}

func one(fields map[string][]string, name string) (string, bool) {
	if v := fields[name]; len(v) > 0 {
		return v[0], true
	}
	return "", false
}

// §4.2.3
func (k *kept) currentAge(now time.Time) float64 {
	date := k.date()
	apparent := math.Max(0, k.got.Sub(date).Seconds())
	corrected := float64(k.age) + k.got.Sub(k.sent).Seconds()
	return math.Max(apparent, corrected) + now.Sub(k.got).Seconds()
}

func (k *kept) date() time.Time {
	if v, ok := one(k.fields, "date"); ok {
		if d, err := http.ParseTime(v); err == nil {
			return d
		}
	}
	return k.got
}

func (k *kept) lastModified() (time.Time, bool) {
	v, ok := one(k.fields, "last-modified")
	d, err := http.ParseTime(v)
	return d, ok && err == nil
}

var theRequestsFault = []int{400, 412, 416, 429}

var heuristically = []int{200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501}

func (k *kept) explicit() bool {
	d := k.rules()
	_, s := d["s-maxage"]
	_, m := d["max-age"]
	return s || m || !k.targeted() && len(k.fields["expires"]) > 0
}

// §4.2.1
func (k *kept) lifetime(o *oracle) float64 {
	d := k.rules()
	if v, ok := d["s-maxage"]; ok {
		return deltaOf(v)
	}
	if v, ok := d["max-age"]; ok {
		return deltaOf(v)
	}
	if v, ok := one(k.fields, "expires"); ok && !k.targeted() {
		t, err := http.ParseTime(v)
		if err != nil {
			return 0
		}
		return math.Max(0, t.Sub(k.date()).Seconds())
	}
	if k.onlySaid {
		return 0
	}
	if ttl, ok := o.ttl[k.path]; ok && slices.Contains([]int{200, 203, 204, 206, 300, 301, 308}, k.status) {
		return ttl.Seconds()
	}
	_, public := d["public"]
	if lm, ok := k.lastModified(); ok && (public || slices.Contains(heuristically, k.status)) {
		return math.Min(86400, math.Max(0, k.date().Sub(lm).Seconds())/10)
	}
	return 0
}

// §4.1: the fields that Vary nominates are the same in both requests, but for
// spaces, the division into lines, and for Accept-Encoding order and case.
func (k *kept) matches(asked map[string][]string) bool {
	return k.agrees(asked, "")
}

// coded says whether k was made for the same Accept-Encoding, where that matters.
func (k *kept) coded(asked map[string][]string) bool {
	return k.agrees(asked, "accept-encoding")
}

// agrees holds the fields that Vary names against those of a request; only one of
// them, where a name is given.
func (k *kept) agrees(asked map[string][]string, only string) bool {
	for _, line := range k.fields["vary"] {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			if only != "" && name != only {
				continue
			}
			if name == "*" {
				return false
			}
			a, b := k.asked[name], asked[name]
			if (len(a) == 0) != (len(b) == 0) {
				return false
			}
			if name == "accept-encoding" {
				if meansEncoding(a) != meansEncoding(b) {
					return false
				}
			} else if strings.Join(a, ", ") != strings.Join(b, ", ") {
				return false
			}
		}
	}
	return true
}

// meansEncoding knows the spellings of the model's pool.
func meansEncoding(lines []string) string {
	var list []string
	for e := range strings.SplitSeq(strings.ToLower(strings.Join(lines, ",")), ",") {
		e = strings.ReplaceAll(strings.ReplaceAll(e, " ", ""), ";q=1.0", "")
		if e != "" {
			list = append(list, strings.TrimPrefix(e, "x-"))
		}
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

func (k *kept) etag() string { v, _ := one(k.fields, "etag"); return v }

// modifiedStrong is RFC 9110 §8.8.2.2.
func (k *kept) modifiedStrong() bool {
	lm, ok := k.lastModified()
	return ok && !k.date().Before(lm.Add(time.Second))
}

func (k *kept) complete() bool { return k.total >= 0 && !slices.Contains(k.have, false) }

// mayServe says why k may not answer the request without a word from the origin;
// "" where it may. failed is the status of an origin that failed, or 0.
func (o *oracle) mayServe(k *kept, method, url string, asked map[string][]string, now time.Time, failed int) string {
	if method != "GET" && method != "HEAD" {
		return "§4: method " + method
	}
	if k.url != url {
		return "§4: another URI"
	}
	if !k.matches(asked) {
		return "§4.1: nominated fields differ"
	}
	d := k.rules()
	if never(d) {
		return "§5.2.2.4: no-cache"
	}
	if k.invalid {
		return "§4.4: invalid"
	}
	if len(asked["if-match"])+len(asked["if-unmodified-since"]) > 0 {
		return "§4.3.2: a precondition for the origin"
	}
	if !k.complete() {
		if method != "GET" || !k.holdsRange(asked) {
			return "§3.3: incomplete"
		}
	}
	q := saidIn(asked["cache-control"])
	if _, ok := q["no-cache"]; ok {
		return "§5.2.1.4: no-cache of the request"
	}
	if len(asked["cache-control"]) == 0 && len(asked["pragma"]) > 0 {
		return "§5.4: Pragma"
	}
	age, life := k.currentAge(now), k.lifetime(o)
	fresh := life > age
	_, immutable := d["immutable"]
	if v, ok := q["max-age"]; ok && age > deltaOf(v) && !(immutable && fresh) && failed == 0 {
		return "§5.2.1.1: older than max-age"
	}
	if v, ok := q["min-fresh"]; ok && life-age < deltaOf(v) && failed == 0 {
		return "§5.2.1.3: not min-fresh"
	}
	if fresh {
		return ""
	}
	for _, name := range []string{"must-revalidate", "proxy-revalidate", "s-maxage"} {
		if _, ok := d[name]; ok {
			return "§4.2.4: stale, and " + name
		}
	}
	if v, ok := q["max-stale"]; ok && failed == 0 && (v == "\x00" || age-life <= deltaOf(v)) {
		return ""
	}
	_, limited := q["max-age"]
	if v, ok := d["stale-while-revalidate"]; ok && failed == 0 && !limited && age-life < deltaOf(v) {
		return ""
	}
	if slices.Contains([]int{500, 502, 503, 504}, failed) {
		v, said := d["stale-if-error"]
		w, wanted := q["stale-if-error"]
		switch {
		case said && age-life > deltaOf(v) || wanted && age-life > deltaOf(w):
			return "RFC 5861 §4: too stale"
		case said || wanted:
			return ""
		}
	}
	return "§4.2.4: stale"
}

// holdsRange says whether the one range that is asked for lies in what is there.
func (k *kept) holdsRange(asked map[string][]string) bool {
	v, ok := one(asked, "range")
	if !ok || len(asked["range"]) > 1 || strings.Contains(v, ",") || !k.rangeCounts(asked) {
		return false
	}
	from, to, ok := naiveRange(v, k.total)
	if !ok || to >= len(k.have) {
		return false
	}
	return !slices.Contains(k.have[from:to+1], false)
}

// naiveRange reads one range of bytes.
func naiveRange(v string, total int) (from, to int, ok bool) {
	v, isBytes := strings.CutPrefix(v, "bytes=")
	a, b, dash := strings.Cut(v, "-")
	if !isBytes || !dash {
		return 0, 0, false
	}
	if a == "" {
		n, err := strconv.Atoi(b)
		if err != nil || n == 0 || total <= 0 {
			return 0, 0, false
		}
		return max(0, total-n), total - 1, true
	}
	from, err := strconv.Atoi(a)
	if err != nil || total >= 0 && from >= total {
		return 0, 0, false
	}
	to = total - 1
	if b != "" {
		if to, err = strconv.Atoi(b); err != nil || to < from {
			return 0, 0, false
		}
		if total >= 0 {
			to = min(to, total-1)
		}
	}
	return from, to, to >= from
}

// rangeCounts is RFC 9110 §13.1.5.
func (k *kept) rangeCounts(asked map[string][]string) bool {
	v, ok := one(asked, "if-range")
	if !ok {
		return true
	}
	if strings.Contains(v, `"`) {
		return v == k.etag() && !strings.HasPrefix(v, "W/")
	}
	t, err := http.ParseTime(v)
	lm, has := k.lastModified()
	return err == nil && has && t.Equal(lm) && k.modifiedStrong()
}

// status is what the client has to get from k (RFC 9110 §13.2.2, §14.2): 304, 206,
// 416 or k's own.
func (k *kept) statusFor(method string, asked map[string][]string) int {
	if k.status != 200 {
		return k.status
	}
	if inm, ok := asked["if-none-match"]; ok {
		for t := range strings.SplitSeq(strings.Join(inm, ","), ",") {
			t = strings.TrimSpace(t)
			if t == "*" || k.etag() != "" && strings.TrimPrefix(t, "W/") == strings.TrimPrefix(k.etag(), "W/") {
				return 304
			}
		}
	} else if v, ok := one(asked, "if-modified-since"); ok {
		since, err := http.ParseTime(v)
		lm, has := k.lastModified()
		if !has {
			lm = k.date()
		}
		if err == nil && !lm.After(since) {
			return 304
		}
	}
	v, ok := one(asked, "range")
	var first, last int
	if n, _ := fmt.Sscanf(v, "bytes=%d-%d", &first, &last); n == 2 && first >= 0 && last < first { // no valid range-set
		return 200
	}
	if method != "GET" || !ok || !strings.HasPrefix(v, "bytes=") || !k.rangeCounts(asked) || k.total == 0 {
		return 200
	}
	if _, _, ok := naiveRange(v, k.total); ok {
		return 206
	}
	return 416
}

// refuses says why the response to a request may not be stored (§3, and what the
// package does beyond it); "" where it may.
func (o *oracle) refuses(method string, asked map[string][]string, k *kept) string {
	d := k.rules()
	q := saidIn(asked["cache-control"])
	_, public := d["public"]
	_, must := d["must-revalidate"]
	_, smax := d["s-maxage"]
	_, noStore := d["no-store"]
	_, understand := d["must-understand"]
	known := k.status != 299
	switch {
	case method != "GET" && !(method == "POST" && k.status == 200 && k.explicit() && k.fields["content-location"] != nil && k.fields["content-location"][0] == k.path):
		return "method"
	case k.status < 200 || k.status == 304 || understand && !known:
		return "status"
	case noStore && !understand:
		return "no-store"
	case unqualified(d, "private"):
		return "private"
	case len(asked["authorization"]) > 0 && !public && !must && !smax:
		return "authorization"
	case strings.Contains(strings.Join(k.fields["vary"], ","), "*"):
		return "vary"
	case len(k.fields["set-cookie"]) > 0:
		return "set-cookie"
	case len(asked["x-forwarded-host"]) > 0:
		return "unkeyed"
	case slices.Contains(theRequestsFault, k.status):
		return "error of the request"
	}
	if _, ok := q["no-store"]; ok {
		return "no-store of the request"
	}
	_, site := o.ttl[k.path]
	site = site && !k.onlySaid && slices.Contains([]int{200, 203, 204, 300, 301, 308}, k.status)
	if !k.explicit() && !public && !site && !slices.Contains(heuristically, k.status) {
		return "not cacheable"
	}
	swr, sie := deltaOf(d["stale-while-revalidate"]), deltaOf(d["stale-if-error"])
	_, proxy := d["proxy-revalidate"]
	later := !must && !smax && !proxy && !never(d) && (swr > 0 || d["stale-if-error"] != "" && sie > 0)
	fresh := k.lifetime(o) > k.currentAge(k.got) && !never(d)
	if _, lm := k.lastModified(); !fresh && !later && (k.etag() == "" && !lm || k.status != 200) {
		return "useless"
	}
	return ""
}
