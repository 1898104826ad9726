package proxy

import (
	"time"

	"proxylab/proxy/http1"
)

// collect waits for a body that fits behind its head in the client's buffer. No
// member is held while it comes, the request can be sent again, and it needs no
// goroutine. A larger body, and one of unknown length, is carried by an upload.
//
// A client that waits to be told to go on is told here where the Site does not
// leave that to the member.
func (x *exchange) collect() phase {
	length := x.req.Body.Length
	fits := x.req.Body.Kind == http1.Sized && x.c.Fits(length)
	here := fits && int64(len(x.c.Buffered())) >= length
	if x.inLoop() && !here && (fits || x.req.Continues && !x.p.site.Fields.Continue) {
		return phaseApart
	}
	if x.req.Continues {
		if x.p.site.Fields.Continue {
			return phaseElect
		}
		x.req.Continues = false
		if len(x.c.Buffered()) == 0 && !x.goOn() {
			return x.clientGone()
		}
	}
	if !fits {
		return phaseElect
	}
	patience, rate := x.p.site.Limits.Timeout, float64(x.p.site.Limits.MinRate)
	for waited := time.Duration(0); int64(len(x.c.Buffered())) < length; {
		began := time.Now()
		x.c.ReadWithin(patience)
		switch err := x.c.FillBehind(); {
		case http1.IsTimeout(err):
			return x.fail(errBodySlow)
		case err != nil:
			return x.fail(errBodyCut)
		}
		waited += time.Since(began)
		if waited-patience > time.Duration(float64(len(x.c.Buffered()))/rate*float64(time.Second)) {
			return x.fail(errBodyTrickles)
		}
	}
	return phaseElect
}

// goOn asks the client for its body (RFC 9110 §10.1.1).
func (x *exchange) goOn() bool {
	x.c.Begin()
	x.c.Out.B = append(x.c.Out.B, "HTTP/1.1 100 Continue\r\n\r\n"...)
	x.c.WriteWithin(x.p.site.Limits.Timeout)
	_, err := x.c.Flush()
	return err == nil
}
