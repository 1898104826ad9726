package docker

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"

	"github.com/moby/moby/client"
)

// standpoint is where this program stands, seen from the engine: on which of
// its addresses ports are published, and how this program reaches them.
type standpoint struct {
	publish netip.Addr // on the engine's host
	reach   string     // host name or address
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// stand decides. That we look like a container (/.dockerenv) is no proof that
// the engine is elsewhere: virtual machines are made from container images,
// and engines run inside containers. The gateway of the engine's default
// bridge is an address of the engine's host: where it is one of ours, that host
// is us.
//
//	socket, gateway is ours           → 127.0.0.1
//	socket, not in a container        → 127.0.0.1 (rootless, Docker Desktop)
//	socket, in a container            → the gateway: the engine's socket was mounted into us
//	tcp to this machine               → 127.0.0.1
//	tcp elsewhere (a CI's docker:dind) → all addresses there, reached by its name
//
// override is TESTCONTAINERS_HOST_OVERRIDE, the user's own word on how ports are reached.
func stand(daemon, override string, inContainer bool, gateway netip.Addr, mine []netip.Addr) (standpoint, error) {
	u, err := url.Parse(daemon)
	if err != nil {
		return standpoint{}, fmt.Errorf("%s: not the address of an engine: %w", daemon, err)
	}
	s := standpoint{publish: loopback, reach: loopback.String()}
	switch {
	case u.Scheme == "tcp" || u.Scheme == "http" || u.Scheme == "https":
		if !isMine(u.Hostname(), mine) {
			s = standpoint{publish: netip.IPv4Unspecified(), reach: u.Hostname()}
		}
	case !inContainer || contains(mine, gateway) || !gateway.IsValid():
	default:
		s = standpoint{publish: gateway, reach: gateway.String()}
	}
	if override != "" && override != s.reach {
		if !isMine(override, nil) && s.publish == loopback {
			s.publish = netip.IPv4Unspecified()
		}
		s.reach = override
	}
	return s, nil
}

func isMine(host string, mine []netip.Addr) bool {
	if host == "localhost" || host == "" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && (a.IsLoopback() || contains(mine, a))
}

func contains(list []netip.Addr, a netip.Addr) bool {
	for _, b := range list {
		if a == b {
			return true
		}
	}
	return false
}

// inContainer says whether we look like a container of Docker or podman.
func inContainer() bool {
	for _, f := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(f); err == nil {
			return true
		}
	}
	return false
}

// ownAddresses are those of this machine's interfaces.
func ownAddresses() []netip.Addr {
	var list []netip.Addr
	for _, p := range ownPrefixes() {
		list = append(list, p.Addr())
	}
	return list
}

// ownPrefixes are the addresses of this machine's interfaces with their masks.
func ownPrefixes() []netip.Prefix {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil // no interface is ours; the engine refuses what overlaps
	}
	var list []netip.Prefix
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, netip.PrefixFrom(p.Addr().Unmap(), p.Bits()))
		}
	}
	return list
}

type bridge struct {
	gateway netip.Addr
	mtu     string
}

// defaultBridge describes the network that the engine's containers get by
// themselves; empty where there is none.
func (e *Engine) defaultBridge(ctx context.Context) bridge {
	for _, name := range []string{"bridge", "podman"} {
		r, err := e.cli.NetworkInspect(ctx, name, client.NetworkInspectOptions{})
		if err != nil {
			continue
		}
		b := bridge{mtu: r.Network.Options[optionMTU]}
		for _, c := range r.Network.IPAM.Config {
			if c.Gateway.Is4() {
				b.gateway = c.Gateway
			}
		}
		return b
	}
	return bridge{}
}
