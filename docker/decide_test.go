package docker

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
)

func TestWhereToLookForTheEngine(t *testing.T) {
	// The folder is named by the sha256 of "colima".
	const contextFile = "/home/u/.docker/contexts/meta/f24fd3749c1368328e2b149bec149cb6795619f244c5b584e844961215dadd16/meta.json"
	context := map[string]string{contextFile: `{"Name":"colima","Endpoints":{"docker":{"Host":"unix:///colima.sock"}}}`}
	with := func(files map[string]string, path, text string) map[string]string {
		all := map[string]string{path: text}
		for k, v := range files {
			all[k] = v
		}
		return all
	}
	for _, row := range []struct {
		claim string
		env   map[string]string
		files map[string]string
		first string
		named bool
	}{
		{"nothing said: the default socket", nil, nil, "unix:///var/run/docker.sock", false},
		{"DOCKER_HOST", map[string]string{"DOCKER_HOST": "tcp://docker:2375"}, nil, "tcp://docker:2375", true},
		{"testcontainers' own file comes before it", map[string]string{"DOCKER_HOST": "tcp://docker:2375"},
			map[string]string{"/home/u/.testcontainers.properties": "ryuk.disabled=true\ntc.host = tcp://127.0.0.1:1\n"}, "tcp://127.0.0.1:1", true},
		{"the docker command's context", nil, with(context, "/home/u/.docker/config.json", `{"currentContext":"colima"}`), "unix:///colima.sock", true},
		{"the context by the environment", map[string]string{"DOCKER_CONTEXT": "colima"}, context, "unix:///colima.sock", true},
		{"DOCKER_HOST comes before it", map[string]string{"DOCKER_HOST": "tcp://docker:2375", "DOCKER_CONTEXT": "colima"}, context, "tcp://docker:2375", true},
		{"the default context is none", nil, with(nil, "/home/u/.docker/config.json", `{"currentContext":"default"}`), "unix:///var/run/docker.sock", false},
		{"a broken configuration is none", nil, with(nil, "/home/u/.docker/config.json", `{`), "unix:///var/run/docker.sock", false},
	} {
		m := machine{home: "/home/u", uid: 1000, env: func(k string) string { return row.env[k] }, read: func(p string) ([]byte, error) {
			if text, ok := row.files[p]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		}}
		list := m.endpoints()
		if list[0].host != row.first || list[0].named != row.named {
			t.Errorf("%s: %+v", row.claim, list[0])
		}
		if row.named && len(list) > 1 {
			t.Errorf("%s: others are tried, too: %+v", row.claim, list[1:])
		}
	}
}

func TestRemedy(t *testing.T) {
	for _, row := range []struct {
		claim string
		s     situation
		want  remedy
		hint  string
	}{
		{"Debian, root", situation{setup: true, goos: "linux", distro: "debian", root: true}, install, ""},
		{"Ubuntu, root", situation{setup: true, goos: "linux", distro: "ubuntu", root: true}, install, ""},
		{"installed but not running", situation{setup: true, goos: "linux", distro: "debian", root: true, installed: true}, start, ""},
		{"LAB_SETUP=no", situation{goos: "linux", distro: "debian", root: true}, refuse, "LAB_SETUP"},
		{"LAB_SETUP=no, installed", situation{goos: "linux", distro: "debian", root: true, installed: true}, refuse, "systemctl start docker"},
		{"not root", situation{setup: true, goos: "linux", distro: "debian"}, refuse, "run as root"},
		{"Fedora, root", situation{setup: true, goos: "linux", distro: "fedora", root: true}, refuse, "install Docker or podman"},
		{"a Mac", situation{setup: true, goos: "darwin"}, refuse, "Docker Desktop"},
		{"the user named an engine: another one is not what they want", situation{named: true, setup: true, goos: "linux", distro: "debian", root: true}, refuse, "DOCKER_HOST"},
		{"an engine runs, but not for this user", situation{denied: true, setup: true, goos: "linux", distro: "debian"}, refuse, "usermod -aG docker"},
	} {
		got, hints := row.s.decide()
		if got != row.want {
			t.Errorf("%s: %s, want %s", row.claim, got, row.want)
		}
		if text := strings.Join(hints, "\n"); !strings.Contains(text, row.hint) || (got == refuse) == (text == "") {
			t.Errorf("%s: hints %q", row.claim, hints)
		}
	}
}

func TestStandpoint(t *testing.T) {
	bridge := netip.MustParseAddr("172.17.0.1")
	own := []netip.Addr{netip.MustParseAddr("192.0.2.2"), bridge}
	guest := []netip.Addr{netip.MustParseAddr("172.17.0.5")}
	const socket = "unix:///var/run/docker.sock"
	for _, row := range []struct {
		claim, daemon, override string
		inContainer             bool
		gateway                 netip.Addr
		mine                    []netip.Addr
		publish, reach          string
	}{
		{"the usual host", socket, "", false, bridge, own, "127.0.0.1", "127.0.0.1"},
		{"it looks like a container, but the bridge is ours", socket, "", true, bridge, own, "127.0.0.1", "127.0.0.1"},
		{"rootless, Docker Desktop: the bridge is elsewhere", socket, "", false, bridge, guest, "127.0.0.1", "127.0.0.1"},
		{"the host's socket mounted into a container", socket, "", true, bridge, guest, "172.17.0.1", "172.17.0.1"},
		{"in a container, an engine without a default bridge", socket, "", true, netip.Addr{}, guest, "127.0.0.1", "127.0.0.1"},
		{"tcp to ourselves", "tcp://127.0.0.1:2375", "", false, bridge, guest, "127.0.0.1", "127.0.0.1"},
		{"tcp to our own address", "tcp://192.0.2.2:2375", "", false, bridge, own, "127.0.0.1", "127.0.0.1"},
		{"a CI's engine beside us", "tcp://docker:2375", "", true, bridge, guest, "0.0.0.0", "docker"},
		{"the user's word", socket, "10.1.2.3", false, bridge, own, "0.0.0.0", "10.1.2.3"},
		{"the user's word is this machine", socket, "localhost", true, bridge, own, "127.0.0.1", "localhost"},
	} {
		s, err := stand(row.daemon, row.override, row.inContainer, row.gateway, row.mine)
		if err != nil || s.publish.String() != row.publish || s.reach != row.reach {
			t.Errorf("%s: published on %s, reached by %s, %v", row.claim, s.publish, s.reach, err)
		}
	}
}

func TestSubnetsTouchNothingTaken(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	prefixes := func(list ...string) (all []netip.Prefix) {
		for _, p := range list {
			all = append(all, netip.MustParsePrefix(p))
		}
		return all
	}
	for _, row := range []struct {
		claim string
		taken []netip.Prefix
		from  string
	}{
		{"nothing taken", nil, "10.0.0.0/8"},
		{"a VPN has all of 10", prefixes("10.0.0.0/8"), "172.16.0.0/12"},
		{"a /24 is left in 10", prefixes("10.128.0.0/9", "10.64.0.0/10", "172.17.0.0/16"), "10.0.0.0/10"},
		{"only 192.168 is left", prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.1.0/24"), "192.168.0.0/16"},
	} {
		for range 200 {
			p, err := pick(row.taken, random)
			if err != nil {
				t.Fatalf("%s: %v", row.claim, err)
			}
			if p.Bits() != 24 || p != p.Masked() || !netip.MustParsePrefix(row.from).Contains(p.Addr()) || slices.ContainsFunc(row.taken, p.Overlaps) {
				t.Fatalf("%s: %s", row.claim, p)
			}
		}
	}
	if p, err := pick(private, random); err == nil {
		t.Errorf("everything is taken, and yet: %s", p)
	}
	p := netip.MustParsePrefix("10.1.2.0/24")
	if a := host(p, 11).String(); a != "10.1.2.11" {
		t.Errorf("host 11 is %s", a)
	}
	if d := dynamic(p); d.String() != "10.1.2.128/25" || d.Contains(host(p, 127)) {
		t.Errorf("the engine's half is %s", d)
	}
}

func TestRoutes(t *testing.T) {
	const table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n" +
		"tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n" +
		"eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
	var got []string
	for _, p := range routes(strings.NewReader(table)) {
		got = append(got, p.String())
	}
	if want := []string{"172.17.0.0/16", "10.0.0.0/8", "192.0.2.0/24"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestDeadOwners(t *testing.T) {
	me := ownerID(os.Getpid())
	for _, row := range []struct {
		claim, host, owner string
		dead               bool
	}{
		{"this process", hostID(), me, false},
		{"a number that nobody has", hostID(), "4194999:1", true},
		{"our number, but another process had it", hostID(), me + "0", true},
		{"this machine before its last boot", strings.Split(hostID(), "/")[0] + "/another-boot", me, true},
		{"another machine", "elsewhere/boot", "4194999:1", false},
		{"nonsense", hostID(), "nobody", false},
		{"no label", "", "", false},
	} {
		if got := ownerDead(row.host, row.owner); got != row.dead {
			t.Errorf("%s: dead is %t", row.claim, got)
		}
	}
}

func TestUsageOfBothCgroupVersions(t *testing.T) {
	stats := func(memory map[string]uint64) (s container.StatsResponse) {
		s.Read = s.Read.AddDate(2000, 0, 0)
		s.CPUStats.CPUUsage.TotalUsage = 1_500_000_000
		s.CPUStats.ThrottlingData = container.ThrottlingData{Periods: 9, ThrottledPeriods: 3, ThrottledTime: 250_000_000}
		s.MemoryStats.Stats = memory
		return s
	}
	for _, row := range []struct {
		claim  string
		memory map[string]uint64
		want   int64
	}{
		{"version 1", map[string]uint64{"cache": 7, "rss": 5, "total_rss": 11, "total_cache": 99}, 11},
		{"version 2", map[string]uint64{"file": 7, "anon": 13, "file_mapped": 99}, 13},
		{"none", nil, 0},
	} {
		u, ok := usage(stats(row.memory))
		if !ok || u.MemoryBytes != row.want || u.CPUSeconds != 1.5 || u.ThrottledSeconds != 0.25 || u.ThrottledPeriods != 3 {
			t.Errorf("%s: %+v, %t", row.claim, u, ok)
		}
	}
	if u, ok := usage(container.StatsResponse{}); ok {
		t.Errorf("a container that does not run has figures: %+v", u)
	}
}

func TestErrorNamesWhatWasTried(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
	_, err := Open(t.Context(), Options{Setup: true})
	var none *errNoEngine
	if !errors.As(err, &none) || !strings.Contains(err.Error(), "unix:///nowhere/docker.sock (DOCKER_HOST)") || !strings.Contains(err.Error(), "\n\thint: ") {
		t.Errorf("%v", err)
	}
}
