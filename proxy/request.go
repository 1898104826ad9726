package proxy

import (
	"io"

	"proxylab/proxy/http1"
	"proxylab/proxy/socket"
)

// read waits for the rest of the request head. What is refused here is refused
// before any other part of the proxy has seen the request.
func (x *exchange) read() phase {
	if x.started.IsZero() {
		x.started = x.now()
	}
	err := x.c.ReadRequest(&x.req, x.p.head, x.p.patience)
	switch {
	case err == nil:
	case err == socket.ErrAgain:
		return phaseAgain
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
	x.c.served++
	x.close = x.req.Close || x.c.hadMost(&x.p.site.Limits) || x.s.stopping.Load()
	switch {
	case string(x.req.Method) == "CONNECT", string(x.req.Method) == "TRACE":
		return x.fail(errMethodRefused)
	case string(x.req.Method) == "OPTIONS" && x.badHops():
		return x.fail(errHops)
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

// resends says whether the request may go out again though the member may have
// seen it (RFC 9110 §9.2.2), as its balancer has it.
func (x *exchange) resends() bool {
	switch string(x.req.Method) {
	case "GET", "HEAD", "OPTIONS", "TRACE":
		return x.group.site.Failures.Resend != "never"
	case "PUT", "DELETE":
		return x.group.site.Failures.Resend == "idempotent"
	}
	return false
}

func (x *exchange) isHEAD() bool { return string(x.req.Method) == "HEAD" }
