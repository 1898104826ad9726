package proxy

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"proxylab/proxy/balancer"
	"proxylab/proxy/http1"
	"proxylab/proxy/message"
)

// A tunnel is what two connections become when the member agreed to change the
// protocol (RFC 9110 §7.8): bytes, both ways, of which the proxy knows nothing.
// Each way has a goroutine and its own end: half-close is passed on. A tunnel
// holds no buffer while nothing moves.
type tunnel struct {
	client, member *http1.Conn

	idle  time.Duration // longest silence of both
	moved atomic.Int64  // when a byte last went either way, ns since the epoch
	cut   atomic.Bool   // one way failed, and the other is to end
}

var errIdle = errors.New("nothing was sent in the tunnel for too long")

// upgradeFor says whether the client asks for the protocol that its member may
// change to, and gives it.
func (x *exchange) upgradeFor(u upgrade) string {
	protocol := u.protocol
	if protocol != "" && x.req.Upgrades && names(x.req.Fields, protocol) {
		return protocol
	}
	return ""
}

// switches says whether a 101 is what was asked for.
func (x *exchange) switches() bool {
	return x.upgrade != "" && x.res.Upgrades && names(x.res.Fields, x.upgrade)
}

// names says whether Upgrade lists a protocol, in any case.
func names(f message.Fields, protocol string) bool {
	for i := range f {
		if f[i].Known != message.Upgrade {
			continue
		}
		for e, rest := message.NextElement(f[i].Value); e != nil; e, rest = message.NextElement(rest) {
			if message.EqualFold(e, lowerCase(protocol)) {
				return true
			}
		}
	}
	return false
}

// tunnel passes the 101 on, and then bytes until both sides have ended.
func (x *exchange) tunnel() phase {
	if x.inLoop() {
		return phaseApart
	}
	x.close = true
	x.c.Begin()
	out := http1.AppendStatusLine(x.c.Out.B, x.res.Code, x.res.Reason)
	out = x.res.Fields.AppendForwarded(out, bodiless)
	out = message.AppendVia(out, x.res.Minor)
	out = append(out, "Connection: upgrade\r\nUpgrade: "...)
	out = append(out, x.upgrade...)
	x.c.Out.B = append(out, "\r\n\r\n"...)
	x.status = 101
	x.noteHead()
	x.c.WriteWithin(x.pool.Timeout)
	if _, err := x.c.Flush(); err != nil {
		return x.clientGone()
	}
	x.head = x.c.Detach() // for the log line: the client's bytes go through its buffer now
	x.c.Free()
	x.up.Free()
	t := &tunnel{client: x.c.Conn, member: x.up.Conn, idle: x.group.upgrades[x.lease.Index()].idle}
	t.moved.Store(time.Now().UnixNano())
	up := make(chan error, 1)
	go func() {
		_, err := t.carry(t.client, t.member)
		up <- err
	}()
	var err error
	x.bytes, err = t.carry(t.member, t.client)
	if other := <-up; err == nil || err == errCut {
		err = other
	}
	x.reset = err != nil && err != errIdle
	x.release(balancer.OK)
	return phaseFinish
}

// carry takes bytes from src to dst until src ends, and ends dst's side then. An
// error ends the other way too.
func (t *tunnel) carry(src, dst *http1.Conn) (moved int64, err error) {
	for err == nil {
		var n int
		n, err = t.pass(src, dst)
		moved += int64(n)
	}
	if err == io.EOF {
		if err = dst.CloseWrite(); err == nil {
			return moved, nil
		}
	}
	if !t.cut.Swap(true) {
		t.client.Interrupt()
		t.member.Interrupt()
		return moved, err
	}
	return moved, errCut
}

// pass waits for bytes and writes them. Silence of src is no error while the
// other way moves.
func (t *tunnel) pass(src, dst *http1.Conn) (int, error) {
	if len(src.Buffered()) == 0 {
		src.ReadWithin(t.idle)
		if t.cut.Load() {
			return 0, errCut
		}
		err := src.Fill()
		switch {
		case err == nil:
		case http1.IsTimeout(err) && !t.cut.Load() && time.Since(time.Unix(0, t.moved.Load())) < t.idle:
			return 0, nil
		case http1.IsTimeout(err):
			return 0, errIdle
		default:
			return 0, err
		}
	}
	dst.WriteWithin(t.idle)
	if t.cut.Load() {
		return 0, errCut
	}
	n, err := dst.Write(src.Buffered())
	src.Use(n)
	t.moved.Store(time.Now().UnixNano())
	return n, err
}
