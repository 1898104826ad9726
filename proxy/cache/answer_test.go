package cache

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// The body of several ranges is what a reader of multipart/byteranges expects.
func TestPartsOfAnAnswer(t *testing.T) {
	l := newLab()
	text := strings.Repeat("0123456789", 50)
	l.origin = func(*lab, request) reply {
		return reply{status: 200, body: text, fields: []string{"Cache-Control: max-age=60", "Content-Type: text/plain", `ETag: "1"`}}
	}
	get := func(fields ...string) result {
		return l.serve(request{method: "GET", target: "/a", host: "h", fields: fields})
	}
	get()
	got := get("Range: bytes=-3, 10-12, 250-254, 600-")
	kind, _ := got.get("Content-Type")
	parts, ok := Parts([]byte(kind), []byte(got.body))
	if got.status != 206 || !ok {
		t.Fatalf("%d, %s: %q", got.status, kind, got.body)
	}
	want := []Part{
		{Span{497, 499}, 500, []byte("789")}, {Span{10, 12}, 500, []byte("012")}, {Span{250, 254}, 500, []byte("01234")},
	}
	if len(parts) != len(want) {
		t.Fatalf("%d parts, want %d", len(parts), len(want))
	}
	for i, p := range parts {
		if p.Span != want[i].Span || p.Total != 500 || !bytes.Equal(p.Bytes, want[i].Bytes) {
			t.Errorf("part %d is %v of %d: %q, want %v: %q", i, p.Span, p.Total, p.Bytes, want[i].Span, want[i].Bytes)
		}
	}
	if n := strings.Count(got.body, "\r\nContent-Type: text/plain\r\n"); n != 3 {
		t.Errorf("%d parts have their Content-Type, want 3", n)
	}
}

func TestPartsAreStrict(t *testing.T) {
	const kind = "multipart/byteranges; boundary=x"
	const good = "\r\n--x \r\nA: b\r\ncontent-range: bytes 0-1/5\r\n\r\nab\r\n--x\r\nContent-Range: bytes 3-4/5\r\n\r\nde\r\n--x--\r\n"
	if parts, ok := Parts([]byte(kind), []byte(good)); !ok || len(parts) != 2 || string(parts[1].Bytes) != "de" {
		t.Fatalf("%v %v", parts, ok)
	}
	for name, body := range map[string]string{
		"cut":                   good[:len(good)-8],
		"no parts":              "--x--\r\n",
		"too few bytes":         "--x\r\nContent-Range: bytes 0-9/5\r\n\r\nab\r\n--x--",
		"too many bytes":        "--x\r\nContent-Range: bytes 0-1/5\r\n\r\nabc\r\n--x--",
		"no Content-Range":      "--x\r\nA: b\r\n\r\nab\r\n--x--",
		"two of them":           "--x\r\nContent-Range: bytes 0-1/5\r\nContent-Range: bytes 0-1/5\r\n\r\nab\r\n--x--",
		"another unit":          "--x\r\nContent-Range: lines 0-1/5\r\n\r\nab\r\n--x--",
		"another boundary":      strings.ReplaceAll(good, "--x", "--y"),
		"text behind delimiter": "--xy\r\nContent-Range: bytes 0-1/5\r\n\r\nab\r\n--x--",
	} {
		if parts, ok := Parts([]byte(kind), []byte(body)); ok {
			t.Errorf("%s: %v", name, parts)
		}
	}
	for _, kind := range []string{"", "multipart/byteranges", "multipart/mixed; boundary=x", "multipart/byteranges; boundary=", "multipart/byteranges; boundary=" + strings.Repeat("x", 71)} {
		if _, ok := Parts([]byte(kind), []byte(good)); ok {
			t.Errorf("%q has parts", kind)
		}
	}
}

// Cache-Status has to parse as a structured field: its parameters are read here as
// those of a dictionary's member.
func TestCacheStatusIsAStructuredField(t *testing.T) {
	now := time.Unix(1000, 0)
	e := Stored{Received: now, Requested: now}.Entry(&Policy{})
	for o := Bypass; o < Timeout; o++ {
		for r := BySite; r <= OnError; r++ {
			forwards := forwardWords[min(int(r), len(forwardWords)-1)] != ""
			if hit := o == Hit || o == HitStale; hit == forwards {
				continue
			}
			for w := Stores; w <= NotAsked; w++ {
				h := Handled{Decision: Decision{Outcome: o, Reason: r, Entry: e}, Status: 304, Why: w, Collapsed: int8(w%3) - 1}
				if w == Stores {
					h.Stored = e
				}
				line := string(h.AppendStatus(nil, &Policy{}, now))
				value, ok := strings.CutPrefix(line, "Cache-Status: ")
				value, end := strings.CutSuffix(value, "\r\n")
				if !ok || !end || !dictionary([]byte(value), nil) {
					t.Errorf("%v %v %v: %q", o, r, w, line)
				}
			}
		}
	}
	h := Handled{Decision: Decision{Outcome: Timeout, Reason: URIMiss}}
	if line := h.AppendStatus(nil, &Policy{}, now); len(line) > 0 {
		t.Errorf("a response of our own has %q", line)
	}
}
