package parity

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"proxylab/labs/origin"
)

// System is one that is asked.
type System struct {
	Name string
	Addr string // host:port where it answers
}

// Row is one question, and what was seen of each system, by its name.
type Row struct {
	Question string
	Seen     map[string]string
}

// question is put to one system.
type question struct {
	asks string
	ask  func(ctx context.Context, s System) string
}

// Probe puts all questions to all systems. fail makes every origin behind them
// fail, or mends them; patience is how long a question about time waits. The error
// is that of ctx or fail alone: whatever a system does is an answer.
func Probe(ctx context.Context, systems []System, fail func(context.Context, origin.Fault) error, patience time.Duration) ([]Row, error) {
	var t table
	for _, s := range systems {
		for _, q := range quick {
			t.add(q.asks, s, q.ask(ctx, s))
		}
	}
	var all sync.WaitGroup
	slow := slowly(patience)
	for _, q := range slow {
		t.row(q.asks) // in their order, whoever is the first to answer
	}
	for _, s := range systems {
		for _, q := range slow {
			all.Go(func() { t.add(q.asks, s, q.ask(ctx, s)) })
		}
	}
	all.Wait()
	for _, s := range systems {
		if err := t.broken(ctx, s, fail, patience); err != nil {
			return nil, err
		}
	}
	return t.rows, ctx.Err()
}

// table is the rows that grow, by whoever has an answer.
type table struct {
	sync.Mutex
	rows []Row
}

func (t *table) row(asks string) *Row {
	i := slices.IndexFunc(t.rows, func(r Row) bool { return r.Question == asks })
	if i < 0 {
		i = len(t.rows)
		t.rows = append(t.rows, Row{asks, map[string]string{}})
	}
	return &t.rows[i]
}

func (t *table) add(asks string, s System, seen string) {
	t.Lock()
	defer t.Unlock()
	t.row(asks).Seen[s.Name] = seen
}

// broken asks what clients see when origins fail. What a system concludes of its
// members outlasts the fault, so that it is given time in between.
func (t *table) broken(ctx context.Context, s System, fail func(context.Context, origin.Fault) error, patience time.Duration) error {
	fresh, kept := "", ""
	c, err := recovered(ctx, s, patience)
	if err == nil {
		defer c.Close()
		if err := fail(ctx, origin.Fault{Reset: true}); err != nil {
			return err
		}
		kept = said(c.ask("GET", "/size/16?kept", "", uncached)) // a cache would not notice
		fresh = said(s.get(ctx, "/size/16?fresh", uncached))
		if err := fail(ctx, origin.Fault{}); err != nil {
			return err
		}
	} else {
		fresh, kept = err.Error(), err.Error()
	}
	t.add("every origin resets its connection: a client's first request", s, fresh)
	t.add("the same, a later request of a kept connection", s, kept)
	seen := ""
	if c, err := recovered(ctx, s, patience); err != nil {
		seen = err.Error()
	} else {
		c.Close()
		seen = statuses(ctx, s, 500, 501, 502, 503, 504)
	}
	t.add("statuses from 500 on", s, seen)
	return nil
}

// uncached asks for what no cache has.
const uncached = "Cache-Control: no-cache"

// recovered is a connection on which a request was answered well.
func recovered(ctx context.Context, s System, patience time.Duration) (*client, error) {
	for end := time.Now().Add(patience); ; {
		c, err := s.dial(ctx)
		if err == nil {
			if a, err := c.ask("GET", "/size/16?well", "", uncached); err == nil && a.status == 200 && !a.last {
				return c, nil
			}
			c.Close()
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("not asked: no right answer within %v", patience)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
