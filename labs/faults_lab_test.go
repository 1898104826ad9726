package labs

import (
	"strings"
	"testing"
	"time"

	"proxylab/loadtest"
	"proxylab/reports/record"
)

func TestFaultsOfALabNameTheirPlace(t *testing.T) {
	with := func(faults string) string { return strings.Replace(good, "sizes:\n", "faults:\n"+faults+"sizes:\n", 1) }
	l, err := Parse("x/lab.yaml", []byte(with("  - {kind: kill, origin: 1, at: 500ms, for: 1s}\n  - {kind: 503s, origin: 2, at: 2s, for: 500ms}\n")))
	if err != nil || len(l.Faults) != 2 {
		t.Fatalf("%v", err)
	}
	p := &play{Options: Options{Lab: l, Size: "quick"}}
	if f := p.faults()[1]; f.At != 4*time.Second || f.For != time.Second {
		t.Errorf("stretched to %v for %v", f.At, f.For)
	}
	for _, c := range []struct{ faults, want string }{
		{"  - {kind: flood, origin: 1, at: 1s, for: 1s}\n", `x/lab.yaml:19: faults[0].kind: "flood" is no fault`},
		{"  - {kind: kill, origin: 3, at: 1s, for: 1s}\n", "x/lab.yaml:19: faults[0].origin: 3 is not between 1 and 2"},
		{"  - {kind: kill, at: 1s, for: 1s}\n", "x/lab.yaml:19: faults[0].origin: 0 is not between 1 and 2"},
		{"  - {kind: kill, origin: 1, at: 3s, for: 0s}\n", "x/lab.yaml:19: faults[0].at: 3s is not within the schedule of 3s"},
		{"  - {kind: kill, origin: 1, at: -1s}\n", "x/lab.yaml:19: faults[0].at: -1s is not within"},
		{"  - {kind: kill, origin: 1, at: 1s, for: 2s}\n", "x/lab.yaml:19: faults[0].for: 2s from 1s on does not end within"},
		{"  - {kind: kill, origin: 1, at: 1s, for: 1s}\n  - {kind: kill, origin: 1, at: 1500ms, for: 1s}\n", "x/lab.yaml:20: faults[1].at: 1.5s is before the fault above it is over"},
		{"  - {kind: kill, orgin: 1, at: 1s}\n", `x/lab.yaml:19: faults[0].orgin: unknown field "orgin"`},
		{"  - {kind: kill, origin: 1, at: 1}\n", `x/lab.yaml:19: faults[0].at: "1" is not a duration`},
	} {
		_, err := Parse("x/lab.yaml", []byte(with(c.faults)))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%s gives %v, want %q", c.faults, err, c.want)
		}
	}
}

// Two faults of a trial: each has what was lost from its own begin on.
func TestFaultsAreToldByThemselves(t *testing.T) {
	samples := turns(5000)
	harm(samples, 1002, 1050, time.Second, false) // from 2.0 s on: 16 requests of origin-1
	without(samples, 1050, 1500)
	harm(samples, 3501, 3531, time.Second, false) // from 7.0 s on: 10
	without(samples, 3531, 4000)
	second := FaultEvent{Fault: Fault{Kind: "pause", Origin: 1}, Began: 7 * time.Second, There: 7 * time.Second, Ended: 8 * time.Second, Mended: 8 * time.Second}
	first := between
	first.Kind, first.Ended, first.Mended = "kill", 3*time.Second, 3*time.Second
	got := told(samples, []FaultEvent{first, second}, threeOrigins)
	if len(got) != 2 || got[0].Lost != 16 || got[1].Lost != 10 || got[0].Origin != "origin-1" || got[1].Kind != "pause" {
		t.Fatalf("%+v", got)
	}
	for i, f := range got {
		if f.Detected == nil || *f.Detected > 0.2 || f.Back == nil || f.Even == nil || f.Outage > 0.2 {
			t.Errorf("fault %d: %+v", i, f)
		}
	}
	if told(samples, nil, threeOrigins) != nil {
		t.Error("faults without events")
	}
}

func TestWhatAFaultBrokeIsNoReasonAgainstTheTrial(t *testing.T) {
	faults := []record.Fault{{Began: 2}}
	at := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	for _, c := range []struct {
		claim  string
		sample loadtest.Sample
		stays  bool
	}{
		{"right", loadtest.Sample{End: at(3), Right: true, Status: 200}, true},
		{"failed before it", loadtest.Sample{End: at(1), Status: 503}, true},
		{"failed after it", loadtest.Sample{End: at(3), Status: 503}, false},
		{"cut after it", loadtest.Sample{End: at(3), Err: "EOF"}, false},
		{"wrong bytes after it", loadtest.Sample{End: at(3), Status: 200}, true},
	} {
		if got := len(unharmed([]loadtest.Sample{c.sample}, faults)) == 1; got != c.stays {
			t.Errorf("%s: stays %t", c.claim, got)
		}
	}
	if len(unharmed([]loadtest.Sample{{Status: 503}}, nil)) != 1 {
		t.Error("without a fault something was left out")
	}
}
