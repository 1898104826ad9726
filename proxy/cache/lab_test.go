package cache

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"proxylab/proxy/message"
)

// A lab is the least that makes the rules a cache: a map, and an origin server
// that is a function. What an exchange has to do is done here once, in the order
// that the package's manual gives.
type lab struct {
	p      Policy
	now    time.Time
	store  map[string][]*Entry
	bodies map[*Entry]*body
	origin func(l *lab, q request) reply // sees what was forwarded; may move the time
	asked  []request                     // of the last exchange
	deaf   bool                          // its last answer was taken for none: the origin failed
}

// body has bytes at their place; known says which are there.
type body struct {
	data  []byte
	known []bool
}

type request struct {
	method, target, host string
	fields               []string // "Name: value"
	body                 bool
}

type reply struct {
	status int // 0: no connection
	fields []string
	body   string
	cut    int // so many bytes come, then the connection breaks; 0 for all
	length int // of the content as the head tells it; -1 for not at all, 0 for what the body has
}

type result struct {
	status   int
	fields   []string
	body     string
	decision Decision
	taken    Taken
	stored   bool
	handled  string // Cache-Status
}

func newLab() *lab {
	return &lab{
		now:   time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		store: map[string][]*Entry{}, bodies: map[*Entry]*body{},
	}
}

func fieldsOf(lines []string) message.Fields {
	var f message.Fields
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ":")
		f = append(f, message.Field{
			Name: []byte(name), Value: message.TrimOWS([]byte(value)), Known: message.NameOf([]byte(name)),
		})
	}
	f.MarkHops()
	return f
}

func (l *lab) read(r request) *Request {
	path, query, found := strings.Cut(r.target, "?")
	q := &Request{Method: []byte(r.method), Host: []byte(r.host), Path: []byte(path), Fields: fieldsOf(r.fields), Body: r.body}
	q.Passes = message.ForwardedFields
	if found {
		q.Query = l.p.AppendQuery(nil, []byte("?"+query))
	}
	q.Read(&l.p)
	return q
}

// serve is one exchange.
func (l *lab) serve(r request) result {
	l.asked, l.deaf = nil, false
	q := l.read(r)
	key := string(q.AppendKey(nil))
	variants := l.store[key]
	d := Lookup(q, variants, &l.p, l.now)
	switch d.Outcome {
	case Timeout:
		return result{status: 504, decision: d}
	case Hit, HitStale:
		res := l.answer(d.Entry, q, d)
		if d.Outcome == HitStale {
			l.background(r, d)
		}
		return res
	}
	return l.forward(r, q, key, d, variants)
}

// background validates what was just served stale.
func (l *lab) background(r request, d Decision) {
	b := request{method: "GET", target: r.target, host: r.host}
	for _, f := range r.fields {
		name, _, _ := strings.Cut(f, ":")
		if n := message.NameOf([]byte(name)); n != message.Range && !conditions.Has(n) && n != message.CacheControl {
			b.fields = append(b.fields, f)
		}
	}
	q := l.read(b)
	key := string(q.AppendKey(nil))
	l.forward(b, q, key, d.Background(), l.store[key])
}

func (l *lab) forward(r request, q *Request, key string, d Decision, variants []*Entry) result {
	out := request{method: r.method, target: string(q.Path) + string(q.Query), host: r.host, body: r.body}
	replaced := d.Replaced()
	for _, f := range r.fields {
		name, _, _ := strings.Cut(f, ":")
		if !replaced.Has(message.NameOf([]byte(name))) {
			out.fields = append(out.fields, f)
		}
	}
	added := string(d.AppendConditions(nil, q, variants))
	for line := range strings.SplitSeq(strings.TrimSuffix(added, "\r\n"), "\r\n") {
		if line != "" {
			out.fields = append(out.fields, line)
		}
	}
	l.asked = append(l.asked, out)
	requested := l.now
	got := l.origin(l, out)
	status := got.status
	if status == 0 {
		status = 504
	}
	if instead, ok := d.OnFailure(q, &l.p, l.now, status); ok {
		l.deaf = true
		return l.answer(instead.Entry, q, instead)
	}
	if got.status == 0 {
		return result{status: 504, decision: d}
	}
	res := &Response{Status: got.status, Fields: fieldsOf(got.fields), Length: int64(len(got.body))}
	if got.length != 0 {
		res.Length = int64(got.length)
	}
	if Invalidates(q, res.Status) {
		Invalidated(q, res.Fields, func(k []byte) { delete(l.store, string(k)) })
	}
	t := d.Take(q, res, variants, &l.p, requested, l.now)
	l.update(key, t.Updates)
	if t.Retry {
		res := l.forward(r, q, key, d.Again(), l.store[key])
		res.decision = d
		return res
	}
	if t.Fill != nil {
		l.fill(key, t, got)
	}
	if t.Answer != nil {
		if l.bodies[t.Answer] == nil {
			l.bodies[t.Answer] = l.bodies[t.Body]
		}
		x := l.answer(t.Answer, q, d)
		h := Handled{Decision: d, Status: got.status, Why: t.Why}
		if len(t.Updates) > 0 {
			h.Stored = t.Updates[0].New
		}
		x.taken, x.stored, x.handled = t, h.Stored != nil, l.status(h)
		return x
	}
	h := Handled{Decision: d, Stored: t.Fill, Why: t.Why}
	return result{
		status: got.status, fields: got.fields, body: got.body, decision: d, taken: t, stored: t.Fill != nil,
		handled: l.status(h),
	}
}

func (l *lab) status(h Handled) string {
	return strings.TrimSuffix(string(h.AppendStatus(nil, &l.p, l.now)), "\r\n")
}

func (l *lab) update(key string, updates []Update) {
	for _, u := range updates {
		list := l.store[key]
		if u.Old != nil {
			i := slices.Index(list, u.Old)
			if i < 0 {
				continue
			}
			list = slices.Delete(slices.Clone(list), i, i+1)
		}
		if u.New != nil {
			asRecord(u.New, &l.p)
			list = append(slices.Clone(list), u.New)
			if u.New != u.From {
				l.bodies[u.New] = l.bodies[u.From]
			}
		}
		l.store[key] = list
	}
}

// fill writes the content of a response under its entry, as far as it comes.
func (l *lab) fill(key string, t Taken, got reply) {
	data := []byte(got.body)
	e := t.Fill
	asRecord(e, &l.p)
	if !slices.Contains(l.store[key], e) {
		l.store[key] = append(slices.Clone(l.store[key]), e)
	}
	b := l.bodies[e]
	if b == nil {
		b = &body{}
	} else {
		b = &body{bytes.Clone(b.data), slices.Clone(b.known)}
	}
	l.bodies[e] = b
	if got.cut > 0 {
		data = data[:got.cut]
	}
	for i, c := range data {
		at := int(t.At.First) + i
		for len(b.data) <= at {
			b.data, b.known = append(b.data, 0), append(b.known, false)
		}
		b.data[at], b.known[at] = c, true
	}
	n := e
	switch {
	case got.cut > 0:
		n = e.Cut(int64(got.cut), &l.p)
	case e.Total < 0 && !e.Partial:
		n = e.Sized(int64(len(data)), &l.p)
	}
	if n != e {
		l.update(key, []Update{{Old: e, New: n, From: e}})
	}
}

// answer writes what the client gets from an entry.
func (l *lab) answer(e *Entry, q *Request, d Decision) result {
	var a Answer
	a.From(e, q, &l.p, l.now)
	h := Handled{Decision: d}
	res := result{status: a.Status, decision: d, handled: l.status(h)}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(a.AppendFields(nil)), "\r\n"), "\r\n") {
		res.fields = append(res.fields, line)
	}
	if !a.Body(q) {
		return res
	}
	b := l.bodies[e]
	take := func(s Span) string {
		if s.Last >= int64(len(b.data)) || slices.Contains(b.known[s.First:s.Last+1], false) {
			panic(fmt.Sprintf("answer of bytes %v that are not stored", s))
		}
		return string(b.data[s.First : s.Last+1])
	}
	switch {
	case a.Status == 206 && len(a.Spans) == 1:
		res.body = take(a.Spans[0])
	case a.Status == 206:
		for i, s := range a.Spans {
			res.body += string(a.AppendPart(nil, i)) + take(s)
		}
		res.body += string(a.AppendEnd(nil))
	case e.Total > 0:
		res.body = take(Span{0, e.Total - 1})
	}
	if a.Length != int64(len(res.body)) {
		panic("Content-Length " + strconv.FormatInt(a.Length, 10) + " for " + strconv.Itoa(len(res.body)) + " bytes")
	}
	return res
}

func (r *result) get(name string) (string, bool) { return getLine(r.fields, name) }

func getLine(lines []string, name string) (string, bool) {
	for _, l := range lines {
		if n, v, ok := strings.Cut(l, ":"); ok && strings.EqualFold(n, name) {
			return strings.TrimSpace(v), true
		}
	}
	return "", false
}
