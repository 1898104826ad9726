package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"time"
)

// startWithin is the time from the start of a process within which all of its
// objects can be hit.
const startWithin = 2 * time.Second

// started measures a start with many objects on disk. The first one comes after an
// orderly stop, the second one after kill -9; the slower one is the figure.
func (b *bench) started(ctx context.Context, s system, at *place) (Trial, error) {
	if err := b.fill(ctx, s, at); err != nil {
		return Trial{}, fmt.Errorf("filling: %w", err)
	}
	var both Trial
	for range 2 {
		t, err := b.startOnce(ctx, s, at)
		if err != nil {
			return Trial{}, err
		}
		both.FirstHit = max(both.FirstHit, t.FirstHit)
		both.Resident = max(both.Resident, t.Resident)
		both.Requests += t.Requests
	}
	both.Load1 = loadAverage()
	return both, nil
}

// startOnce starts s and kills it after startWithin. Until then it is asked for
// objects at random, each of which must be a hit with the right bytes. The figure
// is the time from the start of the process until the first of them is there.
func (b *bench) startOnce(ctx context.Context, s system, at *place) (Trial, error) {
	p, err := b.startSystem(s, at)
	if err != nil {
		return Trial{}, err
	}
	defer p.stop()
	if err := awaitPort(ctx, p, at.Port); err != nil {
		return Trial{}, err
	}
	var t Trial
	err = b.unasked(ctx, func() error {
		if err := askMany(ctx, at, random(1, at.Case.Objects)); err != nil {
			return err
		}
		t.FirstHit = float64(time.Since(p.began).Microseconds()) / 1000
		var asked atomic.Int64
		err := askMany(ctx, at, func() (int, bool) {
			if time.Since(p.began) > startWithin {
				return 0, false
			}
			asked.Add(1)
			return rand.IntN(at.Case.Objects), true
		})
		t.Requests = 1 + int(asked.Load())
		return err
	})
	if err != nil {
		return Trial{}, err
	}
	t.Resident, err = p.resident()
	return t, err
}

// fill has s store all objects in files, and stops it. What it did not write,
// if any, it is asked for again.
func (b *bench) fill(ctx context.Context, s system, at *place) error {
	const rounds = 3
	filling := *at
	filling.Case.Both = true
	for range rounds {
		p, err := b.startSystem(s, &filling)
		if err != nil {
			return err
		}
		if err = awaitPort(ctx, p, at.Port); err == nil {
			err = store(ctx, p, at)
		}
		if err != nil {
			p.stop()
			return err
		}
		if err := p.end(); err != nil {
			return err
		}
		n, _, err := filesBelow(at.Cached)
		if err != nil {
			return err
		}
		if n >= at.Case.Objects {
			return nil
		}
		fmt.Fprintf(b.Log, "%s: %d of %d objects are on disk\n", at.Case.Name, n, at.Case.Objects)
	}
	return fmt.Errorf("after %d rounds not all objects are on disk", rounds)
}

// store asks p for all objects, some at a time: what is written behind the answers
// is written before it is asked for more.
func store(ctx context.Context, p *process, at *place) error {
	const some = 5000
	for from := 0; from < at.Case.Objects; from += some {
		if err := askMany(ctx, at, sequence(from, min(from+some, at.Case.Objects))); err != nil {
			return err
		}
		if err := p.rest(ctx); err != nil {
			return err
		}
	}
	return nil
}

// rest waits until p has nothing to do: its CPU clock stands still, or nearly so.
func (p *process) rest(ctx context.Context) error {
	const little = 500 * time.Microsecond
	late := time.NewTimer(patience)
	defer late.Stop()
	before, err := p.cpu()
	for err == nil {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-late.C:
			return errors.New("it does not come to rest")
		case <-p.done:
			return fmt.Errorf("it ended (%v): %s", p.err, p.said())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		var now time.Duration
		if now, err = p.cpu(); now-before < little {
			break
		}
		before = now
	}
	return err
}

// filesBelow counts the files with something in them, and what all take up, in
// bytes.
func filesBelow(dir string) (n int, taken int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a system moves its files
		}
		if err != nil {
			return err
		}
		if d.Type().IsRegular() && info.Size() > 0 {
			n++
		}
		taken += takenBy(info)
		return nil
	})
	return n, taken, err
}
