package cache

import (
	"bytes"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"
)

// asRecord checks that e comes out of its record as it went in, both ways of
// reading. Each entry that the dialogues and the random runs store goes through
// it, of very many each hundredth.
func asRecord(e *Entry, p *Policy) {
	if n := recorded.Add(1); n > 2000 && n%100 != 0 {
		return
	}
	b := e.AppendRecord(nil)
	var read Entry
	if !read.ReadRecord(b) {
		panic(fmt.Sprintf("%s: no record", e.Key))
	}
	restored := RestoreRecord(b, p)
	if restored == nil {
		panic(fmt.Sprintf("%s: not restored", e.Key))
	}
	want := inUTC(e)
	for _, got := range []Entry{inUTC(&read), inUTC(restored)} {
		if w, g := fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got); w != g {
			panic(fmt.Sprintf("%s: a record of\n%s\nreads as\n%s", e.Key, w, g))
		}
	}
}

var recorded atomic.Int64

func inUTC(e *Entry) Entry {
	c := *e
	c.Requested, c.Received = c.Requested.UTC(), c.Received.UTC()
	if len(c.Have) == 0 {
		c.Have = nil
	}
	return c
}

func recordOfHit(t testing.TB) (*lab, []byte) {
	l := newLab()
	l.origin = func(*lab, request) reply {
		return reply{status: 200, body: "x", fields: []string{
			"Date: Sun, 01 Mar 2026 12:00:00 GMT", "Cache-Control: max-age=3600", `ETag: "1"`, "Vary: Accept-Encoding, X-Other",
			"Content-Type: text/html", "Last-Modified: Sun, 01 Feb 2026 12:00:00 GMT", "Server: origin",
		}}
	}
	l.serve(request{method: "GET", target: "/a/path", host: "example.com", fields: []string{"Accept-Encoding: br, gzip"}})
	list := l.store["http://example.com/a/path"]
	if len(list) != 1 {
		t.Fatal("not stored")
	}
	return l, list[0].AppendRecord(nil)
}

func TestRecordIsReadWithoutAllocating(t *testing.T) {
	_, b := recordOfHit(t)
	var e Entry
	if n := testing.AllocsPerRun(100, func() { e.ReadRecord(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestNoRecordOfAnyOtherBytes holds that what is cut or changed is not read
// beyond its end, and never makes an entry that the rules would fail on.
func TestNoRecordOfAnyOtherBytes(t *testing.T) {
	l, b := recordOfHit(t)
	for i := range b {
		if RestoreRecord(b[:i], &l.p) != nil {
			t.Fatalf("a record cut at %d of %d is one", i, len(b))
		}
		for bit := range 8 {
			c := bytes.Clone(b)
			c[i] ^= 1 << bit
			useRecord(c, &l.p)
		}
	}
	if RestoreRecord(append(bytes.Clone(b), 0), &l.p) != nil {
		t.Error("a record with a byte more is one")
	}
}

func FuzzRecord(f *testing.F) {
	_, b := recordOfHit(f)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) { useRecord(b, &Policy{}) })
}

func useRecord(b []byte, p *Policy) {
	e := RestoreRecord(b, p)
	if e == nil {
		return
	}
	q := &Request{Method: []byte("GET"), Host: []byte("example.com"), Path: []byte("/a/path")}
	q.Read(p)
	now := time.Unix(1772366400, 0)
	d := Lookup(q, []*Entry{e}, p, now)
	if d.Entry != nil {
		var a Answer
		a.From(d.Entry, q, p, now)
		a.AppendFields(nil)
	}
	again := RestoreRecord(e.AppendRecord(nil), p)
	if again == nil || !reflect.DeepEqual(inUTC(again), inUTC(e)) {
		panic("an entry that was restored does not come out of its record as it went in")
	}
}

func BenchmarkReadRecord(b *testing.B) {
	_, r := recordOfHit(b)
	var e Entry
	b.ReportAllocs()
	for b.Loop() {
		e.ReadRecord(r)
	}
}
