package docker

import (
	"strings"
	"testing"
)

func TestBackCannotBeReachedFromFront(t *testing.T) {
	r := newRun(t)
	origin := startProbe(t, r, "origin1", func(s *ContainerSpec) { s.Networks, s.Address = []Network{Back}, 11 })
	system := startProbe(t, r, "system", func(s *ContainerSpec) { s.Networks = []Network{Front, Back} })
	client := startProbe(t, r, "client", nil)

	if want := r.Address(11); origin.IP(Back) != want {
		t.Errorf("origin1 is at %q, want the fixed %q", origin.IP(Back), want)
	}
	for _, row := range []struct {
		claim, addr string
		from        *Container
		reached     bool
	}{
		{"a system reaches an origin", r.Address(11) + ":9000", system, true},
		{"by its name", "origin1:9000", system, true},
		{"a client reaches a system", "system:9000", client, true},
		{"a client does not reach an origin", r.Address(11) + ":9000", client, false},
		{"nor finds its name", "origin1:9000", client, false},
		{"nor reaches a system's back address", system.IP(Back) + ":9000", client, false},
		{"an origin does not reach a client", client.IP(Front) + ":9000", origin, false},
	} {
		answer := ask(t, row.from, "/dial", "addr", row.addr)
		if (answer == "") != row.reached {
			t.Errorf("%s: dialling %s: %q", row.claim, row.addr, answer)
		}
	}
	if mtu := r.engine.mtu; mtu != "" && strings.Count(ask(t, system, "/addresses"), "mtu eth") != strings.Count(ask(t, system, "/addresses"), " "+mtu+"\n") {
		t.Errorf("interfaces differ from the default bridge's MTU of %s:\n%s", mtu, ask(t, system, "/addresses"))
	}
}
