package balancer

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrNoMember says that no member is usable: all are in error or were tried.
var ErrNoMember = errors.New("balancer: no usable member")

// Config declares a balancer.
type Config struct {
	Name    string
	Method  string // lbmethod: "byrequests"
	Members []MemberConfig
}

// MemberConfig declares a member, in mod_proxy's words.
type MemberConfig struct {
	Name       string
	LoadFactor float64       // 1 to 100
	Retry      time.Duration // time in error state after a failure; 0 for none
}

// A better function is an lbmethod: whether m is to be preferred to best, an
// earlier usable member. It is called with the balancer's mutex held, after
// the lbstatus of both has grown by their lbfactor.
type better func(m, best *Member) bool

var methods = map[string]better{
	"byrequests": byrequests,
}

// Balancer elects among its members.
type Balancer struct {
	config  Config
	better  better
	members []*Member

	mu      sync.Mutex // guards inError, and lbstatus, down and usableAt of the members
	inError int        // members with down set; while 0, Elect does not ask for the time
}

// New builds a balancer whose members all are usable.
func New(c Config) (*Balancer, error) {
	method, ok := methods[c.Method]
	if !ok {
		return nil, fmt.Errorf("balancer %q: unknown lbmethod %q", c.Name, c.Method)
	}
	if len(c.Members) == 0 {
		return nil, fmt.Errorf("balancer %q: no member", c.Name)
	}
	b := &Balancer{config: c, better: method}
	for i, mc := range c.Members {
		if !(mc.LoadFactor >= 1 && mc.LoadFactor <= 100) {
			return nil, fmt.Errorf("balancer %q: member %q: loadfactor %v is not between 1 and 100", c.Name, mc.Name, mc.LoadFactor)
		}
		if mc.Retry < 0 {
			return nil, fmt.Errorf("balancer %q: member %q: retry %v is negative", c.Name, mc.Name, mc.Retry)
		}
		b.members = append(b.members, newMember(b, i, mc))
	}
	return b, nil
}

// Name is the name in balancer://name.
func (b *Balancer) Name() string { return b.config.Name }

// Alike says whether other was declared in the same way.
func (b *Balancer) Alike(other *Balancer) bool {
	return b.config.Method == other.config.Method && slices.Equal(b.config.Members, other.config.Members)
}

// Inherit takes over from an earlier balancer which of the members are in error
// state, and their figures. It must be called before the first Elect. What ends
// later with a member of the earlier one is not counted.
func (b *Balancer) Inherit(earlier *Balancer) {
	earlier.mu.Lock()
	defer earlier.mu.Unlock()
	for _, m := range b.members {
		for _, e := range earlier.members {
			if e.name != m.name {
				continue
			}
			m.elected.Store(e.elected.Load())
			m.errors.Store(e.errors.Load())
			if e.down {
				m.down, m.usableAt = true, e.usableAt
				b.inError++
			}
		}
	}
}

// Members returns the members in the order of the Site. The slice is the
// balancer's own and must not be changed.
func (b *Balancer) Members() []*Member { return b.members }

// Elect picks the member for the next request, or for another attempt at the
// same one: tried lists the members that attempt shall avoid. The caller owes
// the member one Done.
func (b *Balancer) Elect(tried []*Member) (*Member, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.inError > 0 {
		b.recover(time.Now())
	}
	var best *Member
	total := 0
	for _, m := range b.members {
		if m.down || slices.Contains(tried, m) {
			continue
		}
		m.lbstatus += m.lbfactor
		total += m.lbfactor
		if best == nil || b.better(m, best) {
			best = m
		}
	}
	if best == nil {
		return nil, ErrNoMember
	}
	best.lbstatus -= total
	best.elected.Add(1)
	best.busy.Add(1)
	return best, nil
}

// recover makes members usable whose time in error state is over
// (ap_proxy_retry_worker). The caller holds mu.
func (b *Balancer) recover(now time.Time) {
	for _, m := range b.members {
		if m.down && !now.Before(m.usableAt) {
			m.down = false
			b.inError--
		}
	}
}
