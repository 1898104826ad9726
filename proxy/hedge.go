package proxy

import (
	"errors"
	"sync"
	"time"

	"proxylab/proxy/balancer"
	"proxylab/proxy/http1"
	"proxylab/proxy/socket"
	"proxylab/proxy/upstream"
)

// A hedge is a second member that is asked for the same answer, since the first
// takes longer than most do. It has a goroutine, and the exchange goes on in one,
// too: each reads its own member's connection. Whichever head is there first wins.
//
//	exchange  ─ request ─► first   … silence … ──────────── head ─► cancel, relay
//	hedge                          └─ request ─► second ─── head ─► Interrupt, adopted
//
// Who wins is decided under mu, by the state that running becomes. From then on a
// hedge that answered is the exchange's, with its connection and lease; any other
// ends by itself, with neither the exchange nor the client waiting for that.
type hedge struct {
	s      *Server
	lease  balancer.Lease
	member *balancer.Member // of lease
	pool   *upstream.Pool
	loop   *socket.Loop
	head   []byte // of the request
	toHEAD bool
	limits http1.Limits
	first  *upstream.Conn // which is waited for besides

	before traffic // what up had carried
	asked  time.Time
	res    http1.Response

	mu    sync.Mutex // guards these
	state hedgeState
	up    *upstream.Conn // nil until there is one
	over  chan struct{}  // is closed when the goroutine is done with all of it
}

type hedgeState uint8

const (
	hedgeRuns     hedgeState = iota
	hedgeAnswered            // with a head
	hedgeFailed
	hedgeCanceled // by the exchange
)

var (
	errDawdles = errors.New("the answer takes longer than most") // the request may be hedged
	errOutrun  = errors.New("another member answered first")
)

// mayHedge says whether the request is one that may be sent to two members at once:
// it has no body, its method is idempotent and resent at all, it changes no
// protocol, and no session wants it to go to one member. An answer that comes
// interim does not matter: the first head of any kind wins.
func (x *exchange) mayHedge() bool {
	return x.req.Body.Kind == http1.NoBody && x.upgrade == "" && x.resends() &&
		len(x.ask.Tried) == 0 && len(x.ask.Route) == 0 && x.ask.Home == 0
}

// hedgeNow begins a hedge, if there is another member and the budget allows it.
func (x *exchange) hedgeNow() bool {
	q := x.ask
	q.Tried = []*balancer.Member{x.lease.Member()}
	h := &hedge{s: x.s, first: x.up, loop: x.loop(), toHEAD: x.isHEAD(), limits: x.p.head, over: make(chan struct{})}
	if !x.group.balancer.Hedge(&q, &h.lease) {
		return false
	}
	h.member = h.lease.Member()
	first := x.pool
	h.pool = x.group.pools[h.lease.Index()]
	x.pool = h.pool
	h.head = x.appendRequest(nil)
	x.pool = first
	x.hedge = h
	x.s.serving.Go(h.run) // the exchange is served already, so nobody has stopped to wait
	return true
}

// run asks the member, and ends what came to nothing.
func (h *hedge) run() {
	defer close(h.over)
	outcome, err := h.exchange()
	h.mu.Lock()
	switch {
	case h.state == hedgeCanceled:
		outcome = balancer.Canceled
	case err != nil:
		h.state = hedgeFailed
	default:
		h.state = hedgeAnswered
		// The exchange cannot be done with first before it has asked for the state.
		h.first.Interrupt()
	}
	answered := h.state == hedgeAnswered
	h.mu.Unlock()
	if answered {
		return
	}
	if outcome != balancer.Canceled {
		h.s.logger.Warn("member failed", "member", h.member.Name(), "error", err)
	}
	h.drop(outcome)
}

// exchange sends the request and waits for a head.
func (h *hedge) exchange() (balancer.Outcome, error) {
	up := h.pool.Get(h.loop, false)
	if up == nil {
		var err error
		if up, err = h.pool.Dial(h.loop); err != nil {
			if ownFault(err) {
				return balancer.Canceled, err
			}
			return balancer.Unreachable, err
		}
	}
	h.before = traffic{up.Sent, up.Received}
	h.mu.Lock()
	h.up = up
	canceled := h.state == hedgeCanceled
	h.mu.Unlock()
	if canceled {
		return balancer.Canceled, errOutrun
	}
	h.asked = time.Now()
	up.Begin()
	up.Out.B = append(up.Out.B, h.head...)
	up.WriteWithin(h.pool.Timeout)
	// Where the write fails, an answer may be there nevertheless.
	_, failed := up.Flush()
	up.First = 0
	if h.pool.Large.Load() {
		up.First = headSize
	}
	up.ReadWithin(h.pool.Timeout)
	err := up.ReadResponse(&h.res, h.toHEAD, h.limits)
	switch {
	case err == nil:
		return balancer.OK, nil
	case up.Reused && len(up.Buffered()) == 0 && !http1.IsTimeout(err):
		// It may have closed while the request was on its way: no fault of its.
		return balancer.Canceled, err
	case failed == nil && http1.IsTimeout(err):
		return balancer.Silent, err
	}
	return balancer.Failed, err
}

// drop gives back what a hedge holds that is not adopted.
func (h *hedge) drop(o balancer.Outcome) {
	r := balancer.Result{Outcome: o}
	if h.up != nil {
		r.To, r.From = h.up.Sent-h.before.sent, h.up.Received-h.before.received
		h.pool.Drop(h.up)
	}
	h.lease.Done(r)
}

// answered says whether h has won.
func (h *hedge) answered() bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state == hedgeAnswered
}

// cancelHedge ends it, if there is one. It does not wait for that.
func (x *exchange) cancelHedge() {
	h := x.hedge
	if h == nil {
		return
	}
	x.hedge = nil
	h.mu.Lock()
	defer h.mu.Unlock()
	switch h.state {
	case hedgeRuns:
		h.state = hedgeCanceled
		if h.up != nil {
			h.up.Abort()
		}
	case hedgeAnswered:
		h.drop(balancer.Canceled)
	}
}

// settle decides between the first member, of which err says what became of it, and
// the hedge. It returns what became of the one that is left.
func (x *exchange) settle(err error) error {
	h := x.hedge
	if err == nil || err == errLeft {
		x.cancelHedge()
		return err
	}
	// The first was outrun or has failed: the second is the other attempt.
	if gone := x.awaitHedge(); gone != nil {
		x.cancelHedge()
		return gone
	}
	if !h.answered() {
		x.hedge = nil
		x.ask.Tried = append(x.ask.Tried, h.member)
		return err
	}
	switch {
	case err == errOutrun:
		x.answered = x.now().Sub(x.asked) // at least
		x.release(balancer.Canceled)
	case http1.IsTimeout(err):
		x.blame(balancer.Silent, err)
	case x.up.Reused && len(x.up.Buffered()) == 0:
		x.release(balancer.Canceled)
	default:
		x.blame(balancer.Failed, err)
	}
	x.adopt(h)
	return nil
}

// awaitHedge waits until the hedge is over one way or the other; errLeft says that
// the client is not there any more.
func (x *exchange) awaitHedge() error {
	look := time.NewTicker(firstLook)
	defer look.Stop()
	for {
		select {
		case <-x.hedge.over:
			return nil
		case <-look.C:
			if !x.wanted() && left(x.c.Conn, x.abortsOnClose()) {
				return errLeft
			}
		}
	}
}

// adopt goes on with the hedge's member, connection and head.
func (x *exchange) adopt(h *hedge) {
	x.hedge = nil
	x.lease.Take(&h.lease)
	x.lease.Won()
	x.served = x.lease.Member().Name()
	x.pool, x.up, x.upBefore = h.pool, h.up, h.before
	x.res, h.res = h.res, x.res
	x.asked = h.asked
}
