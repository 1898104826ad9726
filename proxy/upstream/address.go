package upstream

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

// lookAgain is the longest time until a name is looked up again that could not be.
const lookAgain = 5 * time.Second

// addresses are those of a member's host. A name is looked up when the first
// connection is made, and again beside a later one once the answer is older than
// its time; connections do not wait for that. Where it fails the old answer stays.
//
// That time is fixed and not the record's TTL: Go's resolver, as getaddrinfo(3),
// does not tell it.
type addresses struct {
	host   string
	port   uint16
	ttl    time.Duration
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	moved  func(to []netip.AddrPort) // is called when the addresses are others
	ctx    context.Context           // of lookups
	cancel context.CancelFunc

	mu      sync.Mutex
	known   []netip.AddrPort // in an order of their own; never changed in place
	until   time.Time        // when they are looked up again
	first   int              // which of them the next connection tries first
	asking  chan struct{}    // is closed when the lookup that runs is over; nil for none
	failure error            // of the last lookup
	bad     error            // of the address itself
}

func newAddresses(address string, ttl time.Duration, moved func([]netip.AddrPort)) *addresses {
	a := &addresses{ttl: ttl, lookup: net.DefaultResolver.LookupNetIP, moved: moved}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		a.bad = err
		return a
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		a.bad = &net.AddrError{Err: "the port is no number", Addr: address}
		return a
	}
	a.host, a.port = host, uint16(port)
	if ip, err := netip.ParseAddr(host); err == nil {
		a.known = []netip.AddrPort{netip.AddrPortFrom(ip, a.port)}
		a.host = ""
	}
	return a
}

// next returns the addresses in the order in which a connection tries them: each
// one has another first, so that connections spread. It waits only while none is
// known, and no longer than within.
func (a *addresses) next(within time.Duration) ([]netip.AddrPort, error) {
	if a.bad != nil {
		return nil, a.bad
	}
	if a.host == "" {
		return a.known, nil
	}
	a.mu.Lock()
	if len(a.known) == 0 || !time.Now().Before(a.until) {
		a.ask()
	}
	if len(a.known) > 0 {
		defer a.mu.Unlock()
		return a.turn(), nil
	}
	asking := a.asking
	a.mu.Unlock()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-asking:
	case <-timer.C:
		return nil, &net.DNSError{Err: "no answer in time", Name: a.host, IsTimeout: true}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) == 0 {
		return nil, a.failure
	}
	return a.turn(), nil
}

// turn has another address first each time. The caller holds mu.
func (a *addresses) turn() []netip.AddrPort {
	if len(a.known) == 1 {
		return a.known
	}
	a.first = (a.first + 1) % len(a.known)
	return append(slices.Clone(a.known[a.first:]), a.known[:a.first]...)
}

// ask begins a lookup, unless one runs. The caller holds mu.
func (a *addresses) ask() {
	if a.asking != nil {
		return
	}
	a.asking = make(chan struct{})
	go a.look()
}

func (a *addresses) look() {
	ips, err := a.lookup(a.ctx, "ip", a.host)
	var found []netip.AddrPort
	for _, ip := range ips {
		found = append(found, netip.AddrPortFrom(ip.Unmap(), a.port))
	}
	slices.SortFunc(found, netip.AddrPort.Compare) // servers turn their answers too
	found = slices.Compact(found)
	if err == nil && len(found) == 0 {
		err = &net.DNSError{Err: "no address", Name: a.host, IsNotFound: true}
	}
	a.mu.Lock()
	moved := false
	if a.failure = err; err != nil {
		a.until = time.Now().Add(min(a.ttl, lookAgain))
	} else {
		moved = len(a.known) > 0 && !slices.Equal(a.known, found)
		a.known, a.until = found, time.Now().Add(a.ttl)
	}
	close(a.asking)
	a.asking = nil
	a.mu.Unlock()
	if moved {
		a.moved(found)
	}
}

// has says whether a connection to one of the addresses would be made now.
func (a *addresses) has(peer netip.AddrPort) bool {
	if a.host == "" {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Contains(a.known, peer)
}
