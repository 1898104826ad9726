package proxy

import (
	"errors"
	"fmt"
	"maps"

	"proxylab/proxy/balancer"
	"proxylab/proxy/site"
	"proxylab/proxy/upstream"
)

var errStopping = errors.New("reload: the proxy is stopping")

// Reload goes over to another Site without losing a connection: whoever is
// connected stays so, exchanges that run end as they began, and the next ones
// obey the new Site. A balancer whose declaration stays goes on as it is; in
// a changed one the members that stay keep their state, their counters and what
// was changed at run time, but for what the Site says anew. A member
// whose address and timeouts stay keeps its connections.
//
// On an error nothing has changed. Another listen address is one: a listener
// that moves would lose the clients in its queue.
func (s *Server) Reload(declared *site.Site) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	if s.stopping.Load() {
		return errStopping
	}
	earlier := s.parts.Load()
	if declared.Listen != earlier.site.Listen {
		return &Fault{
			fmt.Errorf("reload: listen: %s cannot become %s while the proxy runs", earlier.site.Listen, declared.Listen),
			"restart proxyd to listen on another address",
		}
	}
	if declared.Socket.ReusePort != earlier.site.Socket.ReusePort {
		return &Fault{
			errors.New("reload: socket.reuseport cannot change while the proxy runs"),
			"restart proxyd: the kernel wants it said before the address is taken",
		}
	}
	if err := earlier.cache.mayBecome(declared.Cache); err != nil {
		return err
	}
	s.mu.Lock()
	known := maps.Clone(s.pools)
	s.mu.Unlock()
	p, used, err := build(declared, known)
	if err != nil {
		return err
	}
	if err := s.access.declare(declared.Log); err != nil {
		return err
	}
	if !s.keepPools(used) {
		return errStopping
	}
	if err := s.setQueue(declared.Socket, declared.Limits.HeadTimeout); err != nil {
		s.logger.Warn("the queue of new clients stays as it was", "error", err)
	}
	s.bound(declared.Limits.Connections)
	for _, g := range p.groups {
		g.keep(earlier)
	}
	earlier.unwatch() // a balancer that stays is watched anew: its checks may be others
	for _, g := range p.groups {
		g.takeOver(earlier)
	}
	if s.watching { // else Serve is still to begin, and has them watched itself
		p.watch(s.logger)
	}
	p.cache = earlier.cache.again(declared.Cache)
	s.parts.Store(p)
	s.retirePools(used)
	s.logger.Info("the site was read again")
	return nil
}

// keepPools adds the pools of new parts, unless they came too late to be closed.
func (s *Server) keepPools(used map[upstream.Config]*upstream.Pool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return false
	}
	for c, p := range used {
		p.Keep(true)
		s.pools[c] = p
	}
	return true
}

// retirePools has the pools that no new exchange will use keep no connection any
// more. They are forgotten by the reload after, once they have none.
func (s *Server) retirePools(used map[upstream.Config]*upstream.Pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, p := range s.pools {
		if used[c] == nil && !p.Keep(false) {
			delete(s.pools, c)
		}
	}
}

// keep goes on with the balancer of the same name where its declaration stays.
func (g *group) keep(earlier *parts) {
	if e := earlier.balancer(g.balancer.Name()); e != nil && e.Alike(g.balancer) {
		g.balancer = e
	}
}

// takeOver goes on where the balancer of the same name is.
func (g *group) takeOver(earlier *parts) {
	if e := earlier.balancer(g.balancer.Name()); e != nil && e != g.balancer {
		g.balancer.TakeOver(e)
	}
}

// balancer finds one by its name; nil for none.
func (p *parts) balancer(name string) *balancer.Balancer {
	for _, g := range p.groups {
		if g.balancer.Name() == name {
			return g.balancer
		}
	}
	return nil
}
