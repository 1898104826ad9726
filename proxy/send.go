package proxy

import (
	"errors"

	"proxylab/proxy/balancer"
	"proxylab/proxy/http1"
	"proxylab/proxy/socket"
)

var errUnready = errors.New("no 100 Continue within ping")

// send writes the request anew, for the member. A body that came whole with its
// head goes out with it; any other is carried by an upload, so that an early
// answer is seen.
//
// To a member with a ping the head goes first, and the body once it has said 100
// Continue (RFC 9110 §10.1.1). Until then the request is not whole there, so it may
// go elsewhere whatever its method.
func (x *exchange) send() phase {
	if !x.bodyIsHere() && x.inLoop() {
		return phaseApart
	}
	x.withheld = x.pool.Ping > 0 && x.req.Body.Kind != http1.NoBody && !x.unpinged
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
	x.begun = false
	if !x.withheld {
		return x.sendBody()
	}
	up.WriteWithin(x.pool.Ping)
	return phaseSent
}

// bodyIsHere says whether the whole body is in the buffer, or there is none.
func (x *exchange) bodyIsHere() bool {
	body := x.req.Body
	return body.Kind == http1.NoBody || body.Kind == http1.Sized && body.Length <= int64(len(x.c.Buffered()))
}

// sendBody sends the body behind what is in Out.
func (x *exchange) sendBody() phase {
	x.withheld = false
	if !x.bodyIsHere() {
		return x.startUpload()
	}
	up := x.up
	up.Begin()
	if x.req.Body.Kind != http1.NoBody {
		up.Out.B = append(up.Out.B, x.c.Buffered()[:x.req.Body.Length]...)
	}
	up.WriteWithin(x.pool.Timeout)
	return phaseSent
}

// unready gives up a connection whose member did not say 100 Continue in time. One
// that had been idle may be at fault and not the member, which then gets a second.
// As in mod_proxy, a member that fails on a new one goes into error state.
func (x *exchange) unready() phase {
	if x.up.Reused {
		return x.another()
	}
	x.failure = errSilent
	x.blame(balancer.Unreachable, errUnready)
	return phaseElect
}

// another goes on with another connection to the same member.
func (x *exchange) another() phase {
	x.pool.Drop(x.up)
	x.up, x.redial = nil, true
	return phaseConnect
}

// flush sends it.
func (x *exchange) flush() phase {
	n, err := x.up.Flush()
	x.begun = x.begun || n > 0
	x.sent = x.sent || n > 0 && !x.withheld
	switch {
	case err == socket.ErrAgain:
		return phaseAgain
	case err != nil && !x.begun:
		return x.brokenOff(err)
	}
	// A member that stopped reading may have answered before.
	return phaseReceive
}
