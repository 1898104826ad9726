package cache

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/message"
)

func TestDictionary(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"   ":                            "",
		"a":                              "a=true",
		"a, b;x=1;y , c=2":               "a=true b=true c=2",
		"a=?0,b=?1":                      "a=false b=true",
		"a=-15":                          "a=-15",
		"a=999999999999999":              "a=999999999999999",
		`a="x\"y, \\"`:                   `a=x\"y, \\`,
		"a=tok/en:x*":                    "a=tok/en:x*",
		"a=(1 \"b\" c;d);e=5, f":         "a=list f=true",
		"a=:aGk=:, b=:aGk:":              "a=bytes b=bytes",
		"a=1.5, b=-0.125":                "a=decimal b=decimal",
		"a=@1659578233":                  "a=date",
		"a=%\"f%c3%bc\"":                 "a=display",
		"*k=1, a_b-c.d*=2":               "*k=1 a_b-c.d*=2",
		"a\t,\tb":                        "a=true b=true",
		"a=1, a=2":                       "a=1 a=2", // who sees them keeps the last
		"a=*x":                           "a=*x",
		"a;b=?0;c=:aGk=:;d=@1;e=%\"\"":   "a=true",
		" a=1 ":                          "a=1",
		"a=()":                           "a=list",
		"a=( 1  2 )":                     "a=list",
		"max-age=60, must-revalidate;x=": "!",
		"A":                              "!", "1a": "!", "a,": "!", "a,,b": "!", "a b": "!", "a=": "!", "=1": "!", ",a": "!",
		"a=1.": "!", "a=1.1234": "!", "a=1234567890123.1": "!", "a=1234567890123456": "!", "a=--1": "!", "a=-": "!",
		`a="x`: "!", `a="\x"`: "!", "a=\"\x7f\"": "!", "a=\"é\"": "!", "a=?2": "!", "a=?": "!", "a=(1": "!", "a=(1\t2)": "!", "a=(1\"x\")": "!",
		"a=:x": "!", "a=:a?:": "!", "a=:abcde:": "!", "a=@1.5": "!", "a=%x": "!", `a=%"%C3"`: "!", `a=%"%ff"`: "!", `a=%"`: "!",
		"a; ": "!", "a=1;": "!", "a=1;X": "!", "a=é": "!", "a\x00": "!",
	} {
		var got []string
		ok := dictionary([]byte(in), func(key []byte, v item) { got = append(got, string(key)+"="+v.String()) })
		text := strings.Join(got, " ")
		if !ok {
			text = "!"
		}
		if text != want {
			t.Errorf("%q: %s, want %s", in, text, want)
		}
	}
}

func (v item) String() string {
	switch v.kind {
	case integerItem:
		return strconv.FormatInt(v.number, 10)
	case booleanItem:
		return strconv.FormatBool(v.truth)
	case stringItem, tokenItem:
		return string(v.text)
	}
	return map[itemKind]string{decimalItem: "decimal", bytesItem: "bytes", dateItem: "date", displayItem: "display", innerList: "list"}[v.kind]
}

// What parses is written anew from its members, and then parses to the same.
func FuzzDictionary(f *testing.F) {
	for _, s := range []string{"max-age=60, private=\"a, b\", no-store", "a;b=?0;c=:aGk=:", "a=(1 2);x, b=1.5", "a=%\"f%c3%bc\"", "a=@1, b=-3", "a,"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		type member struct {
			key, value string
			kind       itemKind
		}
		read := func(b []byte) (list []member, ok bool) {
			ok = dictionary(b, func(key []byte, v item) { list = append(list, member{string(key), v.String(), v.kind}) })
			return list, ok
		}
		list, ok := read(in)
		if !bytes.Equal(before, in) {
			t.Fatal("the field was changed")
		}
		if !ok {
			return
		}
		var out []string
		for _, m := range list {
			switch m.kind {
			case stringItem:
				out = append(out, m.key+`="`+m.value+`"`)
			case booleanItem:
				out = append(out, m.key+"=?"+map[string]string{"true": "1", "false": "0"}[m.value])
			case integerItem, tokenItem:
				out = append(out, m.key+"="+m.value)
			default:
				return
			}
		}
		again, ok := read([]byte(strings.Join(out, ", ")))
		if !ok || !slices.Equal(again, list) {
			t.Fatalf("%q is %v, and written anew %v", in, list, again)
		}
		var c control
		c.reset()
		c.targeted(message.Fields{{Name: []byte("CDN-Cache-Control"), Value: in}}, defaultTargets)
	})
}

// Cache-Control is read like a naive reading of the grammar does, where it is well
// formed, and is never changed; a directive more never makes a response freer.
func FuzzCacheControl(f *testing.F) {
	for _, s := range []string{"max-age=60, private=\"a, b\", no-store", "no-cache=\"x", "max-age=\"5\", s-maxage=1", "public=1, immutable", "max-stale, min-fresh=-1", ",,a"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		var c, more control
		c.reset()
		c.add(in)
		if !bytes.Equal(before, in) {
			t.Fatal("the field was changed")
		}
		for _, n := range []int64{c.maxAge, c.sMaxAge, c.maxStale, c.minFresh, c.whileRevalidate, c.ifError} {
			if n < absent || n > infinite {
				t.Fatalf("%d seconds", n)
			}
		}
		for _, n := range append(c.noCacheNames, c.privateNames...) {
			if !isToken(n) {
				t.Fatalf("%q is a field name", n)
			}
		}
		more.reset()
		more.add(in)
		more.add([]byte("no-store, private, no-cache, must-revalidate"))
		if c.has&^more.has != 0 || more.maxAge != c.maxAge || more.has&(wordNoStore|wordPrivate|wordNoCache) != wordNoStore|wordPrivate|wordNoCache {
			t.Fatalf("%q and more: %b became %b", in, c.has, more.has)
		}
		if names, ok := naiveDirectives(string(in)); ok {
			for name, arg := range names {
				if w := wordOf([]byte(name)); w == wordNoStore && c.has&w == 0 || w == wordMaxAge && c.maxAge != naiveSeconds(arg) {
					t.Fatalf("%q: %s=%q was read as %b, %d s", in, name, arg, c.has, c.maxAge)
				}
			}
		}
	})
}

// naiveDirectives reads a field that has no quotes at all; the first of a name.
func naiveDirectives(s string) (map[string]string, bool) {
	if strings.Contains(s, `"`) {
		return nil, false
	}
	m := map[string]string{}
	for d := range strings.SplitSeq(s, ",") {
		name, arg, _ := strings.Cut(strings.Trim(d, " \t"), "=")
		if !isToken([]byte(name)) {
			continue
		}
		if _, there := m[strings.ToLower(name)]; !there {
			m[strings.ToLower(name)] = arg
		}
	}
	return m, true
}

func naiveSeconds(arg string) int64 {
	n, err := strconv.ParseUint(arg, 10, 64)
	switch {
	case arg == "" || strings.Trim(arg, "0123456789") != "":
		return 0
	case err != nil || n > infinite:
		return infinite
	}
	return int64(n)
}

// A range that is read lies within, whatever is written; and what a Content-Range
// says is what appendRange writes.
func FuzzRange(f *testing.F) {
	for _, s := range []string{"bytes=0-0,-1", "bytes=5-", "bytes=99999999999999999999-", "bytes=-0", "bytes 0-4/5", "bytes */5", "bytes 1-2/*", "bytes=1-2, ,3-"} {
		f.Add([]byte(s), int64(10))
	}
	f.Fuzz(func(t *testing.T, in []byte, total int64) {
		if total < 0 {
			return
		}
		parseRange(in, func(s Span) {
			if at, ok := s.within(total); ok && (at.First < 0 || at.First > at.Last || at.Last >= total) {
				t.Fatalf("%q of %d: %v", in, total, at)
			}
		})
		s, all, ok := parseContentRange(in)
		if !ok {
			return
		}
		if s.First < 0 || s.First > s.Last || all >= 0 && s.Last >= all {
			t.Fatalf("%q: %v of %d", in, s, all)
		}
		again, all2, ok := parseContentRange(appendRange([]byte("bytes "), s, all))
		if !ok || again != s || all2 != all {
			t.Fatalf("%q: %v of %d became %v of %d", in, s, all, again, all2)
		}
	})
}

// A body that AppendPart wrote is read as it was meant, whatever the bytes are.
func FuzzParts(f *testing.F) {
	f.Add([]byte("multipart/byteranges; boundary=\"x\""), []byte("\r\n--x\r\nContent-Range: bytes 0-1/5\r\n\r\nab\r\n--x--\r\n"), []byte("0123456789"))
	f.Add([]byte("multipart/byteranges; a=b; boundary=x"), []byte("--x\r\n\r\n--x--"), []byte("\r\n--proxylab-"))
	f.Fuzz(func(t *testing.T, contentType, in, data []byte) {
		if parts, ok := Parts(contentType, in); ok {
			for _, p := range parts {
				if p.Span.Len() != int64(len(p.Bytes)) {
					t.Fatalf("%v has %d bytes", p.Span, len(p.Bytes))
				}
			}
		}
		if len(data) < 4 {
			return
		}
		var a Answer
		a.Entry = Stored{Status: 200, Total: int64(len(data)), Received: time.Unix(1, 2), Requested: time.Unix(1, 1)}.Entry(&Policy{})
		a.Spans = []Span{{0, 1}, {3, int64(len(data)) - 1}}
		a.makeBoundary()
		var b []byte
		for i, s := range a.Spans {
			b = append(a.AppendPart(b, i), data[s.First:s.Last+1]...)
		}
		b = a.AppendEnd(b)
		parts, ok := Parts(fmt.Appendf(nil, "multipart/byteranges; boundary=%s", a.boundary), b)
		if !ok || len(parts) != 2 || a.multipartLength() != int64(len(b)) {
			t.Fatalf("%q: %v %v, length %d", b, parts, ok, a.multipartLength())
		}
		for i, p := range parts {
			if p.Span != a.Spans[i] || !bytes.Equal(p.Bytes, data[p.Span.First:p.Span.Last+1]) {
				t.Fatalf("part %d is %v %q", i, p.Span, p.Bytes)
			}
		}
	})
}
