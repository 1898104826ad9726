package balancer

import (
	"fmt"
	"time"
)

// MemberChange is what shall be otherwise with a member from now on. What is nil
// stays.
type MemberChange struct {
	Set, Clear Flags // as ParseFlags gives them; all flags may be changed
	LoadFactor *float64
	LBSet      *int
	Route      *string
	Redirect   *string
	Max        *int
}

// ChangeMember changes a member while elections go on; the next one obeys. On an
// error nothing has changed. A change stays over a reload unless the Site says
// something new in that very thing.
func (b *Balancer) ChangeMember(name string, change MemberChange) error {
	c := b.core
	defer c.serve()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range b.members {
		if m.name != name {
			continue
		}
		s := m.set
		s.status = s.status&^change.Clear | change.Set&admin
		put(&s.factor, change.LoadFactor)
		put(&s.lbset, change.LBSet)
		put(&s.route, change.Route)
		put(&s.redirect, change.Redirect)
		put(&s.max, change.Max)
		if err := s.check(); err != nil {
			return fmt.Errorf("balancer %q: member %q: %w", b.config.Name, name, err)
		}
		for _, other := range b.members {
			if s.route != "" && other != m && other.set.route == s.route {
				taken := fmt.Errorf("route %q is that of %q", s.route, other.name)
				return fmt.Errorf("balancer %q: member %q: %w", b.config.Name, name, taken)
			}
		}
		before := m.flags
		m.setTo(s)
		m.flags = m.flags&^(change.Clear&^admin) | change.Set&^admin
		if change.Set&InError != 0 {
			m.usableAt, m.unreached = time.Now().Add(m.config.Retry), false
		}
		if change.Set&Ejected != 0 {
			m.ejectedTo = time.Time{} // until it is cleared
		}
		m.became(before, "", time.Now())
		c.version.Add(1)
		return nil
	}
	return fmt.Errorf("balancer %q: no member %q", b.config.Name, name)
}

func put[T any](into *T, value *T) {
	if value != nil {
		*into = *value
	}
}

// ChangeMethod goes over to another lbmethod. Every lbstatus begins anew, as in
// httpd. The method stays over a reload unless the Site names a new one.
func (b *Balancer) ChangeMethod(lbmethod string) error {
	if methods[lbmethod] == nil {
		return fmt.Errorf("balancer %q: unknown lbmethod %q", b.config.Name, lbmethod)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(b.current())
	clear(b.lbstatus)
	c := b.core
	c.mu.Lock()
	c.method = lbmethod
	c.version.Add(1)
	c.mu.Unlock()
	b.load(b.roster.Load())
	return nil
}
