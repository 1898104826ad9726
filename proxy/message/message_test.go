package message

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// fieldsOf makes fields of "Name: value" lines.
func fieldsOf(lines ...string) Fields {
	var f Fields
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		f = append(f, Field{Name: []byte(name), Value: []byte(value), Known: NameOf([]byte(name))})
	}
	return f
}

func TestNameOf(t *testing.T) {
	for n := Unknown + 1; n < names; n++ {
		for _, s := range []string{spelling[n], strings.ToUpper(spelling[n])} {
			if got := NameOf([]byte(s)); got != n {
				t.Errorf("%s is name %d, want %d", s, got, n)
			}
		}
	}
	for _, s := range []string{"", "x", "host ", "hos\x54", "cookie2", "transfer-encoding-", "\x48os\xf4"} {
		want := Unknown
		if strings.EqualFold(s, "host") {
			want = Host
		}
		if got := NameOf([]byte(s)); got != want {
			t.Errorf("%q is name %d, want %d", s, got, want)
		}
	}
}

// A byte that differs from a letter in the case bit only is not that letter in
// another case.
func TestEqualFoldIsOfLettersOnly(t *testing.T) {
	for b, lower := range map[string]string{"\x0d": "-", "@": "`", "[": "{"} {
		if EqualFold([]byte(b), lower) {
			t.Errorf("%q equals %q", b, lower)
		}
	}
}

func TestNextElement(t *testing.T) {
	for in, want := range map[string][]string{
		"":                     nil,
		" , ,":                 nil,
		"a":                    {"a"},
		" a ,\tb , c":          {"a", "b", "c"},
		",a,,b,":               {"a", "b"},
		`a="x, y", b`:          {`a="x, y"`, "b"},
		`a="x \", y", b`:       {`a="x \", y"`, "b"},
		`a="never closed, b`:   {`a="never closed, b`},
		`a="ends in escape, \`: {`a="ends in escape, \`},
	} {
		var got []string
		for e, rest := NextElement([]byte(in)); e != nil; e, rest = NextElement(rest) {
			got = append(got, string(e))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: elements %q, want %q", in, got, want)
		}
	}
}

func TestHopByHopFieldsAreNotForwarded(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fields Fields
		want   string
		opts   Options
	}{
		{"the fixed list", fieldsOf("A: 1", "Connection: keep-alive", "Keep-Alive: 5", "Proxy-Connection: x", "TE: trailers", "Transfer-Encoding: chunked", "Upgrade: h2c", "B: 2"), "A: 1\r\nB: 2\r\n", Options{KeepAlive: true}},
		{"TE that Connection names", fieldsOf("TE: gzip;q=0.5, Trailers", "Connection: te", "Trailer: A"), "Trailer: A\r\n", Options{Trailers: true}},
		{"Trailer that lists what no trailer section has", fieldsOf("Trailer: A, content-length", "Trailer: B"), "Trailer: B\r\n", Options{}},
		{"TE without the word", fieldsOf("TE: gzip", "Connection: TE"), "", Options{}},
		{"nominated", fieldsOf("x-one: 1", "Connection: X-One, close", "X-ONE: 2", "Kept: 3"), "Kept: 3\r\n", Options{Close: true}},
		{"nominated by a later field", fieldsOf("A: 1", "B: 2", "Connection: a", "connection: b"), "", Options{}},
		{"nominating Host and Content-Length does nothing", fieldsOf("Host: h", "Content-Length: 3", "Connection: host, content-length"), "Host: h\r\nContent-Length: 3\r\n", Options{}},
		{"64 nominations are a bound", fieldsOf("A: 1", "Connection: "+strings.Repeat("b,", 63)+"a"), "", Options{}},
		{"65 nominations are beyond it", fieldsOf("A: 1", "Connection: "+strings.Repeat("b,", 64)+"a"), "A: 1\r\n", Options{TooMany: true}},
		{"nothing to remove", fieldsOf("A: 1"), "A: 1\r\n", Options{}},
	} {
		opts := tt.fields.MarkHops()
		if got := string(tt.fields.AppendForwarded(nil, 0)); got != tt.want || opts != tt.opts {
			t.Errorf("%s: forwarded %q with %+v, want %q with %+v", tt.name, got, opts, tt.want, tt.opts)
		}
	}
}

func TestXForwarded(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fields Fields
		host   string
		want   string
	}{
		{"first proxy", nil, "h:8080", "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Host: h:8080\r\nX-Forwarded-Proto: http\r\n"},
		{"behind others", fieldsOf("X-Forwarded-For: 1.1.1.1, 2.2.2.2", "x-forwarded-for: 3.3.3.3", "X-Forwarded-Proto: https"), "", "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.1\r\nX-Forwarded-Proto: http\r\n"},
		{"nominated in Connection", fieldsOf("X-Forwarded-For: 1.1.1.1", "Connection: x-forwarded-for"), "", "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: http\r\n"},
	} {
		tt.fields.MarkHops()
		if got := string(tt.fields.AppendForwardedBy(nil, Hop{Client: []byte("10.0.0.1"), Host: []byte(tt.host)})); got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestClockFollowsTheSecond(t *testing.T) {
	var c Clock
	at := time.Date(2026, 1, 2, 3, 4, 5, 999e6, time.UTC)
	for _, want := range []string{"Fri, 02 Jan 2026 03:04:05 GMT", "Fri, 02 Jan 2026 03:04:06 GMT"} {
		if got := string(c.AppendDate(nil, at)); got != want {
			t.Errorf("%v is %s, want %s", at, got, want)
		}
		at = at.Add(time.Millisecond)
	}
	b := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() { c.AppendDate(b, at) }); n != 0 {
		t.Errorf("%v allocations for a date, want 0", n)
	}
}

// RFC 7239 §6: an IPv6 address is in brackets and quoted.
func TestForwardedElement(t *testing.T) {
	for _, tt := range []struct{ client, host, want string }{
		{"192.0.2.1", "a:80", "Forwarded: for=192.0.2.1;host=\"a:80\";proto=http\r\n"},
		{"2001:db8::1", "", "Forwarded: for=\"[2001:db8::1]\";proto=http\r\n"},
	} {
		got := string(Fields(nil).AppendForwardedBy(nil, Hop{Client: []byte(tt.client), Host: []byte(tt.host), Forwarded: true}))
		if !strings.HasSuffix(got, "X-Forwarded-Proto: http\r\n"+tt.want) {
			t.Errorf("got %q, want %q at its end", got, tt.want)
		}
	}
}

func TestParseDate(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC).Unix()
	const example = 784111777 // 1994-11-06 08:49:37
	for in, want := range map[string]int64{
		"Sun, 06 Nov 1994 08:49:37 GMT":  example,
		"sUN, 06 nOV 1994 08:49:37 gmt":  example,
		"Mon, 06 Nov 1994 08:49:37 GMT":  example, // a wrong day
		"Sunday, 06-Nov-94 08:49:37 GMT": example,
		"Sun Nov  6 08:49:37 1994":       example,
		"Sun Nov 16 08:49:37 1994":       example + 10*86400,
		"Sun, 06 Nov 1994 08:49:60 GMT":  example + 23,
		"Thu, 29 Feb 2024 00:00:00 GMT":  1709164800,
		"Friday, 01-May-76 00:00:00 GMT": time.Date(2076, 5, 1, 0, 0, 0, 0, time.UTC).Unix(),
		"Friday, 01-May-77 00:00:00 GMT": time.Date(1977, 5, 1, 0, 0, 0, 0, time.UTC).Unix(),
		"Thu, 01 Jan 1970 00:00:00 GMT":  0,
	} {
		if got, ok := ParseDate([]byte(in), now); !ok || got != want {
			t.Errorf("%q is %d, %v; want %d", in, got, ok, want)
		}
	}
	for _, in := range []string{
		"", "0", "-1", "now", "Sun", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 EST",
		"Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 06 Nov 1994  08:49:37 GMT", "Son, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
		"1994-11-06T08:49:37Z", "Sun, +6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT",
	} {
		if got, ok := ParseDate([]byte(in), now); ok {
			t.Errorf("%q is a date: %d", in, got)
		}
	}
	b := []byte("Sun, 06 Nov 1994 08:49:37 GMT")
	if n := testing.AllocsPerRun(100, func() { ParseDate(b, now) }); n != 0 {
		t.Errorf("%v allocations to read a date, want 0", n)
	}
}
