package http1

import (
	"fmt"
	"strings"
	"testing"
)

var responses = []struct {
	name   string
	in     string
	toHEAD bool
	err    *Error
	want   string
}{
	{name: "length", in: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", want: "200 OK minor=1 body={1 5}"},
	{name: "length 0", in: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", want: "200 OK minor=1 body={0 0}"},
	{name: "chunked", in: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", want: "200 OK minor=1 body={2 0}"},
	{name: "until close", in: "HTTP/1.1 200 OK\r\n\r\n", want: "200 OK minor=1 body={3 0} close"},
	{name: "to HEAD", in: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", toHEAD: true, want: "200 OK minor=1 body={0 0}"},
	{name: "to HEAD, chunked", in: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", toHEAD: true, want: "200 OK minor=1 body={0 0}"},
	{name: "204", in: "HTTP/1.1 204 No Content\r\n\r\n", want: "204 No Content minor=1 body={0 0}"},
	{name: "304 with length", in: "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", want: "304 Not Modified minor=1 body={0 0}"},
	{name: "103", in: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", want: "103 Early Hints minor=1 body={0 0}"},
	{name: "unknown code", in: "HTTP/1.1 799 Whatever\r\nContent-Length: 1\r\n\r\n", want: "799 Whatever minor=1 body={1 1}"},
	{name: "empty reason", in: "HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n", want: "200  minor=1 body={1 1}"},
	{name: "no reason and no space", in: "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n", want: "200  minor=1 body={1 1}"},
	{name: "HTTP/1.0", in: "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", want: "200 OK minor=0 body={1 1} close"},
	{name: "Connection: close", in: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n", want: "200 OK minor=1 body={1 1} close"},

	{name: "two lengths", in: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", err: errTwoLengths},
	{name: "two lengths on 304", in: "HTTP/1.1 304 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", err: errTwoLengths},
	{name: "204 with length 0", in: "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", want: "204 No Content minor=1 body={0 0}"},
	{name: "204 with a body", in: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", want: "204 No Content minor=1 body={0 0} close"},
	{name: "204 with chunks", in: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", want: "204 No Content minor=1 body={0 0} close"},
	{name: "1xx with a body", in: "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", err: errInterimBody},
	{name: "bad length", in: "HTTP/1.1 200 OK\r\nContent-Length: 5;\r\n\r\n", err: errLength},
	{name: "length and chunks", in: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", err: errLengthAndTE},
	{name: "chunks in HTTP/1.0", in: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", err: errTE10},
	{name: "other coding", in: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", err: errNotChunked},
	{name: "bare LF", in: "HTTP/1.1 200 OK\nContent-Length: 1\n\n", err: errBareLF},
	{name: "folded line", in: "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", err: errFold},
	{name: "space before the colon", in: "HTTP/1.1 200 OK\r\nX : a\r\n\r\n", err: errName},
	{name: "empty line first", in: "\r\nHTTP/1.1 200 OK\r\n\r\n", err: errStatusLine},
	{name: "two-digit code", in: "HTTP/1.1 20 OK\r\n\r\n", err: errStatusLine},
	{name: "four-digit code", in: "HTTP/1.1 2000 OK\r\n\r\n", err: errStatusLine},
	{name: "code below 100", in: "HTTP/1.1 099 OK\r\n\r\n", err: errStatusLine},
	{name: "sign in the code", in: "HTTP/1.1 +20 OK\r\n\r\n", err: errStatusLine},
	{name: "two spaces", in: "HTTP/1.1  200 OK\r\n\r\n", err: errStatusLine},
	{name: "control byte in the reason", in: "HTTP/1.1 200 O\x00K\r\n\r\n", err: errStatusLine},
	{name: "CR in the reason", in: "HTTP/1.1 200 O\rK\r\n\r\n", err: errStatusLine},
	{name: "other protocol", in: "SSH-2.0-OpenSSH_9.2\r\n\r\n", err: errStatusLine},
	{name: "HTTP/1.2", in: "HTTP/1.2 200 OK\r\n\r\n", err: errOtherVersion},
	{name: "HTTP/2", in: "HTTP/2.0 200 OK\r\n\r\n", err: errOtherVersion},
	{name: "65 nominations", in: "HTTP/1.1 200 OK\r\nConnection: " + strings.Repeat("x,", 65) + "\r\n\r\n", err: errNominations},
	{name: "quoted comma in Connection", in: "HTTP/1.1 200 OK\r\nConnection: \"a, close, b\"\r\n\r\n", err: errConnection},
	{name: "too large", in: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 512) + "\r\n\r\n", err: errHeadSize},
}

func TestParseResponse(t *testing.T) {
	for _, tt := range responses {
		t.Run(tt.name, func(t *testing.T) {
			var r Response
			check := func(how string, err error) {
				t.Helper()
				got := fmt.Sprintf("%d %s minor=%d body=%v", r.Status, r.Reason, r.Minor, r.Body)
				if r.Close {
					got += " close"
				}
				if err == nil && got != tt.want {
					t.Errorf("%s: got %s, want %s", how, got, tt.want)
				}
			}
			n, err := ParseResponse(&r, []byte(tt.in), tt.toHEAD, testLimits)
			checkHead(t, "whole", tt.in, n, err, tt.err)
			check("whole", err)

			r.Reset()
			n, err = ParseResponse(&r, []byte(tt.in+"\x00\nHTTP/1.1"), tt.toHEAD, testLimits)
			checkHead(t, "with bytes trailing", tt.in, n, err, tt.err)
			check("with bytes trailing", err)

			r.Reset()
			n, err = byBytes(tt.in, func(buf []byte, scanned int) (int, int, error) {
				return parseResponse(&r, buf, scanned, tt.toHEAD, testLimits)
			})
			checkStatus(t, "one byte at a time", tt.in, n, err, tt.err)
			check("one byte at a time", err)
		})
	}
}
