package http1

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"proxylab/proxy/message"
	"proxylab/proxy/wiretest"
)

var fuzzLimits = Limits{Head: 64 << 10, Fields: 100}

// addDialogues gives f what the clients of all dialogues send, or the origins.
func addDialogues(f *testing.F, origins bool, add func(sent []byte)) {
	f.Helper()
	dialogues, err := wiretest.Glob("../testdata/exchange/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, d := range dialogues {
		for _, sent := range d.Sent(origins) {
			add(sent[:min(len(sent), 8<<10)])
		}
	}
}

// longest is what a body has here of the length that a head announces.
const longest = 100

// bodyOf is some body that fits the framing, its bytes on the wire, and whether
// it is cut.
func bodyOf(b Body) (data, wire string, cut bool) {
	switch b.Kind {
	case Sized:
		data = strings.Repeat("x", int(min(b.Length, longest)))
		return data, data, b.Length > longest
	case InChunks:
		return "abc", "3\r\nabc\r\n0\r\n\r\n", false
	case UntilClose:
		return "abc", "abc", false
	}
	return "", "", false
}

// behind is what follows the body that bodyOf gives.
func behind(b Body, cut bool) string {
	if cut || b.Kind == UntilClose {
		return ""
	}
	return "GET /next HTTP/1.1\r\n"
}

// FuzzRequest: what is accepted is accepted alike in every portion, parses alike
// when it is written back, and net/http sees the same message in it or refuses it
// on a ground.
func FuzzRequest(f *testing.F) {
	for _, tt := range requests {
		f.Add([]byte(tt.in))
	}
	for _, g := range grounds {
		f.Add([]byte(g.example))
	}
	addDialogues(f, false, func(sent []byte) { f.Add(sent) })
	f.Fuzz(func(t *testing.T, in []byte) {
		var r Request
		n, err := ParseRequest(&r, in, fuzzLimits)
		if err != nil || n == 0 {
			return
		}
		head := in[:n]
		for i := range head {
			if m, err := ParseRequest(new(Request), head[:i], fuzzLimits); m != 0 || err != nil {
				t.Fatalf("%q: first %d bytes: %d used, error %v", head, i, m, err)
			}
		}
		again := writeBack(&r)
		var second Request
		if m, err := ParseRequest(&second, again, fuzzLimits); err != nil || m != len(again) {
			t.Fatalf("%q written back as %q: %d used, error %v", head, again, m, err)
		}
		if a, b := understood(&r), understood(&second); a != b {
			t.Fatalf("%q is %s, written back it is %s", head, a, b)
		}
		compareRequest(t, head, &r)
	})
}

func writeBack(r *Request) []byte {
	return appendFields(append(append([]byte(nil), r.Line...), "\r\n"...), r.Fields)
}

// appendFields writes the field lines as they came, and the end of the head.
func appendFields(b []byte, fields message.Fields) []byte {
	for _, f := range fields {
		b = message.AppendField(b, f.Name, f.Value)
	}
	return append(b, "\r\n"...)
}

// compareRequest puts a body and another request behind the head, and wants
// net/http to see the same.
func compareRequest(t *testing.T, head []byte, r *Request) {
	t.Helper()
	data, wire, cut := bodyOf(r.Body)
	trail := behind(r.Body, cut)
	m, header, rest, err := theirRequest([]byte(string(bytes.TrimPrefix(head, []byte("\r\n"))) + wire + trail))
	if !accepted(t, head, err, cut, func(err error) bool { return excused(err, r) }) {
		return
	}
	if want := asSeen(r, data); m != want || rest != len(trail) {
		t.Fatalf("%q:\n we see %+v\nnet/http %+v, and %d bytes behind it", head, want, m, rest)
	}
	compareFields(t, head, r.Fields, header)
}

// accepted says whether net/http took a message, which it must but on a ground.
// One that is cut it must find to be so.
func accepted(t *testing.T, head []byte, err error, cut bool, excused func(error) bool) bool {
	t.Helper()
	switch {
	case err != nil && excused(err):
		return false
	case cut && err == nil:
		t.Fatalf("%q: net/http takes a part of the body for the whole", head)
	case cut && err != io.ErrUnexpectedEOF, !cut && err != nil:
		t.Fatalf("%q: net/http refuses it on no ground: %v", head, err)
	}
	return true
}

// asSeen is r with that body, in the words of theirRequest.
func asSeen(r *Request, data string) seen {
	_, after, _ := bytes.Cut(r.Line, []byte(" "))
	target := after[:bytes.LastIndexByte(after, ' ')]
	return seen{string(r.Method) + " " + string(target) + " " + string(r.Host), data, r.Close}
}

// FuzzResponse is FuzzRequest for responses. They are written back as HTTP/1.1.
func FuzzResponse(f *testing.F) {
	for _, tt := range responses {
		f.Add([]byte(tt.in), tt.toHEAD)
	}
	addDialogues(f, true, func(sent []byte) { f.Add(sent, false); f.Add(sent, true) })
	f.Fuzz(func(t *testing.T, in []byte, toHEAD bool) {
		var r Response
		n, err := ParseResponse(&r, in, toHEAD, fuzzLimits)
		if err != nil || n == 0 {
			return
		}
		head := in[:n]
		for i := range head {
			if m, err := ParseResponse(new(Response), head[:i], toHEAD, fuzzLimits); m != 0 || err != nil {
				t.Fatalf("%q: first %d bytes: %d used, error %v", head, i, m, err)
			}
		}
		again := appendFields(AppendStatusLine(nil, r.Code, r.Reason), r.Fields)
		var second Response
		if m, err := ParseResponse(&second, again, toHEAD, fuzzLimits); err != nil || m != len(again) {
			t.Fatalf("%q written back as %q: %d used, error %v", head, again, m, err)
		}
		if r.Status != second.Status || r.Body != second.Body || r.Upgrades != second.Upgrades || r.Minor == 1 && r.Close != second.Close {
			t.Fatalf("%q is %d %+v, written back it is %d %+v", head, r.Status, r.Body, second.Status, second.Body)
		}
		compareResponse(t, head, &r, toHEAD)
	})
}

// compareResponse is compareRequest for responses. Who closes where net/http
// would not is only more careful.
func compareResponse(t *testing.T, head []byte, r *Response, toHEAD bool) {
	t.Helper()
	data, wire, cut := bodyOf(r.Body)
	trail := behind(r.Body, cut)
	m, header, rest, err := theirResponse([]byte(string(head)+wire+trail), toHEAD)
	if !accepted(t, head, err, cut, func(err error) bool { return excusedAnswer(err, r) }) {
		return
	}
	if m.first != string(r.Code) || m.body != data || rest != len(trail) || m.close && !r.Close {
		t.Fatalf("%q:\n we see %s, body %q, close %v\nnet/http %+v, and %d bytes behind it", head, r.Code, data, r.Close, m, rest)
	}
	compareFields(t, head, r.Fields, header)
}

// FuzzChunked: every portioning gives the same, what is accepted survives being
// written back, and net/http decodes the same data and finds the same end.
func FuzzChunked(f *testing.F) {
	for _, tt := range chunkedBodies {
		f.Add(tt.in)
	}
	for _, origins := range []bool{false, true} {
		addDialogues(f, origins, func(sent []byte) {
			if _, body, found := strings.Cut(string(sent), "\r\n\r\n"); found {
				f.Add(body)
			}
		})
	}
	f.Fuzz(func(t *testing.T, in string) {
		data, trailers, used, part, err := decodeParts(in, len(in))
		slow, slowTrailers, slowUsed, slowPart, slowErr := decodeParts(in, 1)
		if (err == nil) != (slowErr == nil) || err == nil && (data != slow || trailers != slowTrailers || used != slowUsed || part != slowPart) {
			t.Fatalf("%q: whole %q %q %d %d %v, by bytes %q %q %d %d %v",
				in, data, trailers, used, part, err, slow, slowTrailers, slowUsed, slowPart, slowErr)
		}
		if err != nil || part != End {
			return
		}
		if used <= maxTrailer {
			again := rechunk(data, trailers)
			if d, tr, n, part, err := decodeParts(again, len(again)); d != data || tr != trailers || n != len(again) || part != End || err != nil {
				t.Fatalf("%q is %q %q, written back it is %q %q, %d bytes, part %d, error %v", in, data, trailers, d, tr, n, part, err)
			}
		}
		const head, trail = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", "GET /next HTTP/1.1\r\n"
		m, _, rest, err := theirRequest([]byte(head + in[:used] + trail))
		if err != nil {
			if !excused(err, &Request{Body: Body{Kind: InChunks}}) {
				t.Fatalf("%q: net/http refuses it on no ground: %v", in[:used], err)
			}
			return
		}
		if m.body != data || rest != len(trail) {
			t.Fatalf("%q: data %q, net/http says %q, and %d bytes behind it", in[:used], data, m.body, rest)
		}
	})
}

// rechunk writes a body as a stream does.
func rechunk(data, trailers string) string {
	var b []byte
	if data != "" {
		b = AppendChunk(b, []byte(data))
	}
	b = append(b, "0\r\n"...)
	for line := range strings.SplitSeq(trailers, "\n") {
		if line != "" {
			b = append(b, line+"\r\n"...)
		}
	}
	return string(append(b, "\r\n"...))
}

// FuzzConnection: the messages on one connection begin and end where net/http
// says, whatever stands between them. That is what smuggling would break.
func FuzzConnection(f *testing.F) {
	addDialogues(f, false, func(sent []byte) { f.Add(sent) })
	for _, tt := range requests {
		f.Add([]byte(tt.in + "3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"))
		f.Add([]byte("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + tt.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		in = expand(in)
		for all := in; ; {
			var r Request
			n, err := ParseRequest(&r, in, fuzzLimits)
			if err != nil || n == 0 {
				return
			}
			data, size, whole := bodyIn(r.Body, in[n:])
			if !whole {
				return
			}
			m, header, rest, err := theirRequest(bytes.TrimPrefix(in, []byte("\r\n")))
			switch {
			case err != nil && excused(err, &r):
			case err != nil:
				t.Fatalf("%q, at %q: net/http refuses it on no ground: %v", all, in, err)
			case m != asSeen(&r, data) || rest != len(in)-n-size:
				t.Fatalf("%q, at %q:\n we see %+v and %d bytes behind it\nnet/http %+v, and %d", all, in, asSeen(&r, data), len(in)-n-size, m, rest)
			default:
				compareFields(t, in[:n], r.Fields, header)
			}
			in = in[n+size:]
		}
	})
}

// words are what framing is made of. A fuzzer that changes single bytes does not
// find them by itself.
var words = []string{
	"\r\n", "\r\n\r\n", "\n", "\r", " ", "\t", "\x00", ":", ",", ";", "\"", "0\r\n\r\n", "3\r\nabc\r\n", "1;a=b\r\nx\r\n", "5", "abc",
	"GET / HTTP/1.1\r\nHost: h\r\n", "POST /a HTTP/1.1\r\nHost: h\r\n", "HEAD / HTTP/1.0\r\n", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "http://a",
	"Content-Length: ", "Content-Length: 3\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: ", "Transfer-Encoding: chunked\r\n",
	"chunked", "identity", "gzip", "Connection: ", "close", "keep-alive", "upgrade", "Trailer: ", "Expect: 100-continue\r\n", "Host: ",
	"Upgrade: h2c\r\n", "TE: trailers\r\n", "X: y\r\n", "0", "00", "ffffffffffffffff", "9223372036854775807", "+", "-", "0x", "\x80", "\xff", "\u0130",
}

// expand puts a word in the place of each byte that is not ASCII.
func expand(in []byte) (out []byte) {
	for _, c := range in {
		if c < 0x80 {
			out = append(out, c)
		} else {
			out = append(out, words[int(c-0x80)%len(words)]...)
		}
	}
	return out
}

// bodyIn reads a body from the start of in.
func bodyIn(b Body, in []byte) (data string, size int, whole bool) {
	switch b.Kind {
	case Sized:
		if b.Length > int64(len(in)) {
			return "", 0, false
		}
		return string(in[:b.Length]), int(b.Length), true
	case InChunks:
		data, _, used, part, err := decodeParts(string(in), len(in))
		return data, used, err == nil && part == End
	}
	return "", 0, true
}
