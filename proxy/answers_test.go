package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/site"
)

const evil = "HTTP/1.1 200 OK\r\nX-For: /evil\r\nContent-Length: 0\r\n\r\n"

// badAnswers are what an origin server that is broken, or not ours, sends to
// /bad, by the method of the request. want is the statuses that the client
// gets, of that answer and of the one to /good which it asked for at once.
var badAnswers = []struct{ name, method, answer, want string }{
	{"length and chunks", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + evil, "502 200"},
	{"two lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 0\r\n\r\nok" + evil, "502 200"},
	{"length list", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok" + evil, "502 200"},
	{"length with a sign", "GET", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok" + evil, "502 200"},
	{"length beyond 63 bits", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551618\r\n\r\nok" + evil, "502 200"},
	{"length nominated", "GET", "HTTP/1.1 200 OK\r\nConnection: Content-Length\r\nContent-Length: 2\r\n\r\nok", "200 200"},
	{"length too short", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore" + evil, "200 200"},
	{"two answers", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + evil, "200 200"},
	{"two answers in chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + evil, "200 200"},
	{"answer in the trailers", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 0\r\n\r\n" + evil, "200 200"},
	{"coding below chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + evil, "502 200"},
	{"coding identity", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n" + evil, "502 200"},
	{"coding behind a fold", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\nok" + evil, "502 200"},
	{"coding in HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + evil, "502 200"},
	{"chunk with a bare LF", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n" + evil, "502 200"},
	{"204 with a body", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 51\r\n\r\n" + evil, "204 200"},
	{"204 with chunks", "GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n33\r\n" + evil + "\r\n0\r\n\r\n", "204 200"},
	{"304 with a body", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 51\r\n\r\n" + evil, "304 200"},
	{"HEAD with a body", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 51\r\n\r\n" + evil, "200 200"},
	{"HEAD with chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n33\r\n" + evil + "\r\n0\r\n\r\n", "200 200"},
	{"HEAD without a length", "HEAD", "HTTP/1.1 200 OK\r\n\r\n" + evil, "200 200"},
	{"interim with a body", "GET", "HTTP/1.1 103 Early Hints\r\nContent-Length: 51\r\n\r\n" + evil, "502 200"},
	{"interim and two answers", "GET", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + evil, "103 200 200"},
	{"change of protocol that nobody asked for", "GET", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + evil, "502 200"},
	{"split by a bare LF", "GET", "HTTP/1.1 200 OK\r\nX: y\n\n" + evil, "502 200"},
	{"split by a bare CR", "GET", "HTTP/1.1 200 OK\r\nX: y\r\rContent-Length: 0\r\r" + evil, "502 200"},
	{"split by NUL", "GET", "HTTP/1.1 200 OK\r\nX: y\x00\r\nContent-Length: 0\r\n\r\n" + evil, "502 200"},
	{"CR in the reason", "GET", "HTTP/1.1 200 OK\rX-For: /evil\r\nContent-Length: 0\r\n\r\n", "502 200"},
	{"name with a space", "GET", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n" + evil, "502 200"},
	{"quoted Connection", "GET", "HTTP/1.1 200 OK\r\nConnection: \"a, close\"\r\nContent-Length: 0\r\n\r\n", "502 200"},
	{"empty line first", "GET", "\r\n" + evil, "502 200"},
	{"HTTP/0.9", "GET", "<html>\r\n\r\n" + evil, "502 200"},
	{"preface of HTTP/2", "GET", "HTTP/2.0 200 OK\r\n\r\n", "502 200"},
	{"another answer for the body", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + evil, "200 200"},
}

// Whatever an origin server answers, the client that asked twice at once gets the
// right answer the second time, and never a third. net/http reads what it gets.
func TestBadAnswersAreNotTakenForOthers(t *testing.T) {
	for _, tt := range badAnswers {
		t.Run(tt.name, func(t *testing.T) {
			p := serve(t, func(s *site.Site) { upgrading(s) }, origin(t, func(c net.Conn) { answerBadly(c, tt.answer) }))
			for range 2 { // and again, with what the first left in the pool
				if got := askForBadAndGood(t, p.addr, tt.method); got != tt.want {
					t.Errorf("%s, want %s", got, tt.want)
				}
			}
		})
	}
}

// answerBadly answers /bad with that, and all else as it should. A bad answer
// without an end has that of the connection.
func answerBadly(c net.Conn, bad string) {
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if req.URL.Path != "/bad" {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX-For: %s\r\nContent-Length: 0\r\n\r\n", req.URL.Path)
			continue
		}
		io.WriteString(c, bad)
		if strings.Contains(bad, "Connection: close") {
			return
		}
	}
}

// askForBadAndGood sends two requests at once and returns the statuses that come,
// as net/http reads them.
func askForBadAndGood(t *testing.T, addr, method string) string {
	t.Helper()
	c := dial(t, addr)
	c.SetDeadline(time.Now().Add(30 * time.Second))
	defer c.Close()
	io.WriteString(c, method+" /bad HTTP/1.1\r\nHost: h\r\n\r\nGET /good HTTP/1.1\r\nHost: h\r\n\r\n")
	c.(*net.TCPConn).CloseWrite()
	all, err := io.ReadAll(c)
	if err != nil {
		t.Error(err)
	}
	r := bufio.NewReader(bytes.NewReader(all))
	var statuses []string
	for _, method := range []string{method, "GET"} {
		for final := false; !final; {
			res, err := http.ReadResponse(r, &http.Request{Method: method})
			if err != nil {
				t.Fatalf("%q: %v", all, err)
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				t.Fatalf("%q: %v", all, err)
			}
			statuses = append(statuses, fmt.Sprint(res.StatusCode))
			final = res.StatusCode >= 200
			if got := res.Header.Get("X-For"); got == "/evil" || final && len(statuses) > 1 && method == "GET" && r.Buffered() == 0 && got != "/good" {
				t.Errorf("an answer for %q: %q", got, all)
			}
		}
	}
	if r.Buffered() > 0 {
		t.Errorf("a third answer: %q", all)
	}
	return strings.Join(statuses, " ")
}
