package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// hit measures under load what a system answers from its cache. That it does so
// is proved: the origin has no request from before the load until after the last
// answer, which is compared byte by byte as the first one was.
func (b *bench) hit(ctx context.Context, p *process, at *place) (Trial, error) {
	if err := b.awaitHit(ctx, at); err != nil {
		return Trial{}, err
	}
	var t Trial
	err := b.unasked(ctx, func() (err error) {
		if t, err = b.loaded(ctx, p, at); err != nil {
			return err
		}
		return right(ctx, at.Case, at.Port)
	})
	return t, err
}

// awaitHit asks until an answer comes without a request to the origin: some
// systems store behind the answer.
func (b *bench) awaitHit(ctx context.Context, at *place) error {
	for end := time.Now().Add(patience); ; {
		err := b.unasked(ctx, func() error { return right(ctx, at.Case, at.Port) })
		if !errors.Is(err, errAsked) || time.Now().After(end) {
			return err
		}
	}
}

var errAsked = errors.New("no hit")

// unasked is errAsked if the origin had a request while f ran.
func (b *bench) unasked(ctx context.Context, f func() error) error {
	before, err := b.asked(ctx)
	if err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	after, err := b.asked(ctx)
	if err == nil && after != before {
		err = fmt.Errorf("%w: the origin had %d requests", errAsked, after-before)
	}
	return err
}

// full measures what memory a system takes for many objects of 1 KB beside their
// bodies: that of its processes, and of its files where those lie in memory.
func (b *bench) full(ctx context.Context, p *process, at *place) (Trial, error) {
	held := func() (int64, error) {
		if err := b.settled(ctx, p); err != nil {
			return 0, err
		}
		_, files, err := filesBelow(at.Cached)
		if err != nil {
			return 0, err
		}
		own, err := p.resident()
		return own + files, err
	}
	if err := askMany(ctx, at, sequence(0, warmObjects)); err != nil {
		return Trial{}, err
	}
	before, err := held()
	if err != nil {
		return Trial{}, err
	}
	n := at.Case.Objects
	if err := askMany(ctx, at, sequence(warmObjects, warmObjects+n)); err != nil {
		return Trial{}, err
	}
	after, err := held()
	if err != nil {
		return Trial{}, err
	}
	const sample = 2000
	err = b.unasked(ctx, func() error {
		return askMany(ctx, at, random(sample, warmObjects+n))
	})
	return Trial{
		Requests: n, Resident: after,
		Overhead: float64(after-before)/float64(n) - float64(sizes["1k"]),
	}, err
}

// warmObjects are stored before memory is read for the first time, so that what
// any number of objects needs is there.
const warmObjects = 1000

// numbers gives names of objects, one by one, until it has no more. Several
// goroutines may call it.
type numbers func() (n int, more bool)

func sequence(from, to int) numbers {
	var next atomic.Int64
	next.Store(int64(from) - 1)
	return func() (int, bool) {
		n := int(next.Add(1))
		return n, n < to
	}
}

// random gives count numbers below n.
func random(count, n int) numbers {
	all := sequence(0, count)
	return func() (int, bool) {
		_, more := all()
		return rand.IntN(n), more
	}
}

// askMany asks for objects by their numbers, on as many connections as the case
// has, and wants the right bytes.
func askMany(ctx context.Context, at *place, next numbers) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	want := content("1k")
	var all sync.WaitGroup
	for range at.Case.Conns {
		all.Go(func() {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", at.Port))
			if err != nil {
				cancel(err)
				return
			}
			defer c.Close()
			buf := make([]byte, room("1k"))
			for ctx.Err() == nil {
				n, more := next()
				if !more {
					return
				}
				body, err := ask(c, buf, fmt.Sprintf("many/%d", n), "1k")
				if err == nil && !bytes.Equal(body, want) {
					err = errors.New("the bytes are not those of the origin")
				}
				if err != nil {
					cancel(fmt.Errorf("object %d: %w", n, err))
					return
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
