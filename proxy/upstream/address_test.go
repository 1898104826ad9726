package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// names is a resolver whose answers a test decides.
type names struct {
	mu    sync.Mutex
	ips   []netip.Addr
	err   error
	asked int
	wait  time.Duration
}

func (n *names) lookup(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	n.mu.Lock()
	n.asked++
	wait := n.wait
	n.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.ips), n.err
}

func (n *names) set(err error, ips ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ips, n.err = nil, err
	for _, ip := range ips {
		n.ips = append(n.ips, netip.MustParseAddr(ip))
	}
}

func (n *names) after(wait time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wait = wait
}

func (n *names) count() int {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

// first is the address that the next connection tries first, or the error.
func first(a *addresses) string {
	peers, err := a.next(time.Second)
	if err != nil {
		return err.Error()
	}
	return peers[0].Addr().String()
}

func TestNamesAreLookedUpOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(names)
		n.set(nil, "10.0.0.1")
		moved := 0
		a := newAddresses("origin:80", 30*time.Second, func([]netip.AddrPort) { moved++ })
		a.lookup = n.lookup
		defer a.cancel()
		for range 100 {
			if got := first(a); got != "10.0.0.1" {
				t.Fatal(got)
			}
		}
		if n := n.count(); n != 1 {
			t.Errorf("looked up %d times for 100 connections", n)
		}

		time.Sleep(31 * time.Second)
		n.set(nil, "10.0.0.2")
		n.after(time.Hour) // nobody waits for it
		if got := first(a); got != "10.0.0.1" {
			t.Errorf("%s while it is looked up again", got)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		n.after(0)
		if got := first(a); got != "10.0.0.2" || moved != 1 {
			t.Errorf("%s, moved %d times", got, moved)
		}

		n.set(errors.New("no resolver"))
		time.Sleep(31 * time.Second)
		for range 10 {
			first(a)
			time.Sleep(time.Second)
		}
		if got := first(a); got != "10.0.0.2" || moved != 1 {
			t.Errorf("%s without a resolver, moved %d times", got, moved)
		}
		before := n.count()
		time.Sleep(lookAgain)
		first(a)
		if n := n.count(); n != before+1 {
			t.Errorf("asked %d times after a failure, want once", n-before)
		}
		n.set(nil, "10.0.0.3")
		time.Sleep(lookAgain)
		first(a)
		synctest.Wait()
		if got := first(a); got != "10.0.0.3" {
			t.Errorf("%s when the resolver is back", got)
		}
	})
}

// While no answer is known, connections wait for one lookup together, and not
// longer than they may.
func TestTheFirstLookupIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &names{wait: 10 * time.Second}
		n.set(nil, "10.0.0.1")
		a := newAddresses("origin:80", time.Minute, nil)
		a.lookup = n.lookup
		defer a.cancel()
		began := time.Now()
		_, err := a.next(time.Second)
		if e := net.Error(nil); !errors.As(err, &e) || !e.Timeout() || time.Since(began) != time.Second {
			t.Errorf("%v after %v, want a timeout after 1s", err, time.Since(began))
		}
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := a.next(time.Minute); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := n.count(); n != 1 {
			t.Errorf("looked up %d times", n)
		}
	})
}

func TestAddressesTakeTurns(t *testing.T) {
	n := new(names)
	n.set(nil, "10.0.0.3", "10.0.0.1", "::ffff:10.0.0.2", "10.0.0.1")
	a := newAddresses("origin:80", time.Minute, nil)
	a.lookup = n.lookup
	defer a.cancel()
	got := make(map[string]int)
	for range 30 {
		got[first(a)]++
	}
	if len(got) != 3 || got["10.0.0.1"] != 10 || got["10.0.0.2"] != 10 {
		t.Errorf("%v, want 10 each", got)
	}
}

// A name's address that is dead is passed over within a dial. When the name moves,
// connections to where it was are closed: idle ones at once, the others after their
// exchange.
func TestConnectionsFollowTheName(t *testing.T) {
	p, accepted := member(t, nil)
	_, port, _ := net.SplitHostPort(p.Addr)
	n := new(names)
	n.set(nil, "127.0.0.1", "127.0.0.9") // nobody listens there
	p.addresses.cancel()
	p.addresses = newAddresses(net.JoinHostPort("origin", port), time.Hour, p.moved)
	p.addresses.lookup = n.lookup
	idle, busy := take(t, p), take(t, p)
	p.Put(idle)
	peer := <-accepted
	<-accepted

	n.set(nil, "127.0.0.9")
	p.addresses.mu.Lock()
	p.addresses.until = time.Time{}
	p.addresses.mu.Unlock()
	if c := take(t, p); c != idle {
		t.Error("an idle connection is not used before the name has moved")
	}
	p.Put(idle)
	if err := p.Try(func(netip.AddrPort, time.Duration) error { return nil }); err != nil { // begins the lookup
		t.Fatal(err)
	}
	peer.SetReadDeadline(time.Now().Add(10 * time.Second))
	if k, err := peer.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%d bytes, %v: the idle connection is not closed", k, err)
	}
	p.Put(busy)
	if p.kept != 0 || len(p.all) != 0 {
		t.Errorf("%d connections are kept, %d in all", p.kept, len(p.all))
	}
	if c, err := p.get(); err == nil {
		t.Error("connected to", c.Peer())
	}
}

func TestAddressesThatCannotBe(t *testing.T) {
	for _, address := range []string{"origin", "origin:http", "origin:70000", "[::1"} {
		a := newAddresses(address, time.Minute, nil)
		if _, err := a.next(time.Second); err == nil {
			t.Errorf("%s: no error", address)
		}
	}
	for _, host := range []string{"10.0.0.1", "fd00::1"} {
		a := newAddresses(net.JoinHostPort(host, "80"), time.Minute, nil)
		if peers, err := a.next(0); err != nil || fmt.Sprint(peers) != fmt.Sprint([]string{net.JoinHostPort(host, "80")}) {
			t.Errorf("%v, %v", peers, err)
		}
	}
}
