package proxy

import (
	"errors"
	"io"
	"sync"
	"time"

	"proxylab/proxy/balancer"
	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
	"proxylab/proxy/http1"
)

// fetch takes the content of a response from the member to a fill, in a goroutine,
// as fast as it comes. The client that asked first follows like the others, and may
// leave.
type fetch struct {
	x    *exchange // it has the member, and no client
	in   incoming
	fill *store.Fill
	seat *store.Seat // nil where nobody can join

	most   int64         // bytes that are stored
	n      int64         // that came
	passes bool          // there is no room for more, and others read it (store.Fill.Pass)
	direct bool          // who asked can have the rest from the member itself
	keep   *store.Reader // wants all of it though no client may; nil for none

	mu     sync.Mutex
	client bool   // who asked is there still
	over   bool   // run has ended
	parked bool   // and the rest is to be had from x
	wake   func() // of the client
}

var (
	errNoRoom = errors.New("the store has no room for the rest")
	errNobody = errors.New("nobody waits for the rest")
)

// nearlyOver is what is fetched to its end although nobody waits for it.
const nearlyOver = 256 << 10

// startFetch hands the member over to a fetch. x follows.
func (x *exchange) startFetch(fill *store.Fill) {
	h := x.cached
	wake := x.waker()
	f := &fetch{
		fill: fill, seat: h.seat, most: h.c.policy.MaxObject, direct: h.coming.Last < 0, client: true, wake: wake,
		in: incoming{src: x.up.Conn, body: x.res.Body, left: x.res.Body.Length, patience: x.pool.Timeout},
	}
	h.seat, h.fetch, h.reader = nil, f, fill.Follow(wake)
	if f.seat != nil {
		f.seat.Stream(fill)
		f.seat.Reader().Close() // the client has its own
	}
	if x.inLoop() {
		x.up.Leave()
		x.loop().Started()
	}
	x.up.First = 0
	f.x = x.withoutClient()
	x.handMember(f.x)
	x.s.serving.Add(1)
	go f.run()
}

// withoutClient makes an exchange that has no client, or none any more.
func (x *exchange) withoutClient() *exchange {
	n := exchanges.Get().(*exchange)
	n.c, n.s, n.p = &conn{server: x.s, at: x.c.at, client: x.c.client, addr: x.c.addr}, x.s, x.p
	return n
}

// handMember has another exchange do the rest with the member.
func (x *exchange) handMember(to *exchange) {
	to.lease.Take(&x.lease)
	to.rule, to.rest, to.group, to.pool, to.served = x.rule, x.rest, x.group, x.pool, x.served
	to.up, to.upBefore, to.asked, to.answered = x.up, x.upBefore, x.asked, x.answered
	to.res.Status, to.res.Close, to.res.Body = x.res.Status, x.res.Close, x.res.Body
	x.up, x.asked, x.answered = nil, time.Time{}, 0
}

func (f *fetch) run() {
	s := f.x.s
	defer s.serving.Done()
	f.settle(f.carry())
	if f.seat != nil {
		f.seat.Leave()
	}
}

// carry fills until the end of the content.
func (f *fetch) carry() error {
	for {
		p, err := f.in.next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := f.take(p); err != nil {
			return err
		}
		f.in.use(len(p))
		f.n += int64(len(p))
		if f.fill.Followers() == 0 && !f.ends() {
			return errNobody
		}
	}
}

// take gives p to the fill. From when on that has no room, or gets larger than the
// Site wants, nobody can join any more; those who follow get the rest at the pace of
// the slowest of them, and a client that is alone gets it from the member.
func (f *fetch) take(p []byte) error {
	if !f.passes {
		pass := passTime
		if f.in.body.Kind == http1.Sized || f.n+int64(len(p)) <= f.most {
			if _, err := f.fill.Write(p); err == nil {
				return nil
			}
			pass = 0 // another time there may be room
		}
		if f.seat != nil {
			f.seat.Close(f.x.now(), pass)
		}
		if f.keep != nil {
			f.keep.Close()
		}
		switch f.fill.Followers() {
		case 0:
			return errNobody
		case 1:
			if f.direct && f.isAsked() {
				return errNoRoom
			}
		}
		f.passes = true
	}
	if f.fill.Pass(p) != nil {
		return errNoRoom
	}
	return nil
}

// isAsked says whether the client that asked is there still.
func (f *fetch) isAsked() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.client
}

// ends says whether the rest is so little that it is worth to be stored.
func (f *fetch) ends() bool {
	return f.in.body.Kind == http1.Sized && f.in.left <= nearlyOver && !f.passes
}

// settle ends the fill, and what there is with the member.
func (f *fetch) settle(err error) {
	x, e := f.x, f.fill.Entry
	p := x.p.cache.policy
	switch err {
	case nil:
		if e.Total < 0 && !e.Partial {
			e = e.Sized(f.n, p)
		}
		if f.passes {
			f.fill.Finish()
		} else {
			f.fill.Commit(e)
		}
		x.keepMember(true)
	case errNoRoom:
		f.fill.Abort()
		if f.park() {
			return
		}
		x.release(balancer.Canceled)
	case errNobody:
		f.fill.Commit(f.cut(p))
		x.release(balancer.Canceled)
	default:
		f.fill.Commit(f.cut(p))
		x.blame(balancer.Failed, err)
	}
	f.end()
	x.free()
}

// cut is what the store keeps of a content that broke off.
func (f *fetch) cut(p *cache.Policy) *cache.Entry {
	if f.passes {
		return nil
	}
	return f.fill.Entry.Cut(f.n, p)
}

func (f *fetch) end() {
	f.mu.Lock()
	f.over = true
	wake := f.wake
	f.mu.Unlock()
	wake()
}

// park keeps the member for the client that asked, if that is still there.
func (f *fetch) park() bool {
	f.mu.Lock()
	f.over = true
	f.parked = f.client
	parked, wake := f.parked, f.wake
	f.mu.Unlock()
	wake()
	return parked
}

// giveBack has x go on with the member where the fetch has stopped: all that came
// before has gone to the client. over is false while the fetch has not ended.
func (f *fetch) giveBack(x *exchange) (back, over bool) {
	f.mu.Lock()
	back, over = f.parked, f.over
	f.parked = false
	f.mu.Unlock()
	if !back {
		return back, over
	}
	f.x.handMember(x)
	f.x.free()
	if x.inLoop() {
		x.up.Attend(x.c)
	}
	s := &x.stream
	s.src, s.body, s.patience = x.up.Conn, f.in.body, x.pool.Timeout
	s.client, s.abort = x.c.Conn, x.abortsOnClose()
	s.left, s.chunks, s.data = f.in.left, f.in.chunks, f.in.data
	s.part, s.stalled = partBody, 0
	return true, true
}

// leave is for the client that asked.
func (f *fetch) leave() {
	f.mu.Lock()
	f.client = false
	parked := f.parked
	f.parked = false
	f.mu.Unlock()
	if parked {
		f.x.release(balancer.Canceled)
		f.x.free()
	}
}
