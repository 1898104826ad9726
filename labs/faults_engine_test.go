package labs

import (
	"strings"
	"testing"
)

// A lab that declares faults has them brought about on the schedule's clock, and its
// record tells what clients noticed. They are no reason against the trial.
func TestDeclaredFaultsOnTheEngine(t *testing.T) {
	p, tested := raiseLab(t, "", "", 200, "9s", `faults:
  - {kind: kill, origin: 1, at: 1s, for: 1500ms}
  - {kind: pause, origin: 2, at: 6s, for: 1s}
`)
	tr := p.oneTrial(t, tested)
	if len(tr.Faults) != 2 {
		t.Fatalf("%d faults are told of, want 2", len(tr.Faults))
	}
	for i, want := range []struct {
		kind, origin string
		at           float64
	}{{"kill", "origin-1", 1}, {"pause", "origin-2", 6}} {
		f := tr.Faults[i]
		t.Logf("%+v", f)
		if f.Kind != want.kind || f.Origin != want.origin {
			t.Errorf("%s of %s, want %s of %s", f.Kind, f.Origin, want.kind, want.origin)
		}
		if f.Began < want.at || f.There < f.Began || f.Ended < f.There || f.Mended < f.Ended {
			t.Errorf("%s: began %g, there %g, ended %g, mended %g; it was declared for %g", f.Kind, f.Began, f.There, f.Ended, f.Mended, want.at)
		}
	}
	if kill := tr.Faults[0]; kill.Lost != 0 {
		t.Errorf("%d GETs were lost by a kill", kill.Lost)
	}
	for _, r := range tr.Reasons {
		if strings.Contains(r, "an origin could not run") {
			t.Errorf("a pause that was declared is held against the trial: %s", r)
		}
	}
}
