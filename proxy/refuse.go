package proxy

import (
	"proxylab/proxy/http1"
	"proxylab/proxy/socket"
)

// refuse answers with an error of the proxy's own.
func (x *exchange) refuse() phase {
	if x.cached != nil {
		if next, ok := x.insteadOf(x.failure); ok {
			return next
		}
	}
	x.status = http1.StatusOf(x.failure, 500)
	x.close = x.close || x.closes()
	x.c.Begin()
	var body int
	x.c.Out.B, body = appendPage(x.c.Out.B, x.status, x.again, &x.s.clock, x.started, x.close, x.isHEAD())
	x.bytes = int64(body)
	return x.compose()
}

// closes says whether the connection cannot be used after the failure: where the
// next request begins is not known, or not to be waited for.
func (x *exchange) closes() bool {
	switch x.status {
	case 404, 502, 503, 504:
		if x.upload.started {
			return !x.upload.settled()
		}
		b := x.req.Body
		return b.Kind != http1.NoBody && (b.Kind != http1.Sized || b.Length > int64(len(x.c.Buffered())))
	}
	return true
}

// answer ends a head of the proxy's own, without a body, and writes it.
func (x *exchange) answer(head []byte) phase {
	x.close = x.close || x.req.Body.Kind != http1.NoBody
	x.c.Out.B = x.endHead(head)
	return x.compose()
}

// compose is done with an answer in Out. When the connection is closed
// afterwards, the client may still be sending, and must not lose the answer by
// that.
func (x *exchange) compose() phase {
	x.linger = x.close
	if !x.close {
		x.useBody()
	}
	x.noteHead()
	x.c.WriteWithin(x.p.site.Limits.Timeout)
	return phaseAnswer
}

// write sends it.
func (x *exchange) write() phase {
	switch _, err := x.c.Flush(); err {
	case nil:
		return phaseFinish
	case socket.ErrAgain:
		return phaseAgain
	}
	return x.clientGone()
}

// useBody passes over a request body that was in the client's buffer as a whole
// and was left there in case it had to be sent again.
func (x *exchange) useBody() {
	if !x.upload.started && x.req.Body.Kind == http1.Sized {
		x.c.Use(int(min(x.req.Body.Length, int64(len(x.c.Buffered())))))
	}
}
