package proxy

import (
	"strconv"

	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
	"proxylab/proxy/message"
)

// hit answers from what is stored. there is false where its body turns out to be
// gone, and the decision is another one then.
func (x *exchange) hit() (next phase, there bool) {
	h := x.cached
	h.answer.From(h.d.Entry, &h.q, h.c.policy, x.now())
	if h.answer.Body(&h.q) {
		if h.variants.OnDisk(h.d.Entry) && x.inLoop() {
			if h.body, there = h.c.store.Opened(&h.variants, h.d.Entry); !there {
				return phaseApart, true // which looks it up again
			}
		} else if !x.open(h.d.Entry) {
			h.d = cache.Lookup(&h.q, nil, h.c.policy, x.now())
			return 0, false
		}
	}
	if h.d.Outcome == cache.HitStale {
		x.revalidate()
	}
	h.handled = cache.Handled{Decision: h.d}
	return x.respond(), true
}

// open opens the body of an entry of variants. False says that it is not to be had. A
// file that turned out bad is removed: that is never in a loop, which opens none.
func (x *exchange) open(e *cache.Entry) bool {
	h := x.cached
	inFile := h.variants.OnDisk(e)
	var err error
	if h.body, err = h.c.store.Body(&h.variants, e); err == nil {
		return true
	}
	if err == store.ErrGone && inFile {
		h.c.store.Remove(h.key)
	}
	h.variants.Clear()
	return false
}

// respond begins the answer, whose body is h.body or what comes from h.reader. A
// small body goes out with the head, in one write.
func (x *exchange) respond() phase {
	h := x.cached
	h.part, h.at, h.last = 0, 0, -1
	sends := h.answer.Body(&h.q)
	x.begin(sends && h.answer.Length < 0)
	if !sends {
		h.letGo()
		return x.finished()
	}
	if b := h.body.Bytes; b != nil && h.reader == nil && len(h.answer.Spans) == 0 && len(b) <= x.c.Room() {
		x.c.Out.B = append(x.c.Out.B, b...)
		x.bytes = int64(len(b))
		return x.finished()
	}
	x.beginBody(sends && h.answer.Length < 0)
	return phaseServe
}

// begin writes the head of an answer from the cache.
func (x *exchange) begin(chunked bool) {
	h := x.cached
	if x.s.stopping.Load() {
		x.close = true
	}
	if chunked && x.req.Minor == 0 {
		chunked, x.close = false, true
	}
	x.c.Begin()
	out := appendStatus(x.c.Out.B, h.answer.Status)
	out = h.answer.AppendFields(out)
	out = message.AppendVia(out, 1)
	out = h.handled.AppendStatus(out, h.c.policy, x.now())
	if chunked {
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	}
	x.c.Out.B = x.endHead(out)
	x.status = h.answer.Status
	x.noteHead()
}

// finished is for an answer that is in Out as a whole.
func (x *exchange) finished() phase {
	x.linger = x.close && !x.req.Close
	x.c.WriteWithin(x.p.site.Limits.Timeout)
	return phaseAnswer
}

// appendStatus writes the status line of an answer from the cache: the reason is
// that of the RFC, which no client may take anything from (RFC 9112 §4).
func appendStatus(dst []byte, status int) []byte {
	if status == 200 {
		return append(dst, "HTTP/1.1 200 OK\r\n"...)
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, reasons[status]...)
	return append(dst, "\r\n"...)
}

// reasons are those of RFC 9110 §15.
var reasons = map[int]string{
	201: "Created", 202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content", 205: "Reset Content", 206: "Partial Content",
	300: "Multiple Choices", 301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect",
	400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
	409: "Conflict", 410: "Gone", 414: "URI Too Long", 416: "Range Not Satisfiable", 451: "Unavailable For Legal Reasons",
	500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
}
