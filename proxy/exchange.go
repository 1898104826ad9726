package proxy

import (
	"sync"
	"time"

	"proxylab/proxy/balancer"
	"proxylab/proxy/http1"
	"proxylab/proxy/route"
	"proxylab/proxy/socket"
	"proxylab/proxy/upstream"
)

// exchange is one request and its response. It is taken from a pool when the
// first byte of the request is there, and given back when the exchange is
// written down, so an idle connection has none.
type exchange struct {
	c *conn
	s *Server
	p *parts // those of the moment it began

	req     http1.Request
	head    http1.Buffer // holds the request head once its body is streamed
	started time.Time

	format     *logFormat // of its log line; nil for none
	noted      noted
	sentBefore int64 // what had gone to the client before
	took       time.Duration

	rule  *route.Rule
	rest  []byte
	group *group

	cached *cached // what it has to do with the cache; nil for nothing
	room   *cached // for that; stays with the exchange

	phase    phase
	deferred bool // its write waits for the end of the loop's round, or has

	home     int // the member that a cookie of ours named, as Request.Home
	ask      balancer.Request
	lease    balancer.Lease // of the member that was elected, until done with
	pool     *upstream.Pool
	up       *upstream.Conn
	upBefore traffic       // what up had carried before
	asked    time.Time     // when the request went to the member, where the balancer wants to know
	answered time.Duration // and how long the head of its answer took
	redial   bool          // no idle connection will do
	sent     bool          // a byte of the request may have reached the member, but for a head whose body was withheld
	withheld bool          // the body waits for the member's 100 Continue (ping)
	unpinged bool          // which this member does not know
	begun    bool          // and one of this attempt
	look     time.Duration // the response's head is waited for so long, until somebody looks around; 0 before
	waited   time.Duration // for it, before that
	hedgeAt  time.Duration // and for so long before another member is asked besides; 0 for none
	hedge    *hedge        // that member
	interim  int           // 1xx responses so far
	upload   upload
	upgrade  string // the protocol that the member was asked to change to; "" for none

	res    http1.Response
	stream stream // of the response

	failure error         // what the client is told instead of a response
	again   time.Duration // and when it may ask again; 0 where that is not known
	status  int           // what the client got; 0 for nothing
	bytes   int64         // of response body
	served  string
	close   bool // the client's connection is not used again
	linger  bool // and its bytes are read for a while first
	reset   bool // and it is reset, since the response is not whole
}

// traffic is what a connection has carried, in bytes.
type traffic struct{ sent, received int64 }

// A phase is a step of an exchange. Each is one method, which returns the next.
type phase uint8

const (
	phaseRead    phase = iota // request.go: a whole, valid head
	phaseRoute                // route.go: the rule for the path
	phaseLookup               // lookup.go: what the cache has for it; hit.go
	phaseFollow               // follow.go: another fetches the same
	phaseCollect              // collect.go: a small body is waited for
	phaseElect                // elect.go: a member
	phaseConnect              // elect.go: a connection to it
	phaseSend                 // send.go: the request, written anew
	phaseSent                 // send.go: it goes out
	phaseReceive              // receive.go: the response's head
	phaseInterim              // receive.go: one that is not the last goes to the client
	phaseTunnel               // tunnel.go: bytes both ways
	phaseTake                 // take.go: what the response means to the cache
	phaseRelay                // relay.go: the response's head, written anew
	phaseStream               // relay.go: it goes out, and the body
	phaseServe                // serve.go: a body from the cache; fetch.go fills it
	phaseRefuse               // refuse.go: a response of our own instead
	phaseAnswer               // refuse.go: it goes out
	phaseFinish               // finish.go: connections kept or closed, the log line
	phaseOver

	// These two leave the exchange where it is, in a loop.
	phaseAgain // until a socket is ready
	phaseApart // and go on in a goroutine, which may wait
)

// waits says whether a phase begins with a write that can wait for the end of a
// loop's round, to go out together with others (package socket).
func (p phase) waits() bool {
	return p == phaseSent || p == phaseStream || p == phaseServe || p == phaseAnswer
}

// run is the driver. It returns phaseOver, or in a loop one of the last two.
func (x *exchange) run() phase {
	for {
		if x.phase.waits() && x.inLoop() && !x.deferred {
			x.deferred = true
			x.c.later()
			return phaseAgain
		}
		next := x.step()
		if next >= phaseOver {
			return next
		}
		x.phase, x.deferred = next, false
	}
}

func (x *exchange) step() phase {
	switch x.phase {
	case phaseRead:
		return x.read()
	case phaseRoute:
		return x.route()
	case phaseLookup:
		return x.lookup()
	case phaseFollow:
		return x.follow()
	case phaseCollect:
		return x.collect()
	case phaseElect:
		return x.elect()
	case phaseConnect:
		return x.connect()
	case phaseSend:
		return x.send()
	case phaseSent:
		return x.flush()
	case phaseReceive:
		return x.receive()
	case phaseInterim:
		return x.passInterim()
	case phaseTunnel:
		return x.tunnel()
	case phaseTake:
		return x.take()
	case phaseRelay:
		return x.relay()
	case phaseStream:
		return x.carry()
	case phaseServe:
		return x.serve()
	case phaseRefuse:
		return x.refuse()
	case phaseAnswer:
		return x.write()
	case phaseFinish:
		return x.finish()
	}
	return phaseOver
}

// inLoop says whether the exchange runs in a loop, and must not wait.
func (x *exchange) inLoop() bool { return x.c.Conn != nil && !x.c.Left() }

// now is the time, in a loop that of its round.
func (x *exchange) now() time.Time { return x.loop().Now(x.inLoop()) }

// loop is the one of its client, and of the connections that it uses.
func (x *exchange) loop() *socket.Loop { return x.s.loops[x.c.at] }

var exchanges = sync.Pool{New: func() any { return newExchange() }}

func newExchange() *exchange {
	x := new(exchange)
	x.upload.done = make(chan struct{}, 1)
	return x
}

// takeExchange returns an exchange for the next request of c.
func takeExchange(c *conn) *exchange {
	x := exchanges.Get().(*exchange)
	x.c, x.s, x.p = c, c.server, c.server.parts.Load()
	x.format, x.sentBefore = x.s.access.format.Load(), c.Sent
	return x
}

// noteHead keeps what the log line wants of the response's head, which is in Out.
func (x *exchange) noteHead() {
	if x.format != nil && len(x.format.sent) > 0 {
		x.noted.keep(x.format.sent, x.c.Out.B)
	}
}

// free gives x back, with the room of its slices and nothing else.
func (x *exchange) free() {
	x.head.Free()
	x.req.Reset()
	x.res.Reset()
	clear(x.ask.Tried)
	x.noted.reset()
	if x.cached != nil {
		x.cached.reset()
	}
	room, req, res, tried, noted, done := x.room, x.req, x.res, x.ask.Tried[:0], x.noted, x.upload.done
	*x = exchange{} // in place: a literal that reads x is made beside it, and copied
	x.room, x.req, x.res, x.ask.Tried, x.noted, x.upload.done = room, req, res, tried, noted, done
	exchanges.Put(x)
}
