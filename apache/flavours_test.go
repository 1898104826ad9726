package apache

import (
	"fmt"
	"strings"
	"testing"
)

// Whatever a Site says that a flavour does not do is in the notes, by its word.
func TestNothingIsDroppedInSilence(t *testing.T) {
	for flavour, words := range map[Flavour]string{
		Stock: "cache: admin: sessioncookie lbmethod hedge slowstart timeout hcmethod retry ttl limits.body limits.connections fields.forwarded fields.trusted",
		Matched: "cache.ttl cache.ignoreparams cache.keyheaders cache.keycookies cache.unkeyed cache.targets cache.dir cache.disk cache.revalidations " +
			"admin: sessioncookie lbmethod hedge slowstart max: smax: limits.connections limits.perclient",
		Tuned: "BufferedLogs socket.deferaccept cache.disk",
	} {
		c, err := Render(parse(t, everything), Options{Flavour: flavour, Machine: given})
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.Fields(words) {
			if !strings.Contains(strings.Join(c.Notes, "\n"), word) {
				t.Errorf("%s: no note says %q", flavour, word)
			}
		}
	}
}

// A process has its pools and counters for itself, so that there is one a core.
func TestMPMEventIsSizedToTheMachine(t *testing.T) {
	tests := []struct {
		claim       string
		connections int
		options     Options
		want        sizing
	}{
		{"one process a core", 10000, Options{Flavour: Matched, Machine: Machine{CPUs: 2}}, sizing{2, 256, 19}},
		{"half a core is one", 10000, Options{Flavour: Matched, Machine: Machine{CPUs: 0.5}}, sizing{1, 256, 39}},
		{"a machine that nobody knows", 10000, Options{Flavour: Matched}, sizing{1, 256, 39}},
		{"few connections need few threads", 100, Options{Flavour: Matched, Machine: Machine{CPUs: 2}}, sizing{2, 50, 1}},
		{"threads take memory", 10000, Options{Flavour: Matched, Machine: Machine{CPUs: 2, Memory: 64 << 20}}, sizing{2, 64, 78}},
		{"tuned knows the load", 10000, Options{Flavour: Tuned, Machine: Machine{CPUs: 1, Clients: 64}}, sizing{1, 128, 78}},
		{"matched does not look at it", 10000, Options{Flavour: Matched, Machine: Machine{CPUs: 1, Clients: 64}}, sizing{1, 256, 39}},
	}
	for _, tt := range tests {
		s := parse(t, fmt.Sprintf("limits: {connections: %d}\n", tt.connections)+course)
		got := size(s, tt.options)
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.claim, got, tt.want)
		}
		if room := got.requests() * (1 + got.async); room < tt.connections {
			t.Errorf("%s: room for %d connections of %d", tt.claim, room, tt.connections)
		}
	}
}

// Each line that tuned has and matched has not stands behind a reason.
func TestTunedGivesItsReasons(t *testing.T) {
	render := func(f Flavour) string {
		c, err := Render(parse(t, everything), Options{Flavour: f, Machine: given})
		if err != nil {
			t.Fatal(err)
		}
		return string(c.Site)
	}
	known := map[string]bool{}
	for line := range strings.Lines(render(Matched)) {
		known[line] = true
	}
	reason, more := false, 0
	for line := range strings.Lines(render(Tuned)) {
		word := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(word, "#"):
			reason = true
		case word == "":
			reason = false
		case !known[line]:
			more++
			if !reason {
				t.Errorf("no reason for %q", word)
			}
		}
	}
	if more < 6 {
		t.Errorf("%d lines are tuned", more)
	}
}
