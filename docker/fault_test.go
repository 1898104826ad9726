package docker

import (
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// Each fault as a neighbour on the network sees it, and that it is over when it is
// mended: the same address answers again.
func TestFaults(t *testing.T) {
	r := newRun(t)
	victim := startProbe(t, r, "victim", func(s *ContainerSpec) { s.Networks, s.Address = []Network{Back}, 12 })
	peer := startProbe(t, r, "peer", func(s *ContainerSpec) { s.Networks = []Network{Back} })
	address := net.JoinHostPort(r.Address(12), "9000")
	for _, row := range []struct {
		fault    Fault
		connects bool // while it lasts
	}{
		{Pause, true}, {Kill, false}, {Stop, false}, {Blackhole, false},
	} {
		t.Run(string(row.fault), func(t *testing.T) {
			if err := victim.Can(t.Context(), row.fault); err != nil {
				if os.Getenv("CI") != "" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			before := dialled(t, peer, address)
			if before != "" {
				t.Fatalf("before the fault: %s", before)
			}
			if err := victim.Fail(t.Context(), row.fault); err != nil {
				t.Fatal(err)
			}
			if got := dialled(t, peer, address); (got == "") != row.connects {
				t.Errorf("a connect: %q", got)
			} else if row.fault == Blackhole && !strings.Contains(got, "timeout") {
				t.Errorf("a connect got an answer: %s", got)
			}
			if answersWithin(victim, 300*time.Millisecond) {
				t.Error("it answers")
			}
			if err := victim.Mend(t.Context(), row.fault); err != nil {
				t.Fatal(err)
			}
			if err := victim.Wait(t.Context(), *probeReady); err != nil {
				t.Fatal(err)
			}
			if got := dialled(t, peer, address); got != "" || victim.IP(Back) != r.Address(12) {
				t.Errorf("after it: address %s, a connect: %q", victim.IP(Back), got)
			}
		})
	}
}

// dialled is what a connect from a container came to, "" for a connection.
func dialled(t *testing.T, from *Container, address string) string {
	t.Helper()
	return ask(t, from, "/dial", "addr", address)
}

func answersWithin(c *Container, d time.Duration) bool {
	client := http.Client{Timeout: d, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + c.Addr("9000") + "/healthz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err == nil
}

func TestUnknownFault(t *testing.T) {
	c := new(Container)
	for _, err := range []error{c.Fail(t.Context(), "flood"), c.Mend(t.Context(), "flood"), c.Can(t.Context(), "flood")} {
		if err == nil || !strings.Contains(err.Error(), "hint: kill, stop, pause, blackhole") {
			t.Error(err)
		}
	}
}

// A container that is off its networks is removed like any other, and a second
// Blackhole says so.
func TestBlackholeIsCleanedUp(t *testing.T) {
	r := newRun(t) // looks for what is left
	c := startProbe(t, r, "probe", func(s *ContainerSpec) { s.Networks = []Network{Front, Back} })
	if err := c.Fail(t.Context(), Blackhole); err != nil {
		t.Fatal(err)
	}
	if err := c.Fail(t.Context(), Blackhole); err == nil {
		t.Error("it is taken off twice")
	}
}
