package http1

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"proxylab/proxy/message"
)

var testLimits = Limits{Head: 512, Fields: 8}

// requests are heads and what becomes of each: the error, or a line that says
// what was understood.
var requests = []struct {
	name string
	in   string
	err  *Error
	want string
}{
	{name: "plain", in: "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n", want: "GET form=0 path=/a query=?b host=h minor=1 fields=1 body={0 0}"},
	{name: "one empty line before", in: "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", want: "GET form=0 path=/ query= host=h minor=1 fields=1 body={0 0}"},
	{name: "two empty lines before", in: "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", err: errRequestLine},
	{name: "own method", in: "M-SEARCH / HTTP/1.1\r\nHost: h\r\n\r\n", want: "M-SEARCH form=0 path=/ query= host=h minor=1 fields=1 body={0 0}"},
	{name: "absolute form decides over Host", in: "GET http://a:80/p?q HTTP/1.1\r\nHost: b\r\n\r\n", want: "GET form=1 path=/p query=?q host=a:80 minor=1 fields=1 body={0 0}"},
	{name: "absolute form without path", in: "GET HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n", want: "GET form=1 path=/ query= host=a minor=1 fields=1 body={0 0}"},
	{name: "absolute form with query alone", in: "GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n", want: "GET form=1 path=/ query=?q host=a minor=1 fields=1 body={0 0}"},
	{name: "authority form", in: "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", want: "CONNECT form=2 path= query= host=h:443 minor=1 fields=1 body={0 0}"},
	{name: "asterisk form", in: "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", want: "OPTIONS form=3 path=* query= host=h minor=1 fields=1 body={0 0}"},
	{name: "OPTIONS of a server in absolute form", in: "OPTIONS http://a:80 HTTP/1.1\r\nHost: b\r\n\r\n", want: "OPTIONS form=3 path=* query= host=a:80 minor=1 fields=1 body={0 0}"},
	{name: "OPTIONS of a root in absolute form", in: "OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", want: "OPTIONS form=1 path=/ query= host=a minor=1 fields=1 body={0 0}"},
	{name: "OPTIONS of a query in absolute form", in: "OPTIONS http://a? HTTP/1.1\r\nHost: a\r\n\r\n", want: "OPTIONS form=1 path=/ query=? host=a minor=1 fields=1 body={0 0}"},
	{name: "HTTP/1.0 closes", in: "GET / HTTP/1.0\r\n\r\n", want: "GET form=0 path=/ query= host= minor=0 fields=0 body={0 0} close"},
	{name: "HTTP/1.0 keep-alive", in: "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", want: "GET form=0 path=/ query= host= minor=0 fields=1 body={0 0}"},
	{name: "Connection: close in a list", in: "GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n", want: "GET form=0 path=/ query= host=h minor=1 fields=2 body={0 0} close"},
	{name: "length", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n", want: "POST form=0 path=/ query= host=h minor=1 fields=2 body={1 12}"},
	{name: "length 0", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", want: "POST form=0 path=/ query= host=h minor=1 fields=2 body={0 0}"},
	{name: "largest length", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\n", want: "POST form=0 path=/ query= host=h minor=1 fields=2 body={1 9223372036854775807}"},
	{name: "chunked", in: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n", want: "POST form=0 path=/ query= host=h minor=1 fields=2 body={2 0}"},
	{name: "tab around a value", in: "POST / HTTP/1.1\r\nHost:\th\t \r\nTransfer-Encoding:\tchunked\r\n\r\n", want: "POST form=0 path=/ query= host=h minor=1 fields=2 body={2 0}"},
	{name: "expects", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n", want: "POST form=0 path=/ query= host=h minor=1 fields=3 body={1 1} continues"},
	{name: "expects without body", in: "GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n", want: "GET form=0 path=/ query= host=h minor=1 fields=2 body={0 0}"},
	{name: "IPv6 host", in: "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", want: "GET form=0 path=/ query= host=[::1]:80 minor=1 fields=1 body={0 0}"},
	{name: "IPv6 host with an IPv4 address in it", in: "GET / HTTP/1.1\r\nHost: [::ffff:127.0.0.1]\r\n\r\n", want: "GET form=0 path=/ query= host=[::ffff:127.0.0.1] minor=1 fields=1 body={0 0}"},
	{name: "host with an underscore, a dot behind and the last port", in: "GET / HTTP/1.1\r\nHost: a_b.c.:65535\r\n\r\n", want: "GET form=0 path=/ query= host=a_b.c.:65535 minor=1 fields=1 body={0 0}"},
	{name: "host with an empty port", in: "GET / HTTP/1.1\r\nHost: h:\r\n\r\n", want: "GET form=0 path=/ query= host=h: minor=1 fields=1 body={0 0}"},
	{name: "obs-text in a value", in: "GET / HTTP/1.1\r\nHost: h\r\nX: \xff\xe9\r\n\r\n", want: "GET form=0 path=/ query= host=h minor=1 fields=2 body={0 0}"},
	{name: "what browsers do not escape", in: "GET /a|b?c={d}&e=100%&f=\\ HTTP/1.1\r\nHost: h\r\n\r\n", want: `GET form=0 path=/a|b query=?c={d}&e=100%&f=\ host=h minor=1 fields=1 body={0 0}`},

	{name: "bare LF", in: "GET / HTTP/1.1\nHost: h\n\n", err: errBareLF},
	{name: "bare LF after a field", in: "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", err: errBareLF},
	{name: "bare LF at the end", in: "GET / HTTP/1.1\r\nHost: h\r\n\n", err: errBareLF},
	{name: "bare CR in a value", in: "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", err: errBareCR},
	{name: "CR CR LF", in: "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\r\n\r\n", err: errBareCR},
	{name: "bare CR in the request line", in: "GET /\r HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "folded line", in: "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", err: errFold},
	{name: "folded first line", in: "GET / HTTP/1.1\r\n\tHost: h\r\n\r\n", err: errFold},
	{name: "NUL in a value", in: "GET / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n", err: errValue},
	{name: "control byte late in a long value", in: "GET / HTTP/1.1\r\nHost: h\r\nX: 0123456789abcdef\x1f\r\n\r\n", err: errValue},
	{name: "DEL in a value", in: "GET / HTTP/1.1\r\nHost: h\r\nX: abcdefg\x7fhijklmno\r\n\r\n", err: errValue},
	{name: "space before the colon", in: "GET / HTTP/1.1\r\nHost : h\r\n\r\n", err: errName},
	{name: "tab before the colon", in: "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding\t: chunked\r\n\r\n", err: errName},
	{name: "empty name", in: "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", err: errName},
	{name: "NUL in a name", in: "GET / HTTP/1.1\r\nHost: h\r\nX\x00: x\r\n\r\n", err: errName},
	{name: "UTF-8 in a name", in: "GET / HTTP/1.1\r\nHost: h\r\nX\u00e9: x\r\n\r\n", err: errName},
	{name: "no colon", in: "GET / HTTP/1.1\r\nHost: h\r\nXyz\r\n\r\n", err: errNoColon},
	{name: "method is no token", in: "G@T / HTTP/1.1\r\nHost: h\r\n\r\n", err: errMethod},
	{name: "empty method", in: " / HTTP/1.1\r\nHost: h\r\n\r\n", err: errMethod},
	{name: "two spaces", in: "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "space in the target", in: "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "tab as separator", in: "GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n", err: errRequestLine},
	{name: "space after the version", in: "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", err: errVersion},
	{name: "relative target", in: "GET a HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "fragment", in: "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "bad escape in the path", in: "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "backslash in the path", in: "GET /a\\b HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "UTF-8 in the target", in: "GET /\u00e9 HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "other scheme", in: "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "user information", in: "GET http://u:p@h/ HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "absolute form without host", in: "GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "asterisk with GET", in: "GET * HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "CONNECT without port", in: "CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "HTTP/0.9", in: "GET /\r\n\r\n", err: errRequestLine},
	{name: "HTTP/0.9 written out", in: "GET / HTTP/0.9\r\n\r\n", err: errOtherVersion},
	{name: "HTTP/1.2", in: "GET / HTTP/1.2\r\nHost: h\r\n\r\n", err: errOtherVersion},
	{name: "HTTP/1.9", in: "GET / HTTP/1.9\r\nHost: h\r\n\r\n", err: errOtherVersion},
	{name: "HTTP/2.0", in: "GET / HTTP/2.0\r\nHost: h\r\n\r\n", err: errOtherVersion},
	{name: "preface of HTTP/2", in: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", err: errOtherVersion},
	{name: "two-digit version", in: "GET / HTTP/1.10\r\nHost: h\r\n\r\n", err: errVersion},
	{name: "lower-case version", in: "GET / http/1.1\r\nHost: h\r\n\r\n", err: errVersion},
	{name: "TLS hello", in: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", err: errRequestLine},
	{name: "no Host", in: "GET / HTTP/1.1\r\nX: y\r\n\r\n", err: errNoHost},
	{name: "two Hosts", in: "GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n", err: errTwoHosts},
	{name: "two Hosts in HTTP/1.0", in: "GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n", err: errTwoHosts},
	{name: "empty Host", in: "GET / HTTP/1.1\r\nHost: \r\n\r\n", err: errHost},
	{name: "Host with path", in: "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", err: errHost},
	{name: "Host with user", in: "GET / HTTP/1.1\r\nHost: a@h\r\n\r\n", err: errHost},
	{name: "Host list", in: "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", err: errHost},
	{name: "Host with bad port", in: "GET / HTTP/1.1\r\nHost: h:8x\r\n\r\n", err: errHost},
	{name: "Host with bad IPv6", in: "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", err: errHost},
	{name: "Host with a zone", in: "GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", err: errHost},
	{name: "Host with a zone not escaped", in: "GET / HTTP/1.1\r\nHost: [fe80::1%eth0]\r\n\r\n", err: errHost},
	{name: "Host with IPv4 in brackets", in: "GET / HTTP/1.1\r\nHost: [127.0.0.1]\r\n\r\n", err: errHost},
	{name: "Host with no address in brackets", in: "GET / HTTP/1.1\r\nHost: [12]\r\n\r\n", err: errHost},
	{name: "Host with nothing in brackets", in: "GET / HTTP/1.1\r\nHost: []\r\n\r\n", err: errHost},
	{name: "Host with an address of a version to come", in: "GET / HTTP/1.1\r\nHost: [v1.a]\r\n\r\n", err: errHost},
	{name: "Host with a name behind brackets", in: "GET / HTTP/1.1\r\nHost: [::1]h:80\r\n\r\n", err: errHost},
	{name: "Host with IPv6 without brackets", in: "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", err: errHost},
	{name: "Host with two ports", in: "GET / HTTP/1.1\r\nHost: h:80:81\r\n\r\n", err: errHost},
	{name: "Host with a port beyond the last", in: "GET / HTTP/1.1\r\nHost: h:65536\r\n\r\n", err: errHost},
	{name: "Host with a port that wraps", in: "GET / HTTP/1.1\r\nHost: h:18446744073709551696\r\n\r\n", err: errHost},
	{name: "Host with port alone", in: "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", err: errHost},
	{name: "Host with an escape", in: "GET / HTTP/1.1\r\nHost: a%62\r\n\r\n", err: errHost},
	{name: "Host with a comma", in: "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", err: errHost},
	{name: "Host with a semicolon", in: "GET / HTTP/1.1\r\nHost: a;b\r\n\r\n", err: errHost},
	{name: "Host with a quote", in: "GET / HTTP/1.1\r\nHost: a'b\r\n\r\n", err: errHost},
	{name: "Host with a byte that is not ASCII", in: "GET / HTTP/1.1\r\nHost: h\u00e9\r\n\r\n", err: errHost},
	{name: "escape in the authority", in: "GET http://%61/ HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "slash escaped in the authority", in: "GET http://a%2fb/ HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "backslash in the authority", in: "GET http://a\\b/ HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "one slash in absolute form", in: "GET http:/h/ HTTP/1.1\r\nHost: h\r\n\r\n", err: errTarget},
	{name: "bad Host with absolute form", in: "GET http://a/ HTTP/1.1\r\nHost: b/c\r\n\r\n", err: errHost},

	{name: "smuggle: length and chunks", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", err: errLengthAndTE},
	{name: "smuggle: chunks and length", in: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", err: errLengthAndTE},
	{name: "smuggle: two equal lengths", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n", err: errTwoLengths},
	{name: "smuggle: two zero lengths", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", err: errTwoLengths},
	{name: "smuggle: length list", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4, 4\r\n\r\n", err: errLength},
	{name: "smuggle: plus sign", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +4\r\n\r\n", err: errLength},
	{name: "smuggle: minus sign", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -0\r\n\r\n", err: errLength},
	{name: "smuggle: hex length", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x4\r\n\r\n", err: errLength},
	{name: "smuggle: space in length", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4 4\r\n\r\n", err: errLength},
	{name: "smuggle: empty length", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", err: errLength},
	{name: "smuggle: length overflows", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775808\r\n\r\n", err: errLength},
	{name: "smuggle: length of twenty digits", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 00000000000000000005\r\n\r\n", err: errLength},
	{name: "smuggle: length with an underscore", in: "POST / HTTP/1.1\r\nHost: h\r\nContent_Length: 5\r\n\r\n", err: errVariable},
	{name: "smuggle: coding with an underscore", in: "POST / HTTP/1.1\r\nHost: h\r\ntransfer_encoding: chunked\r\n\r\n", err: errVariable},
	{name: "client with underscores", in: "GET / HTTP/1.1\r\nHost: h\r\nX_Forwarded-For: 10.0.0.1\r\n\r\n", err: errVariable},
	{name: "other field with underscores", in: "GET / HTTP/1.1\r\nHost: h\r\nX_Request_Id: 1\r\n\r\n", want: "GET form=0 path=/ query= host=h minor=1 fields=2 body={0 0}"},
	{name: "smuggle: length wraps", in: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551620\r\n\r\n", err: errLength},
	{name: "smuggle: chunks in HTTP/1.0", in: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", err: errTE10},
	{name: "smuggle: chunked is not last", in: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", err: errNotChunked},
	{name: "smuggle: identity", in: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n", err: errNotChunked},
	{name: "smuggle: misspelt", in: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", err: errNotChunked},
	{name: "smuggle: quoted", in: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", err: errNotChunked},
	{name: "smuggle: parameter", in: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", err: errNotChunked},
	{name: "smuggle: comma before chunked", in: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: ,chunked\r\n\r\n", err: errNotChunked},
	{name: "smuggle: empty coding", in: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n", err: errNotChunked},
	{name: "smuggle: chunked twice", in: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", err: errTwoTE},
	{name: "smuggle: chunked in two fields", in: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", err: errTwoTE},
	{name: "coding below chunked", in: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", err: errTE},
	{name: "other expectation", in: "POST / HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\n\r\n", err: errExpectation},

	{name: "65 nominations", in: "GET / HTTP/1.1\r\nHost: h\r\nConnection: " + strings.Repeat("x,", 65) + "\r\n\r\n", err: errNominations},
	{name: "quoted comma in Connection", in: "GET / HTTP/1.1\r\nHost: h\r\nConnection: \"a, close, b\"\r\n\r\n", err: errConnection},
	{name: "quote that does not end in Connection", in: "GET / HTTP/1.1\r\nHost: h\r\nConnection: \", close\r\n\r\n", err: errConnection},
	{name: "too many fields", in: "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: y\r\n", 8) + "\r\n", err: errFieldCount},
	{name: "head too large", in: "GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("y", 512) + "\r\n\r\n", err: errHeadSize},
}

// understood says in a line what r is.
func understood(r *Request) string {
	s := fmt.Sprintf("%s form=%d path=%s query=%s host=%s minor=%d fields=%d body=%v",
		r.Method, r.Target.Form, r.Target.Path, r.Target.Query, r.Host, r.Minor, len(r.Fields), r.Body)
	if r.Close {
		s += " close"
	}
	if r.Continues {
		s += " continues"
	}
	return s
}

func TestParseRequest(t *testing.T) {
	for _, tt := range requests {
		t.Run(tt.name, func(t *testing.T) {
			var r Request
			n, err := ParseRequest(&r, []byte(tt.in), testLimits)
			checkHead(t, "whole", tt.in, n, err, tt.err)
			if err == nil && understood(&r) != tt.want {
				t.Errorf("whole:\n got %s\nwant %s", understood(&r), tt.want)
			}

			r.Reset()
			n, err = ParseRequest(&r, []byte(tt.in+"GET /next HTTP/1.1\r\nX: \x00\n"), testLimits)
			checkHead(t, "with bytes trailing", tt.in, n, err, tt.err)
			if err == nil && understood(&r) != tt.want {
				t.Errorf("with bytes trailing:\n got %s\nwant %s", understood(&r), tt.want)
			}

			r.Reset()
			n, err = byBytes(tt.in, func(buf []byte, scanned int) (int, int, error) {
				return parseRequest(&r, buf, scanned, testLimits)
			})
			checkStatus(t, "one byte at a time", tt.in, n, err, tt.err)
			if err == nil && understood(&r) != tt.want {
				t.Errorf("one byte at a time:\n got %s\nwant %s", understood(&r), tt.want)
			}
		})
	}
}

// byBytes gives parse one byte more each time, until it is done.
func byBytes(in string, parse func(buf []byte, scanned int) (n, next int, err error)) (n int, err error) {
	scanned := 0
	for i := 1; i <= len(in); i++ {
		n, scanned, err = parse([]byte(in[:i]), scanned)
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, errors.New("whole input wants more")
}

func checkHead(t *testing.T, how, in string, n int, err error, want *Error) {
	t.Helper()
	if want != nil && err != error(want) {
		t.Errorf("%s: error %v, want %v", how, err, want)
	}
	checkStatus(t, how, in, n, err, want)
}

// checkStatus wants the length of in, or an error of the same status: which rule
// is the first to be broken may depend on how much is there.
func checkStatus(t *testing.T, how, in string, n int, err error, want *Error) {
	t.Helper()
	switch {
	case want == nil && (err != nil || n != len(in)):
		t.Errorf("%s: %d bytes used, error %v; want %d bytes", how, n, err, len(in))
	case want != nil && StatusOf(err, 0) != want.Status:
		t.Errorf("%s: error %v, want one of status %d", how, err, want.Status)
	case want != nil && n != 0:
		t.Errorf("%s: %d bytes used of a head that is refused", how, n)
	}
}

func TestTargetTooLong(t *testing.T) {
	long := "GET /" + strings.Repeat("y", 600)
	for _, in := range []string{long, strings.Repeat("y", 600), long + " HTTP/1.1\r\nHost: h\r\n\r\n"} {
		if n, err := ParseRequest(new(Request), []byte(in), testLimits); n != 0 || err != error(errTargetSize) {
			t.Errorf("%.10s…: %d bytes used, error %v; want %v", in, n, err, errTargetSize)
		}
	}
}

func TestParseRequestDoesNotAllocate(t *testing.T) {
	in := []byte("GET /some/path?query HTTP/1.1\r\nHost: example.org\r\nUser-Agent: x\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n")
	var r Request
	lim := Limits{Head: 64 << 10, Fields: 100}
	if _, err := ParseRequest(&r, in, lim); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		r.Reset()
		ParseRequest(&r, in, lim)
	}); n != 0 {
		t.Errorf("%v allocations for a head, want 0", n)
	}
}

func TestFieldsKeepOrderAndSpelling(t *testing.T) {
	in := "GET / HTTP/1.1\r\nhOST: h\r\nX-b:  two words \r\nConnection: x-Gone\r\nX-A: 1\r\nx-gone: 1\r\nX-b: 3\r\n\r\n"
	var r Request
	if _, err := ParseRequest(&r, []byte(in), testLimits); err != nil {
		t.Fatal(err)
	}
	got := string(r.Fields.AppendForwarded(nil, message.SetOf(message.Host)))
	if want := "X-b: two words\r\nX-A: 1\r\nX-b: 3\r\n"; got != want {
		t.Errorf("forwarded %q, want %q", got, want)
	}
}
