package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"proxylab/proxy/message"
)

// A ground is a rule by which net/http refuses a head that is accepted here, and
// why it is right to accept it nevertheless. What net/http refuses on no ground
// of this list, or frames otherwise on any, is a finding of the fuzz targets.
type ground struct {
	name    string
	why     string
	says    string                // stands in net/http's error
	where   func(r *Request) bool // only there; nil for a ground of responses
	answer  func(r *Response) bool
	example string // a head that provokes it
}

var grounds = []ground{
	{
		name: "empty line first",
		why:  "RFC 9112 §2.2 asks a server to pass over one; net/http's server does not. It frames nothing.",
		says: "malformed HTTP request",
		// Targets compare what is behind the empty line, so nothing is excused by it.
		where:   func(*Request) bool { return false },
		example: "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
	},
	{
		name:    "framing field announced as a trailer",
		why:     "Trailer is not passed on, and such a trailer field neither (RFC 9110 §6.5.1).",
		says:    "bad trailer key",
		where:   func(r *Request) bool { return r.Body.Kind == InChunks && r.Fields.Count(message.Trailer) > 0 },
		example: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n",
	},
	{
		name: "chunk extensions that outweigh the data",
		why: "Each line is bounded, extensions are dropped, and the rate that a body must keep counts its data alone: " +
			"they cost whoever sends them.",
		says:    "too much non-data",
		where:   func(r *Request) bool { return r.Body.Kind == InChunks },
		example: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 250)+"\r\na\r\n", 100) + "0\r\n\r\n",
	},
	{
		name:    "framing field announced as a trailer of a response",
		why:     "As in requests.",
		says:    "bad trailer key",
		answer:  func(r *Response) bool { return r.Fields.Count(message.Trailer) > 0 },
		example: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n",
	},
}

// excused says whether net/http's refusal of r has a ground.
func excused(err error, r *Request) bool {
	for _, g := range grounds {
		if g.where != nil && g.where(r) && strings.Contains(err.Error(), g.says) {
			return true
		}
	}
	return false
}

// excusedAnswer is excused for responses.
func excusedAnswer(err error, r *Response) bool {
	for _, g := range grounds {
		if g.answer != nil && g.answer(r) && strings.Contains(err.Error(), g.says) {
			return true
		}
	}
	return false
}

// Each ground is one: its example is accepted here, and refused there for it.
func TestGrounds(t *testing.T) {
	for _, g := range grounds {
		t.Run(g.name, func(t *testing.T) {
			var ours, theirs error
			if g.answer != nil {
				var r Response
				_, ours = ParseResponse(&r, []byte(g.example), false, fuzzLimits)
				_, _, _, theirs = theirResponse([]byte(g.example), false)
				if !g.answer(&r) {
					t.Error("the ground does not hold of its own example")
				}
			} else {
				var r Request
				n, err := ParseRequest(&r, []byte(g.example), fuzzLimits)
				if ours = err; ours == nil && r.Body.Kind == InChunks {
					_, _, _, ours = decode(g.example[n:], len(g.example))
				}
				_, _, _, theirs = theirRequest([]byte(g.example))
			}
			if ours != nil {
				t.Errorf("refused here: %v", ours)
			}
			if theirs == nil || !strings.Contains(theirs.Error(), g.says) {
				t.Errorf("net/http says %v, want %q", theirs, g.says)
			}
		})
	}
}

// seen is a message as a parser sees it.
type seen struct {
	first string // method, target and host; or the status
	body  string
	close bool
}

// theirRequest reads the next request of in as net/http does. rest is what is
// behind it.
func theirRequest(in []byte) (m seen, header http.Header, rest int, err error) {
	src := bytes.NewReader(in)
	br := bufio.NewReaderSize(src, 64<<10)
	req, err := http.ReadRequest(br)
	if err != nil {
		return seen{}, nil, 0, err
	}
	body, err := io.ReadAll(req.Body)
	host := req.Host
	if req.URL.Host != "" {
		_, after, _ := strings.Cut(req.RequestURI, "://") // as it stands there, escapes and all
		host = after[:strings.IndexAny(after+"/", "/?")]
	}
	if req.Method == "CONNECT" {
		host = req.RequestURI
	}
	return seen{req.Method + " " + req.RequestURI + " " + host, string(body), req.Close}, req.Header, src.Len() + br.Buffered(), err
}

// theirResponse is theirRequest for responses.
func theirResponse(in []byte, toHEAD bool) (m seen, header http.Header, rest int, err error) {
	src := bytes.NewReader(in)
	br := bufio.NewReaderSize(src, 64<<10)
	method := "GET"
	if toHEAD {
		method = "HEAD"
	}
	res, err := http.ReadResponse(br, &http.Request{Method: method})
	if err != nil {
		return seen{}, nil, 0, err
	}
	body, err := io.ReadAll(res.Body)
	return seen{res.Status[:3], string(body), res.Close}, res.Header, src.Len() + br.Buffered(), err
}

// compareFields checks that net/http has the same values of each field, but of
// those that it takes out.
func compareFields(t *testing.T, in []byte, fields message.Fields, header http.Header) {
	t.Helper()
	ours := http.Header{}
	for _, f := range fields {
		switch f.Known {
		case message.Host, message.TransferEncoding, message.Trailer, message.Connection:
			continue
		}
		ours.Add(string(f.Name), string(f.Value))
	}
	for name, values := range ours {
		if name == "Cache-Control" {
			continue // net/http makes one of Pragma
		}
		if got := header[name]; strings.Join(got, "\n") != strings.Join(values, "\n") {
			t.Fatalf("%q: %s is %q, net/http says %q", in, name, values, got)
		}
	}
}
