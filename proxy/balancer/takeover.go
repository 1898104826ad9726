package balancer

import (
	"reflect"
	"slices"
)

// Alike says whether other was declared in the same way.
func (b *Balancer) Alike(other *Balancer) bool {
	return reflect.DeepEqual(b.config, other.config)
}

// TakeOver makes b the successor of an earlier balancer of its name: members that
// stay are the same ones, with their counters, state, lbstatus and what was
// changed at run time. It must be called before the first Elect of b. Exchanges
// that began with the earlier one end as they would have.
func (b *Balancer) TakeOver(earlier *Balancer) {
	earlier.mu.Lock()
	earlier.keep(earlier.current())
	was := slices.Clone(earlier.lbstatus)
	earlier.mu.Unlock()

	c := earlier.core
	c.mu.Lock()
	defer c.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	c.method = stays(c.declared, c.method, b.config.Method)
	c.declared = b.config.Method
	b.core = c
	for i, fresh := range b.members {
		fresh.core = c
		j := slices.IndexFunc(earlier.members, func(m *Member) bool { return m.name == fresh.name })
		if j < 0 {
			continue
		}
		m := earlier.members[j]
		m.setTo(merged(m.config.settings(), m.set, fresh.config.settings()))
		m.config = fresh.config
		b.members[i], b.lbstatus[i] = m, was[j]
	}
	c.version.Add(1)
}
