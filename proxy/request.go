package proxy

import (
	"io"
	"time"

	"proxylab/proxy/http1"
)

// read waits for the rest of the request head. What is refused here is refused
// before any other part of the proxy has seen the request.
func (x *exchange) read() phase {
	x.started = time.Now()
	err := x.c.ReadRequest(&x.req, x.p.head, x.p.site.Limits.HeadTimeout)
	switch {
	case err == nil:
	case http1.IsTimeout(err):
		return x.fail(errHeadSlow)
	case http1.StatusOf(err, 0) != 0:
		return x.fail(err)
	case err == io.EOF:
		return x.fail(errHeadCut)
	default: // the client is gone
		x.close = true
		return phaseOver
	}
	x.close = x.req.Close || x.s.stopping.Load()
	switch {
	case string(x.req.Method) == "CONNECT", string(x.req.Method) == "TRACE":
		return x.fail(errMethodRefused)
	case string(x.req.Method) == "OPTIONS" && (x.req.Target.Form == http1.Asterisk || x.hops() == 0):
		return x.options()
	}
	if x.req.Body.Kind == http1.Sized && x.req.Body.Length > int64(x.p.site.Limits.Body) {
		return x.fail(errBodyLarge)
	}
	return phaseRoute
}

// fail has the client told err.
func (x *exchange) fail(err error) phase {
	x.failure = err
	return phaseRefuse
}

// idempotent methods may be sent again when a connection failed (RFC 9110
// §9.2.2).
func (x *exchange) idempotent() bool {
	switch string(x.req.Method) {
	case "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE":
		return true
	}
	return false
}

func (x *exchange) isHEAD() bool { return string(x.req.Method) == "HEAD" }
