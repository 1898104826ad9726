package http1

import (
	"strings"
	"testing"
)

var chunkedBodies = []struct {
	name string
	in   string
	err  *Error
	want string // data, then each trailer line after a line feed
}{
	{name: "two chunks", in: "4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n", want: "Wikipedia"},
	{name: "empty", in: "0\r\n\r\n", want: ""},
	{name: "hex in both cases", in: "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", want: "01234567890123456789a"},
	{name: "leading zeros", in: "0004\r\nWiki\r\n000\r\n\r\n", want: "Wiki"},
	{name: "extensions", in: "4;a=b;c=\"d e\"\r\nWiki\r\n0;last\r\n\r\n", want: "Wiki"},
	{name: "trailers", in: "1\r\nx\r\n0\r\nA: 1\r\nB: 2\r\n\r\n", want: "x\nA: 1\nB: 2"},
	{name: "data with CRLF", in: "4\r\n\r\n\r\n\r\n0\r\n\r\n", want: "\r\n\r\n"},

	{name: "no size", in: "\r\nx\r\n", err: errChunkSize},
	{name: "sign", in: "+4\r\nWiki\r\n0\r\n\r\n", err: errChunkSize},
	{name: "minus", in: "-4\r\nWiki\r\n", err: errChunkSize},
	{name: "0x", in: "0x4\r\nWiki\r\n", err: errChunkSize},
	{name: "space before the size", in: " 4\r\nWiki\r\n", err: errChunkSize},
	{name: "space after the size", in: "4 \r\nWiki\r\n", err: errChunkSize},
	{name: "tab after the size", in: "4\t\r\nWiki\r\n", err: errChunkSize},
	{name: "not hex", in: "g\r\n", err: errChunkSize},
	{name: "underscore", in: "1_0\r\n", err: errChunkSize},
	{name: "overflow", in: "8000000000000000\r\n", err: errChunkSize},
	{name: "wraps", in: "10000000000000004\r\nWiki\r\n", err: errChunkSize},
	{name: "too many digits", in: "00000000000000004\r\nWiki\r\n", err: errChunkSize},
	{name: "bare LF after the size", in: "4\nWiki\r\n", err: errChunkSize},
	{name: "bare CR after the size", in: "4\rX\nWiki\r\n", err: errBareLF},
	{name: "bare LF after an extension", in: "4;a\nWiki\r\n", err: errBareLF},
	{name: "bare CR in an extension", in: "4;a\rb\r\nWiki\r\n", err: errChunkExt},
	{name: "NUL in an extension", in: "4;\x00\r\nWiki\r\n", err: errChunkExt},
	{name: "over-long extension", in: "4;" + strings.Repeat("x", 300) + "\r\nWiki\r\n", err: errChunkExt},
	{name: "no CRLF after the data", in: "4\r\nWiki0\r\n\r\n", err: errChunkEnd},
	{name: "bare LF after the data", in: "4\r\nWiki\n0\r\n\r\n", err: errChunkEnd},
	{name: "CR and another byte after the data", in: "4\r\nWiki\rx", err: errChunkEnd},
	{name: "bare LF in the trailers", in: "0\r\nA: 1\n\r\n", err: errBareLF},
	{name: "bare LF at the end", in: "0\r\n\n", err: errBareLF},
	{name: "trailer without colon", in: "0\r\nGET / HTTP/1.1\r\n\r\n", err: errName},
	{name: "folded trailer", in: "0\r\nA: 1\r\n b\r\n\r\n", err: errFold},
	{name: "trailers too large", in: "0\r\nA: " + strings.Repeat("x", maxTrailer) + "\r\n\r\n", err: errTrailerFields},
}

// decode runs a body through a decoder that gets step bytes more each time, and
// returns what it says, how much it used, and how it ended.
func decode(in string, step int) (got string, used int, part Part, err error) {
	data, trailers, used, part, err := decodeParts(in, step)
	return data + trailers, used, part, err
}

// decodeParts is decode with data and trailers apart. Each trailer line is behind
// a line feed, which none can have.
func decodeParts(in string, step int) (data, trailers string, used int, part Part, err error) {
	var c Chunked
	var d, tr strings.Builder
	for have := min(step, len(in)); ; {
		part, b, n, err := c.Next([]byte(in[used:have]))
		used += n
		switch {
		case err != nil, part == End, part == More && have == len(in):
			return d.String(), tr.String(), used, part, err
		case part == Data:
			d.Write(b)
		case part == Trailer:
			tr.WriteString("\n" + string(b))
		case part == More:
			have = min(have+step, len(in))
		}
	}
}

func TestChunked(t *testing.T) {
	for _, tt := range chunkedBodies {
		t.Run(tt.name, func(t *testing.T) {
			for _, how := range []struct {
				name, trail string
				step        int
			}{
				{"whole", "", len(tt.in)},
				{"one byte at a time", "", 1},
				{"with bytes trailing", "HTTP/1.1 \x00\n", len(tt.in) + 11},
			} {
				got, used, part, err := decode(tt.in+how.trail, how.step)
				switch {
				case tt.err != nil && how.step > 1 && err != error(tt.err),
					tt.err != nil && StatusOf(err, 0) != tt.err.Status: // by bytes, another rule may be the first to be broken
					t.Errorf("%s: error %v, want %v", how.name, err, tt.err)
				case tt.err == nil && (err != nil || part != End || got != tt.want || used != len(tt.in)):
					t.Errorf("%s: got %q, part %d, %d bytes, error %v; want %q, End, %d bytes", how.name, got, part, used, err, tt.want, len(tt.in))
				}
			}
		})
	}
}

// A body that stops anywhere must not look complete.
func TestChunkedCutIsNeverComplete(t *testing.T) {
	in := "4;x\r\nWiki\r\n0\r\nA: 1\r\n\r\n"
	for i := range in {
		if _, _, part, err := decode(in[:i], i+1); part != More || err != nil {
			t.Errorf("after %q: part %d, error %v; want More", in[:i], part, err)
		}
	}
}

func TestTrailerForwarded(t *testing.T) {
	for line, want := range map[string]bool{
		"Server-Timing: a":           true,
		"Transfer-Encoding: chunked": false,
		"content-length: 3":          false,
		"Host: x":                    false,
		"Set-Cookie: a=b":            false,
		"Connection: x":              false,
	} {
		if TrailerForwarded([]byte(line)) != want {
			t.Errorf("%s: forwarded %v, want %v", line, !want, want)
		}
	}
}

func TestAppendChunkIsDecodedAgain(t *testing.T) {
	var b []byte
	for _, s := range []string{"a", strings.Repeat("b", 300)} {
		b = AppendChunk(b, []byte(s))
	}
	got, _, part, err := decode(string(b)+"0\r\n\r\n", len(b)+5)
	if want := "a" + strings.Repeat("b", 300); got != want || part != End || err != nil {
		t.Errorf("got %q, part %d, error %v", got, part, err)
	}
}
