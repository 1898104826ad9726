package proxy

import (
	"io"

	"proxylab/proxy/balancer"
	"proxylab/proxy/http1"
	"proxylab/proxy/message"
	"proxylab/proxy/socket"
)

// headSize is read of an answer that is expected to be large: its head, mostly.
const headSize = 2 << 10

// maxInterim bounds the 1xx responses before the final one.
const maxInterim = 32

// receive waits for the response's head.
func (x *exchange) receive() phase {
	err := x.awaitHead()
	switch {
	case err == socket.ErrAgain:
		return phaseAgain
	case err == errDawdles:
		return phaseApart
	case x.hedge != nil:
		err = x.settle(err)
	}
	switch {
	case err != nil:
		return x.noResponse(err)
	case x.res.Status == 417 && x.withheld && !x.req.Continues:
		x.unpinged = true // once more, without (RFC 9110 §10.1.1)
		return x.another()
	case !x.res.Interim():
		if !x.asked.IsZero() {
			x.answered = x.now().Sub(x.asked)
		}
		if x.cached != nil {
			return phaseTake
		}
		return phaseRelay
	case x.res.Status == 100 && x.withheld && !x.req.Continues:
		return x.sendBody() // the client did not ask
	case x.res.Status != 101:
		return phaseInterim
	case !x.switches():
		return x.garbage(errGarbage) // nobody asked for that
	}
	return phaseTunnel
}

// awaitHead reads one head. A member may keep silent for its timeout once it has
// the whole request, and for its ping before. Where that takes long, it is seen whether the client still
// waits.
func (x *exchange) awaitHead() error {
	patience := x.pool.Timeout
	if x.withheld {
		patience = x.pool.Ping
	}
	for {
		if x.look == 0 {
			x.up.First = 0
			if x.pool.Large.Load() {
				x.up.First = headSize
			}
			x.look = glance(patience-x.waited, x.waited)
			if x.hedgeAt > x.waited {
				x.look = min(x.look, x.hedgeAt-x.waited)
			}
			x.up.ReadWithin(x.look)
		}
		if x.hedge.answered() { // it interrupts as well
			x.waited = 0
			return errOutrun
		}
		if x.upload.broken.Load() { // its interrupt may have come before the deadline
			return errBodyCut
		}
		err := x.up.ReadResponse(&x.res, x.isHEAD(), x.p.head)
		if err == socket.ErrAgain {
			return err
		}
		x.waited += x.look
		x.look = 0
		if x.hedge.answered() && http1.IsTimeout(err) {
			x.waited = 0
			return errOutrun
		}
		if !http1.IsTimeout(err) || x.upload.broken.Load() {
			x.waited = 0
			return err
		}
		if x.waited >= patience {
			x.waited = 0
			if !x.upload.waitsFor(patience) {
				return err
			}
		}
		if !x.wanted() && left(x.c.Conn, x.abortsOnClose()) {
			return errLeft
		}
		if x.hedgeAt > 0 && x.waited >= x.hedgeAt {
			x.hedgeAt = 0
			if x.hedgeNow() && x.inLoop() {
				return errDawdles
			}
		}
	}
}

// abortsOnClose says whether a client that ends its side is taken for one that
// left. While its body is still to come the upload sees the end, and knows better.
func (x *exchange) abortsOnClose() bool {
	return x.p.site.Limits.AbortOnClose && (!x.upload.started || x.upload.ended.Load() != 0)
}

// bodiless are fields that a response without a body does not carry.
var bodiless = message.SetOf(message.ContentLength, message.Trailer)

// passInterim sends an interim response to the client as it came (RFC 9110
// §15.2), and waits for the next head.
func (x *exchange) passInterim() phase {
	if x.inLoop() {
		return phaseApart
	}
	if x.interim++; x.interim > maxInterim {
		return x.garbage(errGarbage)
	}
	if x.req.Minor == 0 || x.c.Conn == nil {
		return phaseReceive
	}
	x.c.Begin()
	out := http1.AppendStatusLine(x.c.Out.B, x.res.Code, x.res.Reason)
	out = x.res.Fields.AppendForwarded(out, bodiless)
	out = message.AppendVia(out, x.res.Minor)
	x.c.Out.B = append(out, "\r\n"...)
	x.c.WriteWithin(x.p.site.Limits.Timeout)
	if _, err := x.c.Flush(); err != nil {
		return x.clientGone()
	}
	if x.res.Status == 100 && x.withheld {
		return x.sendBody()
	}
	return phaseReceive
}

// noResponse sorts out why no head came.
func (x *exchange) noResponse(err error) phase {
	began := len(x.up.Buffered()) > 0
	x.stopUpload()
	if failed := x.upload.clientFailed(); failed != nil {
		x.release(balancer.Canceled)
		return x.fail(failed)
	}
	switch {
	case err == errLeft:
		return x.clientGone()
	case http1.StatusOf(err, 0) != 0:
		return x.garbage(err)
	case http1.IsTimeout(err) && x.withheld:
		return x.unready()
	case http1.IsTimeout(err):
		x.blame(balancer.Silent, err)
		return x.fail(errSilent)
	case began:
		if err == io.EOF {
			err = errCut
		}
		return x.garbage(err)
	}
	return x.brokenOff(err)
}

// garbage gives up a member that answered, but not in HTTP/1.1.
func (x *exchange) garbage(err error) phase {
	x.stopUpload()
	x.blame(balancer.Failed, err)
	return x.fail(errGarbage)
}

// clientGone ends an exchange whose client cannot be written to.
func (x *exchange) clientGone() phase {
	x.stopUpload()
	x.release(balancer.Canceled)
	x.close, x.reset = true, true
	return phaseFinish
}
