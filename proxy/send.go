package proxy

import (
	"proxylab/proxy/http1"
	"proxylab/proxy/socket"
)

// send writes the request anew, for the member. A body that came whole with its
// head goes out with it; any other is carried by an upload, so that an early
// answer is seen.
func (x *exchange) send() phase {
	body := x.req.Body
	whole := body.Kind == http1.NoBody || body.Kind == http1.Sized && body.Length <= int64(len(x.c.Buffered()))
	if !whole && x.inLoop() {
		return phaseApart
	}
	up := x.up
	if x.group.balancer.Timed() {
		x.asked = x.now()
	}
	if x.hedgeAt = x.group.balancer.HedgeDelay(); x.hedgeAt > 0 && !x.mayHedge() {
		x.hedgeAt = 0
	}
	if x.cached != nil {
		x.cached.requested = x.now()
	}
	up.Begin()
	up.Out.B = x.appendRequest(up.Out.B)
	if !whole {
		return x.startUpload()
	}
	if body.Kind != http1.NoBody {
		up.Out.B = append(up.Out.B, x.c.Buffered()[:body.Length]...)
	}
	up.WriteWithin(x.pool.Timeout)
	x.begun = false
	return phaseSent
}

// flush sends it.
func (x *exchange) flush() phase {
	n, err := x.up.Flush()
	x.begun = x.begun || n > 0
	x.sent = x.sent || n > 0
	switch {
	case err == socket.ErrAgain:
		return phaseAgain
	case err != nil && !x.begun:
		return x.brokenOff(err)
	}
	// A member that stopped reading may have answered before.
	return phaseReceive
}
