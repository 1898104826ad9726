package admin

import (
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	freeGuesses   = 5                // wrong secrets in a row that cost nothing: people mistype
	firstPause    = time.Second      // after one more, and twice that for each further one
	longestPause  = 30 * time.Second // up to this
	forgotten     = 10 * time.Minute // after the last wrong secret
	mostAddresses = 4096             // that are remembered
)

// throttle slows down who guesses secrets. An address that said too many wrong
// ones has no secret looked at for a pause, so that a guess in it tells nothing,
// not even a right one; what it says meanwhile does not lengthen the pause. Nobody
// is kept waiting, so that guesses hold no connections, and other addresses notice
// nothing. Who has been let in before goes on meanwhile on its connection (known):
// from its own address, too, nobody can throw it out.
type throttle struct {
	mu    sync.Mutex
	wrong map[netip.Prefix]*guesses
}

// guesses are the wrong secrets of an address, an IPv6 one with its /64.
type guesses struct {
	count int
	last  time.Time
	until time.Time // end of the pause
}

// pause is how long no secret of from is looked at any more.
func (t *throttle) pause(from netip.Prefix) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if g := t.wrong[from]; g != nil {
		return max(0, time.Until(g.until))
	}
	return 0
}

// failed counts a wrong secret.
func (t *throttle) failed(from netip.Prefix) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	g := t.wrong[from]
	if g == nil || now.Sub(g.last) > forgotten {
		t.makeRoom(now)
		g = new(guesses)
		if t.wrong == nil {
			t.wrong = make(map[netip.Prefix]*guesses)
		}
		t.wrong[from] = g
	}
	g.count++
	g.last = now
	if over := g.count - freeGuesses; over > 0 {
		pause := longestPause
		if over < 6 { // 1, 2, 4, 8, 16 s
			pause = firstPause << (over - 1)
		}
		g.until = now.Add(pause)
	}
}

// succeeded forgets what was wrong before.
func (t *throttle) succeeded(from netip.Prefix) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.wrong, from)
}

// makeRoom forgets what is old, and else the oldest. The caller holds mu.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.wrong) < mostAddresses {
		return
	}
	var oldest netip.Prefix
	for from, g := range t.wrong {
		switch {
		case now.Sub(g.last) > forgotten:
			delete(t.wrong, from)
		case t.wrong[oldest] == nil || g.last.Before(t.wrong[oldest].last):
			oldest = from
		}
	}
	if len(t.wrong) >= mostAddresses {
		delete(t.wrong, oldest)
	}
}

// whence is the address that a request is counted for.
func whence(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	a := at.Addr().Unmap().WithZone("")
	from, _ := a.Prefix(min(64, a.BitLen()))
	return from
}

// known is what a connection's context has under itself: whether the last secret
// on it was a right one.
type known struct{}

func isKnown(r *http.Request) *atomic.Bool {
	k, _ := r.Context().Value(known{}).(*atomic.Bool)
	if k == nil {
		k = new(atomic.Bool)
	}
	return k
}

// lets says whether who asks may use a manager with secrets; wait is for how long
// its secrets are not looked at, where that is why.
func (s *Server) lets(r *http.Request, c *Config) (ok bool, wait time.Duration) {
	if r.Header.Get("Authorization") == "" {
		return false, 0 // a browser, which will ask its user
	}
	from, k := whence(r), isKnown(r)
	if !k.Load() {
		if wait = s.throttle.pause(from); wait > 0 {
			return false, wait
		}
	}
	if ok = c.admits(r); ok {
		if !k.Swap(true) {
			s.throttle.succeeded(from)
		}
		return true, 0
	}
	k.Store(false)
	s.throttle.failed(from)
	s.Logger.Warn("balancer-manager: a wrong secret", "remote", r.RemoteAddr)
	return false, 0
}

// seconds rounds up, as Retry-After wants them (RFC 9110 §10.2.3).
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
