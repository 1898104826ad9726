package docker

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// Network is one of a run's two networks.
type Network string

// The networks of a run.
const (
	Front Network = "front" // clients and systems
	Back  Network = "back"  // systems and origins
)

// Options of the bridge driver.
const (
	optionMTU        = "com.docker.network.driver.mtu"
	optionMasquerade = "com.docker.network.bridge.enable_ip_masquerade"
)

// private is where subnets are taken from (RFC 1918), in order of preference.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
}

// pick is a /24 of private space that overlaps with nothing taken: the next free
// one after a random place.
func pick(taken []netip.Prefix, random *rand.Rand) (netip.Prefix, error) {
	for _, space := range private {
		base := space.Addr().As4()
		blocks := 1 << (24 - space.Bits())
		first := random.IntN(blocks)
		for i := range blocks {
			a := base
			n := (first + i) % blocks
			binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(base[:])+uint32(n)<<8)
			p := netip.PrefixFrom(netip.AddrFrom4(a), 24)
			if !slices.ContainsFunc(taken, p.Overlaps) {
				return p, nil
			}
		}
	}
	return netip.Prefix{}, fmt.Errorf("no free /24 in private address space: %d networks are in the way\n\thint: remove networks that nobody uses: docker network prune", len(taken))
}

// host is an address of a subnet by its host number.
func host(p netip.Prefix, n int) netip.Addr {
	a := p.Masked().Addr().As4()
	a[3] = byte(n)
	return netip.AddrFrom4(a)
}

// dynamic is the part of a subnet that the engine hands out by itself: its upper
// half, which leaves the lower one to fixed addresses.
func dynamic(p netip.Prefix) netip.Prefix { return netip.PrefixFrom(host(p, 128), 25) }

// createNetwork makes one network of a run. The engine is the judge of what
// overlaps: it knows routes that we cannot see, so its refusal means another try.
func (e *Engine) createNetwork(ctx context.Context, name string, n Network, labels map[string]string) (id string, p netip.Prefix, err error) {
	taken, err := e.taken(ctx)
	if err != nil {
		return "", p, err
	}
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for range 20 {
		if p, err = pick(taken, random); err != nil {
			return "", p, err
		}
		var r client.NetworkCreateResult
		r, err = e.cli.NetworkCreate(ctx, name, client.NetworkCreateOptions{
			Driver: "bridge", Labels: labels, Options: e.bridgeOptions(n),
			IPAM: &network.IPAM{Config: []network.IPAMConfig{{Subnet: p, IPRange: dynamic(p), Gateway: host(p, 1)}}},
		})
		if err == nil {
			return r.ID, p, nil
		}
		if text := strings.ToLower(err.Error()); !strings.Contains(text, "overlap") && !strings.Contains(text, "already used") {
			break
		}
		taken = append(taken, p)
	}
	return "", p, fmt.Errorf("network %s: %w", name, err)
}

func (e *Engine) bridgeOptions(n Network) map[string]string {
	o := map[string]string{}
	if e.mtu != "" {
		o[optionMTU] = e.mtu
	}
	if n == Back {
		o[optionMasquerade] = "false"
	}
	return o
}

// taken lists what a new subnet must not touch: the engine's networks, and this
// machine's interfaces and routes.
func (e *Engine) taken(ctx context.Context) ([]netip.Prefix, error) {
	list, err := e.cli.NetworkList(ctx, client.NetworkListOptions{})
	if err != nil {
		return nil, fmt.Errorf("networks of the engine: %w", err)
	}
	taken := ownPrefixes()
	for _, n := range list.Items {
		for _, c := range n.IPAM.Config {
			if c.Subnet.IsValid() {
				taken = append(taken, c.Subnet)
			}
		}
	}
	if f, err := os.Open("/proc/net/route"); err == nil {
		defer f.Close()
		taken = append(taken, routes(f)...)
	}
	return taken, nil
}

// routes reads the kernel's IPv4 routes, without the default one: lines of
// interface, destination, gateway, flags, …, mask (8th), numbers in hex with the
// first octet last.
func routes(r io.Reader) []netip.Prefix {
	var list []netip.Prefix
	for s := bufio.NewScanner(r); s.Scan(); {
		f := strings.Fields(s.Text())
		if len(f) < 8 {
			continue
		}
		dst, err1 := hex.DecodeString(f[1])
		mask, err2 := hex.DecodeString(f[7])
		if err1 != nil || err2 != nil || len(dst) != 4 || len(mask) != 4 {
			continue // the heading
		}
		slices.Reverse(dst)
		bits := 0
		for m := binary.LittleEndian.Uint32(mask); m != 0; m <<= 1 {
			bits++
		}
		if bits > 0 {
			list = append(list, netip.PrefixFrom(netip.AddrFrom4([4]byte(dst)), bits))
		}
	}
	return list
}

// networkLabels are a run's labels and those by which testcontainers' reaper,
// where it runs, knows what is ours.
func networkLabels(run map[string]string) map[string]string {
	l := testcontainers.GenericLabels()
	for k, v := range run {
		l[k] = v
	}
	return l
}
