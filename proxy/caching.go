package proxy

import (
	"errors"
	"log/slog"
	"reflect"
	"sync/atomic"
	"time"

	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
	"proxylab/proxy/site"
)

// caching is the cache of a Site: what it says, and what is stored. A reload makes
// another one of the same store.
type caching struct {
	declared site.Cache
	policy   *cache.Policy
	store    *store.Store
	flights  *store.Flights
	tally    *cache.Tally  // of the requests that were looked up
	behind   *atomic.Int64 // validations that run behind answers
}

// openCache makes the cache that a Site declares; nil for none. The files of a
// former process are found by their names, so this does not wait for them.
func openCache(declared site.Cache, logger *slog.Logger, now func() time.Time) (*caching, error) {
	if !declared.On {
		return nil, nil
	}
	c := &caching{declared: declared, policy: policyOf(&declared), flights: store.NewFlights(), tally: new(cache.Tally), behind: new(atomic.Int64)}
	var err error
	c.store, err = store.Open(store.Options{
		Memory: int64(declared.Memory), Dir: declared.Dir, Disk: int64(declared.Disk),
		Policy: c.policy, Logger: logger, Now: now,
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// again is the same cache under another declaration, which what is stored obeys
// from now on.
func (c *caching) again(declared site.Cache) *caching {
	if c == nil || reflect.DeepEqual(c.declared, declared) {
		return c
	}
	n := *c
	n.declared, n.policy = declared, policyOf(&declared)
	n.store.SetPolicy(n.policy)
	return &n
}

// mayBecome says what of a cache cannot change while the proxy runs: what is stored
// lies where it lies, and what was not seen while there was no cache has invalidated
// nothing.
func (c *caching) mayBecome(declared site.Cache) error {
	var was site.Cache
	if c != nil {
		was = c.declared
	}
	switch {
	case was.On != declared.On:
		return &Fault{
			errors.New("reload: cache cannot be turned on or off while the proxy runs"),
			`restart proxyd; "bypass: [{path: /}]" keeps all requests from a cache that is on`,
		}
	case was.Memory != declared.Memory, was.Dir != declared.Dir, was.Disk != declared.Disk:
		return &Fault{
			errors.New("reload: cache.memory, cache.dir and cache.disk cannot change while the proxy runs"),
			"restart proxyd: what is in files is found again",
		}
	}
	return nil
}

func (c *caching) close() {
	if c != nil {
		c.store.Close()
	}
}

// Cache is where responses are kept, for as long as the server lives; nil where
// the Site has no cache.
func (s *Server) Cache() *store.Store {
	if c := s.parts.Load().cache; c != nil {
		return c.store
	}
	return nil
}

// Tally is how requests were served that the cache was asked about; nil where the
// Site has no cache.
func (s *Server) Tally() *cache.Tally {
	if c := s.parts.Load().cache; c != nil {
		return c.tally
	}
	return nil
}

// policyOf writes a declaration as the rules read it.
func policyOf(c *site.Cache) *cache.Policy {
	p := &cache.Policy{
		IgnoreParams: c.IgnoreParams, KeyFields: c.KeyHeaders, KeyCookies: c.KeyCookies, Unkeyed: c.Unkeyed,
		MaxObject: int64(c.MaxFileSize), MaxRanges: c.MaxRanges,
		StoreSetCookie: c.StoreSetCookie, ShareCookies: c.ShareCookies,
		StaleIfError: c.StaleIfError, HeuristicMax: c.HeuristicMax,
		Targets: append([]string{}, c.Targets...), // empty is none, and nil would be the default
	}
	if c.HeuristicMax == 0 {
		p.HeuristicMax = -1 // 0 would be the default
	}
	for _, t := range c.TTL {
		p.TTL = append(p.TTL, cache.TTL(t))
	}
	for _, b := range c.Bypass {
		p.Bypass = append(p.Bypass, cache.Condition{Path: b.Path, Field: b.Header, Cookie: b.Cookie})
	}
	return p
}
