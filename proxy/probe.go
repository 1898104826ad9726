package proxy

import (
	"context"
	"net"

	"proxylab/proxy/balancer"
)

// watch has the members of all balancers probed, where their Site wants it.
func (p *parts) watch() {
	for _, g := range p.groups {
		g.balancer.Watch(g.probe)
	}
}

// unwatch ends that for balancers which next does not have.
func (p *parts) unwatch(next *parts) {
	for _, g := range p.groups {
		if next == nil || !next.has(g.balancer) {
			g.balancer.Unwatch()
		}
	}
}

func (p *parts) has(b *balancer.Balancer) bool {
	for _, g := range p.groups {
		if g.balancer == b {
			return true
		}
	}
	return false
}

// probe asks a member for a connection, which is all that a member in error could
// not give.
func (g *group) probe(ctx context.Context, index int, _ bool) error {
	pool := g.pools[index]
	ctx, cancel := context.WithTimeout(ctx, pool.ConnectTimeout)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", pool.Addr)
	switch {
	case err == nil:
		return c.Close()
	case ownFault(err):
		return balancer.ErrNoVerdict
	}
	return err
}
