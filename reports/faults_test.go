package reports_test

import (
	"strings"
	"testing"

	"proxylab/reports/record"
)

func TestFaultsAreShown(t *testing.T) {
	fault := func(began float64, lost int, even *float64) record.Fault {
		return record.Fault{Kind: "pause", Origin: "origin-2", Began: began, There: began, Ended: began + 1, Mended: began + 1, Lost: lost, Detected: new(0.25), Outage: 0.5, Back: new(0.75), Even: even}
	}
	s := newSmall(3)
	dir := s.write(t, t.TempDir())
	lost := 10
	for i := range s.run.Trials {
		if tr := &s.run.Trials[i]; tr.System == "proxyd" {
			even := new(1.5)
			if lost == 30 {
				even = nil
			}
			tr.Faults = []record.Fault{fault(2, lost, even)}
			lost += 10
		}
	}
	must(t, record.Write(dir, s.run))
	p := pagesOf(t, dir)
	for _, want := range []string{"pause of origin-2 at 2.00 s", "1.50, never in 1"} {
		for name, page := range p.both() {
			if !strings.Contains(page, want) {
				t.Errorf("%s does not say %q", name, want)
			}
		}
	}
	if !strings.Contains(p.md, "| pause of origin-2 at 2.00 s | proxyd | 3 | 1.00 | 0.250 | 0.500 | 20.0 | 0.750 | 1.50, never in 1 |") {
		t.Error("the row of the fault is not what it should be")
	}
	if !strings.Contains(p.html, "Grey stripes") {
		t.Error("the figure does not say what the stripes are")
	}
	plain := newSmall(3)
	if q := pagesOf(t, plain.write(t, t.TempDir())); strings.Contains(q.html, "Grey stripes") || strings.Contains(q.html, "noticed of each fault") {
		t.Error("a run without faults speaks of them")
	}
}
