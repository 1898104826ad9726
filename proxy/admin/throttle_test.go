package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPausesGrowAndAreForgotten(t *testing.T) {
	from := netip.MustParsePrefix("192.0.2.1/32")
	synctest.Test(t, func(t *testing.T) {
		var th throttle
		for i, want := range []time.Duration{0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30} {
			th.failed(from)
			if got := th.pause(from); got != want*time.Second {
				t.Errorf("after wrong secret %d: %v, want %vs", i+1, got, int(want))
			}
			if got := th.pause(netip.MustParsePrefix("192.0.2.2/32")); got != 0 {
				t.Errorf("another address: %v", got)
			}
			time.Sleep(th.pause(from))
			if got := th.pause(from); got != 0 {
				t.Errorf("the pause does not end: %v", got)
			}
		}
		time.Sleep(forgotten + 1)
		if th.failed(from); th.pause(from) != 0 {
			t.Error("nothing is forgotten")
		}
		for range freeGuesses {
			th.failed(from)
		}
		if th.pause(from) == 0 {
			t.Error("no pause")
		}
		if th.succeeded(from); th.pause(from) != 0 {
			t.Error("a right secret changes nothing")
		}
	})
}

func TestAddressesThatGuessAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var th throttle
		a := netip.MustParseAddr("10.0.0.0")
		first := netip.PrefixFrom(a, 32)
		for range freeGuesses + 1 {
			th.failed(first)
		}
		for range mostAddresses - 1 {
			time.Sleep(time.Microsecond)
			a = a.Next()
			th.failed(netip.PrefixFrom(a, 32))
		}
		if th.pause(first) == 0 {
			t.Error("forgotten while there was room")
		}
		for range 10 {
			time.Sleep(time.Microsecond)
			a = a.Next()
			th.failed(netip.PrefixFrom(a, 32))
		}
		if len(th.wrong) != mostAddresses || th.pause(first) != 0 {
			t.Errorf("%d addresses; of the first %v", len(th.wrong), th.pause(first))
		}
	})
}

func TestWhoIsCountedAsOne(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:1": "192.0.2.1/32", "[::ffff:192.0.2.1]:1": "192.0.2.1/32",
		"[2001:db8::1]:1": "2001:db8::/64", "[2001:db8::2]:1": "2001:db8::/64", "[fe80::1%eth0]:1": "fe80::/64",
	} {
		if got := whence(&http.Request{RemoteAddr: remote}); got.String() != want {
			t.Errorf("%s: %s, want %s", remote, got, want)
		}
	}
}

func TestGuessesAreSlowedDownAndOthersAreNot(t *testing.T) {
	const token = "0123456789abcdef"
	right, wrong := "Authorization: Bearer "+token, "Authorization: Bearer "+strings.Repeat("x", 16)
	m := manage(t, Config{Token: token}, origins(t, nil))
	from := func(addr string) *managed { // on a connection of its own
		c := *m
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}}
		c.http = &http.Client{Transport: &http.Transport{DialContext: d.DialContext}, Timeout: 10 * time.Second}
		t.Cleanup(c.http.CloseIdleConnections)
		return &c
	}
	expect := func(who string, c *managed, field string, want int) http.Header {
		t.Helper()
		status, text, h := c.ask("GET", "/api/balancers", "", field)
		if status != want {
			t.Errorf("%s: %d, want %d: %s", who, status, want, text)
		}
		return h
	}
	operator, guesser, other := from("127.0.0.1"), from("127.0.0.1"), from("127.0.0.2")
	expect("the operator", operator, right, 200)
	for range 20 {
		expect("a browser whose user was not asked yet", guesser, "X: y", 401)
	}
	for range freeGuesses + 1 {
		expect("a guess", guesser, wrong, 401)
	}
	expect("a guess in the pause", guesser, wrong, 429)
	for range 10 { // a pause that is longer than this test
		m.throttle.failed(netip.MustParsePrefix("127.0.0.1/32"))
	}
	h := expect("a guess in the pause", guesser, wrong, 429)
	if n, err := strconv.Atoi(h.Get("Retry-After")); err != nil || n < 1 || n > 30 {
		t.Errorf("Retry-After: %q", h.Get("Retry-After"))
	}
	expect("a right guess in the pause", guesser, right, 429)
	expect("the operator, from the same address", operator, right, 200)
	expect("another address", other, right, 200)
	expect("another address that mistypes", other, wrong, 401)
	m.throttle.mu.Lock()
	m.throttle.wrong[netip.MustParsePrefix("127.0.0.1/32")].until = time.Now()
	m.throttle.mu.Unlock()
	expect("after the pause", guesser, right, 200)
	expect("a guess on a connection that was let in", operator, wrong, 401)
	m.throttle.mu.Lock()
	m.throttle.wrong[netip.MustParsePrefix("127.0.0.1/32")].until = time.Now().Add(time.Hour)
	m.throttle.mu.Unlock()
	expect("what it is worth then", operator, right, 429)
	if n := strings.Count(m.log.String(), "a wrong secret"); n != freeGuesses+3 {
		t.Errorf("%d wrong secrets in the log, want %d", n, freeGuesses+3)
	}
}
