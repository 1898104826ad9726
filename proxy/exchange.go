package proxy

import (
	"sync"
	"time"

	"proxylab/proxy/balancer"
	"proxylab/proxy/http1"
	"proxylab/proxy/route"
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

	ask      balancer.Request
	lease    balancer.Lease // of the member that was elected, until done with
	pool     *upstream.Pool
	up       *upstream.Conn
	upBefore traffic       // what up had carried before
	asked    time.Time     // when the request went to the member, where the balancer wants to know
	answered time.Duration // and how long the head of its answer took
	sent     bool          // a byte of the request may have reached the member
	upload   upload
	upgrade  string // the protocol that the member was asked to change to; "" for none

	res    http1.Response
	stream stream // of the response

	failure error // what the client is told instead of a response
	status  int   // what the client got; 0 for nothing
	bytes   int64 // of response body
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
	phaseCollect              // collect.go: a small body is waited for
	phaseElect                // elect.go: a member and a connection to it
	phaseSend                 // send.go: the request, or its head while an upload runs
	phaseReceive              // receive.go: the response's head, passing interim ones
	phaseRelay                // relay.go: the response
	phaseRefuse               // refuse.go: a response of our own instead
	phaseFinish               // finish.go: connections kept or closed, the log line
	phaseOver
)

// run is the driver.
func (x *exchange) run() {
	for p := phaseRead; p != phaseOver; {
		switch p {
		case phaseRead:
			p = x.read()
		case phaseRoute:
			p = x.route()
		case phaseCollect:
			p = x.collect()
		case phaseElect:
			p = x.elect()
		case phaseSend:
			p = x.send()
		case phaseReceive:
			p = x.receive()
		case phaseRelay:
			p = x.relay()
		case phaseRefuse:
			p = x.refuse()
		case phaseFinish:
			p = x.finish()
		}
	}
}

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
	*x = exchange{req: x.req, res: x.res, ask: balancer.Request{Tried: x.ask.Tried[:0]}, noted: x.noted, upload: upload{done: x.upload.done}}
	exchanges.Put(x)
}
