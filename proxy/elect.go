package proxy

import (
	"errors"
	"net"
	"slices"
	"syscall"
	"time"

	"proxylab/proxy/balancer"
	"proxylab/proxy/upstream"
)

// elect gets a member, and waits where all of them have their max.
func (x *exchange) elect() phase {
	b := x.group.balancer
	if x.inLoop() && len(x.ask.Tried) > 0 {
		return phaseApart
	}
	if n := len(x.ask.Tried); n >= x.group.tries || n > 0 && !b.MayRetry() {
		return phaseRefuse
	}
	err := b.Elect(&x.ask, &x.lease)
	if err == balancer.ErrFull {
		if x.inLoop() {
			return phaseApart
		}
		err = b.Wait(&x.ask, &x.lease)
	}
	if err != nil {
		if x.failure == nil {
			x.failure = errNoMember
			if err == balancer.ErrFull {
				x.failure = errFull
			}
			x.again = b.RetryAfter(err)
		}
		return phaseRefuse
	}
	x.served = x.lease.Member().Name()
	x.pool = x.group.pools[x.lease.Index()]
	x.upgrade = x.upgradeFor(x.group.upgrades[x.lease.Index()])
	x.redial, x.unpinged = false, false
	return phaseConnect
}

// connect gets a connection to the member. Where none can be made, the member
// goes into error state and the next one is asked: nothing was sent yet.
func (x *exchange) connect() phase {
	if !x.redial {
		// One that the member is closing is worse for a request that cannot be sent
		// again.
		if x.up = x.pool.Get(x.loop(), !x.resends()); x.up != nil {
			if x.inLoop() {
				x.up.Attend(x.c)
			}
			x.upBefore = traffic{x.up.Sent, x.up.Received}
			return phaseSend
		}
	}
	if x.inLoop() {
		return phaseApart
	}
	var err error
	if x.up, err = x.pool.Dial(x.loop()); noDescriptor(err) && x.s.dropIdle() {
		x.up, err = x.pool.Dial(x.loop())
	}
	if err != nil {
		return x.unreachable(err)
	}
	x.upBefore = traffic{}
	return phaseSend
}

// unreachable gives the member up and goes on to another. Where the proxy itself
// had no means to connect, no member is to blame, and none would do better.
func (x *exchange) unreachable(err error) phase {
	if ownFault(err) {
		x.s.logger.Warn("no connection can be made", "member", x.served, "error", err)
		x.release(balancer.Canceled)
		return x.fail(errExhausted)
	}
	x.failure = errUnreachable
	if e := net.Error(nil); errors.As(err, &e) && e.Timeout() {
		x.failure = errSilent
	}
	x.blame(balancer.Unreachable, err)
	return phaseElect
}

func noDescriptor(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// dropIdle closes all idle connections to members, and says whether there were any.
func (s *Server) dropIdle() (any bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pools {
		any = p.DropIdle() || any
	}
	return any
}

// ownFault says whether a connection failed for want of file descriptors,
// memory or local ports, or because the proxy ends.
func ownFault(err error) bool {
	return errors.Is(err, upstream.ErrClosed) || slices.ContainsFunc(
		[]error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL},
		func(e error) bool { return errors.Is(err, e) })
}

// blame ends the attempt at the member with a failure of its. The same request
// does not come back to it.
func (x *exchange) blame(o balancer.Outcome, err error) {
	x.s.logger.Warn("member failed", "member", x.served, "error", err)
	x.ask.Tried = append(x.ask.Tried, x.lease.Member())
	x.release(o)
}

// release ends the attempt at the member and drops its connection.
func (x *exchange) release(o balancer.Outcome) {
	up := x.up
	x.done(o)
	if up != nil {
		x.pool.Drop(up)
	}
}

// done gives the member back, if there is one. The connection to it is not x's
// any more.
func (x *exchange) done(o balancer.Outcome) {
	r := balancer.Result{Outcome: o, Status: x.res.Status, Took: x.answered}
	x.asked, x.answered = time.Time{}, 0
	if x.up != nil {
		r.To, r.From = x.up.Sent-x.upBefore.sent, x.up.Received-x.upBefore.received
		x.up = nil
	}
	if x.lease.Member() != nil {
		x.lease.Done(r)
	}
}

// brokenOff decides what follows when the connection to the member failed before
// the first byte of a response.
//
// The request may be sent again when its bytes are still there, and either the
// method allows it or none of them went out. Where the connection had been idle
// the member is not to blame: it may have closed while the request was on its
// way (RFC 9112 §9.5), so it gets a second connection before another member is
// asked.
func (x *exchange) brokenOff(err error) phase {
	again := !x.upload.started && (x.resends() || !x.sent)
	if again && x.up.Reused {
		return x.another()
	}
	x.failure = errBroken
	x.blame(balancer.Failed, err)
	if again {
		return phaseElect
	}
	return phaseRefuse
}
