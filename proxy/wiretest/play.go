package wiretest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Play plays the dialogue: clients dial proxyAddr, and origin accepts what the
// proxy opens. It returns nil, or the first thing that went otherwise, with its
// line in the file and what came instead. origin stays open; it may be nil in a
// dialogue without origin. Dialogues that share an origin are played one at a
// time.
func (d *Dialogue) Play(ctx context.Context, proxyAddr string, origin net.Listener) error {
	p := &play{d: d, ctx: ctx, proxy: proxyAddr, listener: origin, conns: make(map[who]*conn)}
	if origin != nil {
		p.accepted = make(chan net.Conn, 64)
		p.marks = make(chan string, 1)
		p.accepting.Go(p.accept)
	}
	err := p.run()
	extra := p.end()
	if err == nil {
		err = extra
	}
	return err
}

type play struct {
	d     *Dialogue
	ctx   context.Context
	proxy string
	conns map[who]*conn
	order []who // of conns, for a steady report

	listener  net.Listener
	accepting sync.WaitGroup
	accepted  chan net.Conn // closed when accept returns
	stopping  atomic.Bool
	marks     chan string // the address that ends accept
}

func (p *play) run() error {
	for _, s := range p.d.steps {
		if err := p.step(s); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", p.d.name, s.line, s.who, err)
		}
	}
	for _, w := range p.order {
		if rest := p.conns[w].buffer; len(rest) > 0 {
			return fmt.Errorf("%s: %s: %d bytes more than the dialogue has%s", p.d.name, w, len(rest), listing("got  ", rest))
		}
	}
	return nil
}

func (p *play) step(s step) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	c := p.conns[s.who]
	switch s.do {
	case open:
		if c != nil {
			return nil
		}
		return p.open(s.who)
	case send:
		c.send(s.want.bytes())
	case expectLine:
		return c.expectLine(s)
	case expectSet:
		return c.expectSet(s)
	case expectClose:
		return c.expectClose()
	case expectOpen:
		return c.expectOpen(s.watch)
	case drain:
		return c.drain()
	case closeBoth:
		c.settle()
		c.Close()
	case closeWrite:
		c.settle()
		return c.closeWrite()
	case reset:
		return c.reset()
	case split:
		c.split = true
	}
	return nil
}

func (p *play) open(w who) error {
	var c net.Conn
	var err error
	if w.origin {
		c, err = p.next()
	} else {
		dialer := net.Dialer{Timeout: p.d.Patience}
		c, err = dialer.DialContext(p.ctx, "tcp", p.proxy)
	}
	if err != nil {
		return err
	}
	p.conns[w] = &conn{Conn: c, ctx: p.ctx, patience: p.d.Patience}
	p.order = append(p.order, w)
	return nil
}

// next is the next connection that the proxy opened.
func (p *play) next() (net.Conn, error) {
	if p.listener == nil {
		return nil, errors.New("the dialogue has an origin, but Play got no listener")
	}
	timeout := time.NewTimer(p.d.Patience)
	defer timeout.Stop()
	select {
	case c, ok := <-p.accepted:
		if !ok {
			return nil, errors.New("the origin's listener is closed")
		}
		return c, nil
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	case <-timeout.C:
		return nil, fmt.Errorf("the proxy opened no connection within %s%s", p.d.Patience, p.pending())
	}
}

// pending shows what clients were told meanwhile: most often the proxy refused.
func (p *play) pending() string {
	text := ""
	for _, w := range p.order {
		if c := p.conns[w]; !w.origin {
			c.fill(time.Now().Add(quiet))
			if len(c.buffer) > 0 {
				text += "\n\tmeanwhile " + w.String() + listing("got  ", c.buffer)
			}
		}
	}
	return text
}

// accept takes connections until the one whose address is the mark.
func (p *play) accept() {
	defer close(p.accepted)
	mark := ""
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		if mark == "" && p.stopping.Load() {
			mark = <-p.marks
		}
		if mark != "" && c.RemoteAddr().String() == mark {
			c.Close()
			return
		}
		p.accepted <- c
	}
}

// end closes everything and reports connections to the origin that nobody
// named. Its own connection comes out of the listener's queue behind all that
// the proxy opened before, so no time need pass to be sure.
func (p *play) end() error {
	var extra int
	if p.listener != nil {
		drained := make(chan int)
		go func() {
			n := 0
			for c := range p.accepted {
				c.Close()
				n++
			}
			drained <- n
		}()
		p.stopAccepting()
		p.accepting.Wait()
		extra = <-drained
	}
	for _, c := range p.conns {
		c.Close()
		c.settle()
	}
	if extra > 0 {
		return fmt.Errorf("%s: the proxy opened %d connections more to the origin than the dialogue has", p.d.name, extra)
	}
	return nil
}

// stopAccepting ends accept by a connection of our own. The flag is up before
// that is made, so accept waits for the mark before it lets it pass.
func (p *play) stopAccepting() {
	p.stopping.Store(true)
	c, err := net.DialTimeout("tcp", p.listener.Addr().String(), p.d.Patience)
	if err != nil { // closed already, or out of reach: then only closing ends accept
		p.listener.Close()
		close(p.marks)
		return
	}
	p.marks <- c.LocalAddr().String()
	c.Close()
}
