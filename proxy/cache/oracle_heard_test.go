package cache

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the oracle makes of responses: what it stores, updates and forgets.

// strip takes the fields out that are not stored (§3.1).
func (k *kept) strip() {
	d := k.rules()
	for _, name := range []string{"private", "no-cache"} {
		for f := range strings.SplitSeq(strings.Trim(d[name], `"`), ",") {
			if f = strings.ToLower(strings.TrimSpace(f)); f != "cache-control" {
				delete(k.fields, f)
			}
		}
	}
	delete(k.fields, "age")
	delete(k.fields, "content-range")
}

func naiveAge(fields map[string][]string) int64 {
	v, _ := one(fields, "age")
	v, _, _ = strings.Cut(v, ",")
	return int64(deltaOf(strings.TrimSpace(v)))
}

// heard is what the oracle makes of a response. asked is what the client sent,
// which is what Vary is about.
func (o *oracle) heard(method, url, path string, asked map[string][]string, r reply, sent, got time.Time) {
	fields := table(r.fields)
	if d, ok := one(fields, "date"); !ok {
		fields["date"] = []string{got.UTC().Format(http.TimeFormat)}
	} else if _, err := http.ParseTime(d); err != nil {
		fields["date"] = []string{got.UTC().Format(http.TimeFormat)}
	}
	k := &kept{
		url: url, path: path, asked: asked, status: r.status, fields: fields, sent: sent, got: got, age: naiveAge(fields),
		onlySaid: len(asked["cookie"]) > 0, body: []byte(r.body), total: len(r.body),
	}
	for range k.body {
		k.have = append(k.have, true)
	}
	switch {
	case !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, method) && r.status >= 200 && r.status < 400: // §4.4
		o.kept = slices.DeleteFunc(o.kept, func(e *kept) bool { return e.url == url })
	case r.status == 304:
		o.heard304(k, asked)
		return
	case method == "HEAD" && r.status == 200:
		o.heardHEAD(k, asked)
		return
	}
	if r.status == 206 && method == "GET" {
		from, total, ok := naiveContentRange(fields)
		if ok && o.combine(k, from, total, asked) {
			return
		}
		if !ok || len(asked["if-range"]) > 0 {
			return
		}
		k.status = 200
		k.total = total
		k.place(from, k.body)
	}
	why := o.refuses(method, asked, k)
	if why == "" && r.cut > 0 {
		o.forget(url, asked)
		strong := k.etag() != "" && !strings.HasPrefix(k.etag(), "W/") || k.etag() == "" && k.modifiedStrong()
		if r.status != 200 || !strong {
			return
		}
		for i := r.cut; i < len(k.have); i++ {
			k.have[i] = false
		}
		k.strip()
		o.kept = append(o.kept, k)
		return
	}
	switch {
	case why == "":
		o.forget(url, asked)
		k.strip()
		o.kept = append(o.kept, k)
	case method == "GET" && r.status < 500 && r.status != 206 && speaksForOthers(k, asked):
		o.forget(url, asked) // it shows that they are wrong by now
	}
}

// speaksForOthers says whether a response is about the resource, and not about how
// this one client asked.
func speaksForOthers(k *kept, asked map[string][]string) bool {
	_, noStore := saidIn(asked["cache-control"])["no-store"]
	n := len(asked["if-match"]) + len(asked["if-unmodified-since"]) + len(asked["authorization"]) + len(asked["x-forwarded-host"])
	return !noStore && n == 0 && !slices.Contains(theRequestsFault, k.status)
}

// place puts bytes where they belong.
func (k *kept) place(from int, b []byte) {
	size := max(k.total, from+len(b), len(k.body))
	body, have := make([]byte, size), make([]bool, size)
	if k.have != nil && len(k.have) == len(k.body) && from > 0 && string(b) == string(k.body) {
		k.body, k.have = nil, nil // the part itself, which is to be moved
	}
	copy(body, k.body)
	copy(have, k.have)
	copy(body[from:], b)
	for i := range b {
		have[from+i] = true
	}
	k.body, k.have = body, have
}

func (o *oracle) forget(url string, asked map[string][]string) {
	o.kept = slices.DeleteFunc(o.kept, func(e *kept) bool { return e.url == url && e.matches(asked) })
}

func naiveContentRange(fields map[string][]string) (from, total int, ok bool) {
	v, _ := one(fields, "content-range")
	var to int
	if n, _ := fmt.Sscanf(v, "bytes %d-%d/%d", &from, &to, &total); n == 3 {
		return from, total, true
	}
	n, _ := fmt.Sscanf(v, "bytes %d-%d/*", &from, &to)
	return from, -1, n == 2
}

// storesUpdates says whether a response to the request may leave a trace at all.
func storesUpdates(k *kept, asked map[string][]string) bool {
	if _, ok := saidIn(asked["cache-control"])["no-store"]; ok || len(asked["x-forwarded-host"]) > 0 {
		return false
	}
	if len(asked["authorization"]) == 0 {
		return true
	}
	d := k.rules()
	_, a := d["public"]
	_, b := d["must-revalidate"]
	_, c := d["s-maxage"]
	return a || b || c
}

// update is §3.2: e with the fields of n. It is stored again unless n forbids it.
func (o *oracle) update(e, n *kept, asked map[string][]string) (updated *kept) {
	u := *e
	u.fields = map[string][]string{}
	for name, v := range e.fields {
		u.fields[name] = v
	}
	for name, v := range n.fields {
		if name != "content-length" && name != "content-range" && name != "age" {
			u.fields[name] = v
		}
	}
	u.sent, u.got, u.age, u.invalid = n.sent, n.got, n.age, false
	u.onlySaid = e.onlySaid || n.onlySaid
	u.asked = asked
	if !storesUpdates(&u, asked) {
		return &u
	}
	i := slices.Index(o.kept, e)
	o.kept = slices.Delete(slices.Clone(o.kept), i, i+1)
	d := u.rules()
	_, noStore := d["no-store"]
	if noStore || unqualified(d, "private") || len(n.fields["set-cookie"]) > 0 || strings.Contains(strings.Join(u.fields["vary"], ","), "*") {
		return &u
	}
	u.strip()
	o.kept = append(o.kept, &u)
	return &u
}

// §4.3.4
func (o *oracle) heard304(n *kept, asked map[string][]string) {
	var set []*kept
	for _, e := range o.kept {
		if e.url == n.url && e.matches(asked) && e.status == 200 { // a 304 stands for a 200
			set = append(set, e)
		}
	}
	if !slices.ContainsFunc(o.kept, func(e *kept) bool { return e.url == n.url && e.matches(asked) }) {
		o.heardOfAnother(n, asked)
	}
	strong := n.etag() != "" && !strings.HasPrefix(n.etag(), "W/") || n.etag() == "" && n.modifiedStrong()
	lm, hasLM := n.lastModified()
	sameLM := func(e *kept) bool { m, ok := e.lastModified(); return ok && hasLM && m.Equal(lm) }
	both := func(e *kept) bool { return n.etag() != "" && e.etag() != "" }
	var weakly []*kept
	for _, e := range set {
		switch {
		case strong && both(e) && e.etag() == n.etag(), strong && !both(e) && sameLM(e) && e.modifiedStrong() && n.modifiedStrong():
			o.update(e, n, asked)
		case !strong && both(e) && strings.TrimPrefix(e.etag(), "W/") == strings.TrimPrefix(n.etag(), "W/"), !strong && !both(e) && sameLM(e):
			weakly = append(weakly, e)
		}
	}
	var latest *kept
	for _, e := range weakly {
		if latest == nil || e.date().After(latest.date()) || e.date().Equal(latest.date()) && e.got.After(latest.got) {
			latest = e
		}
	}
	for _, e := range weakly { // the others cannot be updated, and the cache drops them
		if e != latest {
			o.kept = slices.DeleteFunc(o.kept, func(k *kept) bool { return k == e })
		}
	}
	if latest != nil {
		o.update(latest, n, asked)
	}
	if n.etag() == "" && !hasLM && len(set) == 1 {
		if _, has := set[0].lastModified(); !has && set[0].etag() == "" {
			o.update(set[0], n, asked)
		}
	}
}

// heardOfAnother is for a 304 to a request that nothing fitted (§4.3.1, §4.3.2): it
// names a stored response by its tag, which is right for this request as well, unless
// it was made for another Accept-Encoding.
func (o *oracle) heardOfAnother(n *kept, asked map[string][]string) {
	if len(asked["if-match"])+len(asked["if-unmodified-since"]) > 0 {
		return
	}
	var named *kept
	for _, e := range o.kept {
		if e.url == n.url && e.status == 200 && e.complete() && e.coded(asked) && e.etag() != "" && strings.TrimPrefix(e.etag(), "W/") == strings.TrimPrefix(n.etag(), "W/") &&
			(named == nil || e.date().After(named.date()) || e.date().Equal(named.date()) && e.got.After(named.got)) {
			named = e
		}
	}
	if named == nil {
		return
	}
	another, before := *named, o.kept
	o.kept = append(slices.Clone(o.kept), &another)
	if u := o.update(&another, n, asked); !slices.Contains(o.kept, u) {
		o.kept = before
	}
}

// §4.3.5
func (o *oracle) heardHEAD(n *kept, asked map[string][]string) {
	for _, e := range slices.Clone(o.kept) {
		if e.url != n.url || !e.matches(asked) || e.status != 200 {
			continue
		}
		agrees := true
		for _, name := range []string{"etag", "last-modified"} {
			if v, ok := one(n.fields, name); ok {
				w, _ := one(e.fields, name)
				agrees = agrees && v == w
			}
		}
		if v, ok := one(n.fields, "content-length"); ok && v != strconv.Itoa(e.total) {
			agrees = false
		}
		if agrees {
			o.update(e, n, asked)
		} else {
			u := *e
			u.invalid = true
			o.kept = append(slices.DeleteFunc(o.kept, func(k *kept) bool { return k == e }), &u)
		}
	}
}

// §3.4: the first that could have been chosen and has the same strong validator.
func (o *oracle) combine(n *kept, from, total int, asked map[string][]string) bool {
	for _, e := range slices.Clone(o.kept) {
		if e.url != n.url || !e.matches(asked) || e.status != 200 || total >= 0 && e.total >= 0 && total != e.total {
			continue
		}
		tags := n.etag() != "" && n.etag() == e.etag() && !strings.HasPrefix(n.etag(), "W/")
		a, hasA := n.lastModified()
		b, hasB := e.lastModified()
		dates := n.etag() == "" && e.etag() == "" && hasA && hasB && a.Equal(b) && n.modifiedStrong() && e.modifiedStrong()
		if !tags && !dates || e.total >= 0 && from+len(n.body) > e.total {
			continue
		}
		before := o.kept
		u := o.update(e, n, asked)
		if !slices.Contains(o.kept, u) {
			o.kept = before // forbidden now, but the bytes say nothing new of the others
			continue
		}
		if !e.complete() {
			u.total = max(u.total, total)
			u.place(from, n.body)
		}
		return true
	}
	return false
}
