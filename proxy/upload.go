package proxy

import (
	"sync/atomic"
	"time"

	"proxylab/proxy/http1"
)

// upload carries a request body in a goroutine of its own while the exchange
// waits for the answer, which may come before the body is over.
//
// While it runs it owns the read side of the client's connection and the write
// side of the member's; the exchange owns the other two. The request head stays
// where it is: its buffer was detached.
type upload struct {
	started bool
	over    bool // the exchange has seen done
	done    chan struct{}
	stream  stream
	from    side // written before done is sent, read after
	err     error

	stopped atomic.Bool  // the exchange wants it to end
	broken  atomic.Bool  // the client failed it
	last    atomic.Bool  // only one write is left to do
	ended   atomic.Int64 // ns since the epoch; 0 while it runs
}

// startUpload sends the head and begins to send the body.
func (x *exchange) startUpload() phase {
	u := &x.upload
	u.started = true
	x.sent = true
	x.head = x.c.Detach()
	u.stream = stream{
		src: x.c.Conn, dst: x.up.Conn,
		body:     x.req.Body,
		chunked:  x.req.Body.Kind == http1.InChunks,
		trailers: true, // whether they are used is the member's affair
		patience: x.p.site.Limits.Timeout,
		pace:     pace{within: x.pool.Timeout},
		most:     int64(x.p.site.Limits.Body),
		rate:     int64(x.p.site.Limits.MinRate),
		stopped:  &u.stopped,
		last:     &u.last,
	}
	up := x.up.Conn
	go func() {
		u.from, u.err = u.run(x.req.Continues)
		if u.err != nil && u.from == source {
			u.broken.Store(true)
			up.Interrupt() // what the member would answer to is not whole
		}
		u.ended.Store(time.Now().UnixNano())
		u.done <- struct{}{}
	}()
	return phaseReceive
}

// run sends the head at once where the client waits to be told to go on, and
// otherwise together with the first bytes of the body.
func (u *upload) run(waits bool) (side, error) {
	if waits {
		if from, err := u.stream.flush(); err != nil {
			return from, err
		}
	}
	return u.stream.run()
}

// waitsFor says whether a member that kept silent for its timeout has a reason:
// the body is still coming, or came to its end less than that ago.
func (u *upload) waitsFor(patience time.Duration) bool {
	if !u.started || u.broken.Load() {
		return false
	}
	ended := u.ended.Load()
	return ended == 0 || time.Since(time.Unix(0, ended)) < patience
}

// settled says whether the whole body was sent. When only its last write is left
// it waits for that a moment: the member's answer can be quicker than the return
// from the call that caused it.
func (u *upload) settled() bool {
	if !u.started {
		return true
	}
	if !u.over && u.last.Load() {
		t := time.NewTimer(50 * time.Millisecond)
		defer t.Stop()
		select {
		case <-u.done:
			u.over = true
		case <-t.C:
		}
	}
	if !u.over {
		select {
		case <-u.done:
			u.over = true
		default:
		}
	}
	return u.over && u.err == nil
}

// bodySent says whether the member has the whole body.
func (x *exchange) bodySent() bool { return !x.withheld && x.upload.settled() }

// bodyCame says whether nothing of the body is still to come from the client.
func (x *exchange) bodyCame() bool {
	return x.upload.settled() && (x.upload.started || x.bodyIsHere())
}

// stopUpload ends the upload if it still runs, and waits until it has.
func (x *exchange) stopUpload() {
	u := &x.upload
	if !u.started || u.over {
		return
	}
	if !u.broken.Load() {
		u.stopped.Store(true)
		x.c.Interrupt()
		x.up.Interrupt()
	}
	<-u.done
	u.over = true
}

// clientFailed returns what the client did wrong with the body, or nil. It may
// be asked once the upload is over.
func (u *upload) clientFailed() error {
	switch {
	case !u.over || !u.broken.Load() || u.stopped.Load():
		return nil
	case http1.StatusOf(u.err, 0) != 0:
		return u.err
	case http1.IsTimeout(u.err):
		return errBodySlow
	}
	return errBodyCut
}
