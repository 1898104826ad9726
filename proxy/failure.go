package proxy

import (
	"errors"
	"strconv"
	"time"

	"proxylab/proxy/http1"
	"proxylab/proxy/message"
)

// Errors of the proxy's own, each with the status that the client gets. Those
// of package http1 carry theirs.
var (
	errMethodRefused = &http1.Error{Status: 405, Reason: "method is not forwarded"}
	errHeadSlow      = &http1.Error{Status: 408, Reason: "request head did not come in time"}
	errHeadCut       = &http1.Error{Status: 400, Reason: "request head was cut short"}
	errHops          = &http1.Error{Status: 400, Reason: "Max-Forwards is not one number"}
	errBodySlow      = &http1.Error{Status: 408, Reason: "request body did not come in time"}
	errBodyTrickles  = &http1.Error{Status: 408, Reason: "request body came too slowly"}
	errBodyLarge     = &http1.Error{Status: 413, Reason: "request body is too large"}
	errBodyCut       = &http1.Error{Status: 400, Reason: "request body was cut short"}
	errNoRoute       = &http1.Error{Status: 404, Reason: "no route for the path"}
	errNoMember      = &http1.Error{Status: 503, Reason: "no usable member"}
	errFull          = &http1.Error{Status: 503, Reason: "all members have their max"}
	errExhausted     = &http1.Error{Status: 503, Reason: "the proxy cannot open another connection"}
	errUnreachable   = &http1.Error{Status: 502, Reason: "the origin server cannot be reached"}
	errBroken        = &http1.Error{Status: 502, Reason: "the origin server broke off"}
	errGarbage       = &http1.Error{Status: 502, Reason: "the origin server's answer is not valid"}
	errSilent        = &http1.Error{Status: 504, Reason: "the origin server did not answer in time"}
)

// page is what an error is answered with, besides its status.
type page struct {
	reason string
	text   string // for the person at the other end
	extra  string // field lines
}

// allowed goes into Allow: what is forwarded, as far as it has a name.
const allowed = "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"

// pages is the one table from status to response.
var pages = map[int]page{
	400: {"Bad Request", "The request cannot be understood.", ""},
	404: {"Not Found", "Nothing is served under this path.", ""},
	405: {"Method Not Allowed", "This method is not served here.", allowed},
	408: {"Request Timeout", "The request did not arrive in time.", ""},
	413: {"Content Too Large", "The request's body is larger than is taken here.", ""},
	414: {"URI Too Long", "The request line is too long.", ""},
	417: {"Expectation Failed", "Only the expectation 100-continue is understood.", ""},
	431: {"Request Header Fields Too Large", "The request's fields are too many or too large.", ""},
	500: {"Internal Server Error", "The proxy failed.", ""},
	501: {"Not Implemented", "The transfer coding is not understood.", ""},
	502: {"Bad Gateway", "The origin server cannot be reached, or its answer is not valid.", ""},
	503: {"Service Unavailable", "No origin server is available at present.", ""},
	504: {"Gateway Timeout", "The origin server did not answer in time.", ""},
	505: {"HTTP Version Not Supported", "Only HTTP/1.0 and HTTP/1.1 are understood.", ""},
}

// appendPage writes the whole response for a status. The body is left out for
// HEAD, with the length it would have (RFC 9110 §9.3.2). again is when it may be
// worth to ask again, in whole seconds at least one (§10.2.3); 0 for not known.
func appendPage(dst []byte, status int, again time.Duration, date *message.Clock, now time.Time, close, head bool) (_ []byte, body int) {
	p, known := pages[status]
	if !known {
		status, p = 500, pages[500]
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, p.reason...)
	dst = append(dst, "\r\nDate: "...)
	dst = date.AppendDate(dst, now)
	dst = append(dst, "\r\nContent-Type: text/plain; charset=utf-8\r\n"...)
	dst = append(dst, p.extra...)
	if again > 0 {
		dst = append(dst, "Retry-After: "...)
		dst = strconv.AppendInt(dst, int64((again+time.Second-1)/time.Second), 10)
		dst = append(dst, "\r\n"...)
	}
	body = len("000 ") + len(p.reason) + len("\r\n") + len(p.text) + len("\r\n")
	dst = http1.AppendLength(dst, int64(body))
	if close {
		dst = append(dst, "Connection: close\r\n"...)
	}
	dst = append(dst, "\r\n"...)
	if head {
		return dst, 0
	}
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, p.reason...)
	dst = append(dst, "\r\n"...)
	dst = append(dst, p.text...)
	return append(dst, "\r\n"...), body
}

// Fault is an error that somebody can mend who starts the proxy.
type Fault struct {
	Err  error
	Hint string
}

func (f *Fault) Error() string { return f.Err.Error() }

func (f *Fault) Unwrap() error { return f.Err }

// HintOf returns the hint that err carries, or "".
func HintOf(err error) string {
	var f *Fault
	if errors.As(err, &f) {
		return f.Hint
	}
	return ""
}
