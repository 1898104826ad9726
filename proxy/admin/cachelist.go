package admin

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"proxylab/proxy/cache/store"
)

const (
	maxListings  = 8 // that are under way; the one that was used least lately makes room
	defaultLimit = 50
	maxLimit     = 500
)

// entriesView is a step of a list.
type entriesView struct {
	Time    time.Time `json:"time"`
	Entries []keyView `json:"entries"` // may be none although there is more: a step is bounded
	Next    string    `json:"next"`    // the cursor to go on with; "" at the end
}

// listings are walks through the cache that clients may go on with.
type listings struct {
	mu   sync.Mutex
	open []*listing // used least lately first
}

// listing is one of them. Its step of number n is answered again, the same, until
// that of n+1 is asked for: who lost an answer loses nothing else.
type listing struct {
	id string

	mu   sync.Mutex
	walk *store.Walk
	step int
	last entriesView
	over bool
}

// add keeps a listing, at the cost of another one.
func (l *listings) add(n *listing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) == maxListings {
		defer l.open[0].close()
		l.open = l.open[1:]
	}
	l.open = append(l.open, n)
}

// find gives the listing of an id; nil where it made room for another.
func (l *listings) find(id string) *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, n := range l.open {
		if n.id == id {
			l.open = append(append(l.open[:i:i], l.open[i+1:]...), n)
			return n
		}
	}
	return nil
}

func (l *listings) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.open {
		n.close()
	}
	l.open = nil
}

func (n *listing) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.end()
}

func (n *listing) end() {
	if !n.over {
		n.over = true
		n.walk.Close()
	}
}

func (n *listing) cursor() string { return n.id + "." + strconv.Itoa(n.step) }

// answer takes the step that a cursor is for; ok is false for one that has been
// left behind.
func (n *listing) answer(step string, take func([][]store.Held) entriesView, limit int) (v entriesView, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case step == strconv.Itoa(n.step-1):
		return n.last, true
	case step != strconv.Itoa(n.step) || n.over:
		return v, false
	}
	found, more := n.walk.Next(limit)
	n.last = take(found)
	n.step++
	if more {
		n.last.Next = n.cursor()
	} else {
		n.end()
	}
	return n.last, true
}

// listEntries is GET /api/cache/entries.
func (s *Server) listEntries(r *http.Request) (any, error) {
	if s.Cache == nil {
		return nil, noCache()
	}
	const at = "cache/entries"
	q, err := query(r, at, "prefix", "tag", "limit", "cursor")
	if err != nil {
		return nil, err
	}
	limit := defaultLimit
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxLimit {
			return nil, wrong(http.StatusBadRequest, at+": limit", "that of URLs in one answer", "%q is not between 1 and %d", text, maxLimit)
		}
	}
	take := func(found [][]store.Held) entriesView {
		v := entriesView{Time: time.Now(), Entries: []keyView{}}
		for _, l := range found {
			v.Entries = append(v.Entries, s.viewKey(l, v.Time, false))
		}
		return v
	}
	if cursor := q.Get("cursor"); cursor != "" {
		if q.Has("prefix") || q.Has("tag") {
			return nil, wrong(http.StatusBadRequest, at+": cursor", "leave prefix and tag out", "a cursor goes on with what its list began with")
		}
		id, step, _ := strings.Cut(cursor, ".")
		if n := s.listings.find(id); n != nil {
			if v, ok := n.answer(step, take, limit); ok {
				return v, nil
			}
		}
		return nil, wrong(http.StatusGone, at+": cursor", "begin the list again, without cursor", "%q is not that of a list under way", cursor)
	}
	m, err := match(at, q.Get("prefix"), q.Get("tag"))
	if err != nil {
		return nil, err
	}
	n := &listing{id: rand.Text(), walk: s.Cache.Walk(m)}
	v, _ := n.answer("0", take, limit)
	if v.Next != "" {
		s.listings.add(n)
	}
	return v, nil
}
