package proxy

import (
	"proxylab/proxy/balancer"
	"proxylab/proxy/http1"
	"proxylab/proxy/message"
	"proxylab/proxy/socket"
)

// relay sends the response on. From the first byte of it on the client cannot be
// told of a failure any more but by cutting the response short.
func (x *exchange) relay() phase {
	body := x.res.Body
	chunked, trailers := x.frame()
	x.c.Begin()
	x.c.Out.B = x.appendResponse(x.c.Out.B, chunked, trailers)
	x.status = x.res.Status
	x.noteHead()
	s := &x.stream
	s.src, s.dst = x.up.Conn, x.c.Conn
	s.body, s.chunked, s.trailers, s.patience = body, chunked, trailers, x.pool.Timeout
	s.pace.within, s.pace.rate = x.p.site.Limits.Timeout, int64(x.p.site.Limits.MinReadRate)
	if body.Kind != http1.Sized {
		s.hold = x.pool.Hold
	}
	s.client, s.abort = x.c.Conn, x.abortsOnClose()
	s.stopped = &x.upload.broken
	s.closes = x.close && x.req.Close && !x.upload.started && x.bodyIsHere()
	x.up.First = 0
	if large := body.Kind == http1.Sized && body.Length >= spliceMin; large != x.pool.Large.Load() {
		x.pool.Large.Store(large)
	}
	return phaseStream
}

// frame says how the response is framed for the client.
func (x *exchange) frame() (chunked, trailers bool) {
	body := x.res.Body
	if !x.bodyCame() || x.s.stopping.Load() {
		x.close = true // an early answer: the rest of the request is in the way
	}
	if body.Kind == http1.InChunks || body.Kind == http1.UntilClose {
		chunked = x.req.Minor > 0
		trailers = x.req.Trailers && body.Kind == http1.InChunks
		x.close = x.close || !chunked
	}
	return chunked, trailers
}

// carry sends what relay wrote, and the body.
func (x *exchange) carry() phase {
	from, err := x.stream.run()
	x.bytes = x.stream.moved
	switch {
	case err == socket.ErrAgain:
		if from == nobody {
			x.c.later()
		}
		return phaseAgain
	case err != nil:
		return x.relayFailed(from, err)
	}
	return x.relayed()
}

// appendResponse writes the head that goes to the client. Trailer is announced
// where trailer fields go on.
func (x *exchange) appendResponse(dst []byte, chunked, trailers bool) []byte {
	r := &x.res
	dst = http1.AppendStatusLine(dst, r.Code, r.Reason)
	except := message.NameSet(0)
	if r.Status == 204 {
		except = message.SetOf(message.ContentLength) // RFC 9110 §8.6
	}
	if !x.p.site.Fields.Server {
		except |= message.SetOf(message.Server)
	}
	if !trailers {
		except |= message.SetOf(message.Trailer)
	}
	dst = r.Fields.AppendForwarded(dst, except)
	if _, ok := r.Fields.Get(message.Date); !ok {
		dst = append(dst, "Date: "...) // RFC 9110 §6.6.1
		dst = x.s.clock.AppendDate(dst, x.started)
		dst = append(dst, "\r\n"...)
	}
	dst = x.appendCookie(dst)
	dst = message.AppendVia(dst, r.Minor)
	if x.cached != nil {
		dst = x.cached.handled.AppendStatus(dst, x.cached.c.policy, x.now())
	}
	if chunked {
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	return x.endHead(dst)
}

// endHead writes what the client is told of the connection, and ends the head.
func (x *exchange) endHead(dst []byte) []byte {
	switch {
	case x.close:
		dst = append(dst, "Connection: close\r\n"...)
	case x.req.Minor == 0:
		dst = append(dst, "Connection: keep-alive\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// relayed keeps or drops the member's connection after a whole response.
func (x *exchange) relayed() phase {
	sent, came := x.bodySent(), x.bodyCame()
	x.stopUpload()
	x.useBody()
	x.close = x.close || !came
	// Where the close is ours, the client may be sending its next request.
	x.linger = x.close && !(came && x.req.Close)
	x.keepMember(sent)
	return phaseFinish
}

// keepMember gives the member's connection back, or drops it where it is not at the
// end of a response.
func (x *exchange) keepMember(whole bool) {
	if x.res.Close || !whole {
		x.release(balancer.OK)
		return
	}
	up := x.up
	x.done(balancer.OK)
	if x.inLoop() {
		up.Leave()
	}
	x.pool.Put(up)
}

// relayFailed ends an exchange in the middle of the response. The connection is
// reset, so that what the client has got looks cut even where the end of the
// connection would be its end. Where nothing was written yet, there still is a
// proper answer.
func (x *exchange) relayFailed(from side, err error) phase {
	x.stopUpload()
	if err == errLeft {
		return x.clientGone()
	}
	if !x.stream.began {
		x.c.Out.B = x.c.Out.B[:0]
		if failed := x.upload.clientFailed(); failed != nil {
			x.release(balancer.Canceled)
			return x.fail(failed)
		}
		return x.garbage(err)
	}
	x.close, x.reset = true, true
	switch {
	case x.upload.clientFailed() != nil, from == sink:
		x.release(balancer.Canceled)
	default:
		x.blame(balancer.Failed, err)
	}
	return phaseFinish
}
