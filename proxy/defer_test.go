//go:build linux && !portable

package proxy

import (
	"testing"

	"golang.org/x/sys/unix"

	"proxylab/proxy/site"
)

// deferred asks the kernel for how long a new connection may wait for its first byte
// before it is accepted.
func (r *running) deferred(t *testing.T) (seconds int) {
	t.Helper()
	var asking error
	err := r.controlListener(func(fd uintptr) {
		seconds, asking = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT)
	})
	if err != nil || asking != nil {
		t.Fatal(err, asking)
	}
	return seconds
}

func TestClientsAreAcceptedWithTheirFirstByte(t *testing.T) {
	member := origin(t, answering(sized("ok")))
	p := serve(t, func(s *site.Site) { s.Socket.Defer = true }, member)
	if s := p.deferred(t); s < 20 {
		t.Errorf("%d s, want the 20 of headtimeout at least", s)
	}
	silent, c := dial(t, p.addr), dial(t, p.addr)
	if _, body := ask(t, c, get); body != "ok" {
		t.Errorf("got %q", body)
	}
	if n := p.door.inside.Load(); n != 1 {
		t.Errorf("%d clients were let in, want the one that said something", n)
	}
	if _, body := ask(t, silent, get); body != "ok" {
		t.Errorf("got %q", body)
	}
	if err := p.Reload(reloaded(t, nil, member)); err != nil {
		t.Fatal(err)
	}
	if s := p.deferred(t); s != 0 {
		t.Errorf("%d s after a reload without it, want 0", s)
	}
}
