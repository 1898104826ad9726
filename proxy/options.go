package proxy

import (
	"strconv"
	"strings"

	"proxylab/proxy/message"
)

// badHops says that an OPTIONS request has a Max-Forwards that one hop could count
// and another not: several, or one that is no number.
func (x *exchange) badHops() bool {
	v, ok := x.req.Fields.Get(message.MaxForwards)
	return ok && (x.req.Fields.Count(message.MaxForwards) > 1 || len(v) == 0 || strings.Trim(string(v), "0123456789") != "")
}

// hops reads Max-Forwards of an OPTIONS request (RFC 9110 §7.6.2); -1 without it.
// A number that is too large is the largest known here.
func (x *exchange) hops() int {
	v, ok := x.req.Fields.Get(message.MaxForwards)
	if !ok {
		return -1
	}
	n, _ := strconv.ParseUint(string(v), 10, 31) // which gives that where it fails for that reason
	return int(n)
}

// options answers an OPTIONS request that is for the proxy itself: one about *,
// or one that may go no further.
func (x *exchange) options() phase {
	x.c.Begin()
	out := append(x.c.Out.B, "HTTP/1.1 200 OK\r\nDate: "...)
	out = x.s.clock.AppendDate(out, x.started)
	out = append(out, "\r\n"+allowed+"Content-Length: 0\r\n"...)
	x.status = 200
	return x.answer(out)
}

// appendMaxForwards counts this hop where the method has the field count
// (OPTIONS), and passes it on as it is for all others.
func (x *exchange) appendMaxForwards(dst []byte) []byte {
	v, _ := x.req.Fields.Get(message.MaxForwards)
	if n := x.hops(); n > 0 && string(x.req.Method) == "OPTIONS" {
		dst = append(dst, "Max-Forwards: "...)
		dst = strconv.AppendInt(dst, int64(n-1), 10)
		return append(dst, "\r\n"...)
	}
	return message.AppendField(dst, []byte("Max-Forwards"), v)
}
