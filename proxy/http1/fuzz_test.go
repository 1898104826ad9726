package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"

	"proxylab/proxy/message"
)

var fuzzLimits = Limits{Head: 64 << 10, Fields: 100}

// FuzzRequest: what is accepted is accepted alike in every portion, parses alike
// when it is written back, and net/http sees the same framing in it.
func FuzzRequest(f *testing.F) {
	for _, tt := range requests {
		f.Add([]byte(tt.in))
	}
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
		compareWithNetHTTP(t, head, &r)
	})
}

func writeBack(r *Request) []byte {
	b := append([]byte(nil), r.Line...)
	b = append(b, "\r\n"...)
	for _, f := range r.Fields {
		b = message.AppendField(b, f.Name, f.Value)
	}
	return append(b, "\r\n"...)
}

// compareWithNetHTTP checks method, framing and host where net/http accepts the
// head too. It refuses some that are right here: CONNECT and authorities in
// other forms, queries with bytes that browsers leave unescaped.
func compareWithNetHTTP(t *testing.T, head []byte, r *Request) {
	body := "3\r\nabc\r\n0\r\n\r\n"
	if r.Body.Kind != InChunks {
		body = "3\r\nabc"
	}
	// net/http reads no empty line before a request.
	req, err := http.ReadRequest(bufio.NewReader(io.MultiReader(
		bytes.NewReader(bytes.TrimPrefix(head, []byte("\r\n"))), bytes.NewReader([]byte(body)))))
	if err != nil {
		return
	}
	want := int64(0)
	switch r.Body.Kind {
	case Sized:
		want = r.Body.Length
	case InChunks:
		want = -1
	}
	if req.ContentLength != want {
		t.Fatalf("%q: length %d, net/http says %d", head, want, req.ContentLength)
	}
	if req.Method != string(r.Method) {
		t.Fatalf("%q: method %q, net/http says %q", head, r.Method, req.Method)
	}
	if req.Host != string(r.Host) && r.Target.Form == Origin {
		t.Fatalf("%q: host %q, net/http says %q", head, r.Host, req.Host)
	}
}

// FuzzResponse: accepted alike in every portion, and net/http sees the same
// framing.
func FuzzResponse(f *testing.F) {
	for _, tt := range responses {
		f.Add([]byte(tt.in), tt.toHEAD)
	}
	f.Fuzz(func(t *testing.T, in []byte, toHEAD bool) {
		var r Response
		n, err := ParseResponse(&r, in, toHEAD, fuzzLimits)
		if err != nil || n == 0 {
			return
		}
		for i := range n {
			if m, err := ParseResponse(new(Response), in[:i], toHEAD, fuzzLimits); m != 0 || err != nil {
				t.Fatalf("%q: first %d bytes: %d used, error %v", in[:n], i, m, err)
			}
		}
		method := "GET"
		if toHEAD {
			method = "HEAD"
		}
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(in[:n])), &http.Request{Method: method})
		if err != nil || toHEAD || r.Status == 304 {
			return // there net/http keeps a length that frames nothing
		}
		want := int64(0)
		switch r.Body.Kind {
		case Sized:
			want = r.Body.Length
		case InChunks, UntilClose:
			want = -1
		}
		if res.ContentLength != want {
			t.Fatalf("%q: length %d, net/http says %d", in[:n], want, res.ContentLength)
		}
		if res.StatusCode != r.Status {
			t.Fatalf("%q: status %d, net/http says %d", in[:n], r.Status, res.StatusCode)
		}
	})
}

// FuzzChunked: every portioning gives the same, what is accepted survives being
// written back, and net/http decodes the same data.
func FuzzChunked(f *testing.F) {
	for _, tt := range chunkedBodies {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, used, part, err := decode(in, len(in))
		slow, slowUsed, slowPart, slowErr := decode(in, 1)
		if (err == nil) != (slowErr == nil) || err == nil && (got != slow || used != slowUsed || part != slowPart) {
			t.Fatalf("%q: whole %q %d %d %v, by bytes %q %d %d %v", in, got, used, part, err, slow, slowUsed, slowPart, slowErr)
		}
		if err != nil || part != End {
			return
		}
		data, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader([]byte(in[:used]))))
		if err != nil {
			t.Fatalf("%q: net/http refuses what was accepted: %v", in[:used], err)
		}
		if got != string(data) && !strings.HasPrefix(got, string(data)+"|") {
			t.Fatalf("%q: data %q, net/http says %q", in[:used], got, data)
		}
	})
}
