package labs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"proxylab/loadtest"
)

// faultTrial is one fault and what came of it.
type faultTrial struct {
	FaultEvent
	Outage
}

// faultTable plays each fault so many times against proxyd and Apache with the same
// site, in turn, and prints the medians with their ranges.
func faultTable(t *testing.T, repeat int) {
	names := []string{"proxyd", "apache-matched"}
	b := raiseFaults(t, names...)
	got := map[string][]faultTrial{} // by fault and system
	for round := range repeat {
		for i, c := range faultCases {
			for j := range names {
				system := names[(round+i+j)%len(names)] // each goes first as often as the other
				// The longest retry of the sites, which is all that httpd has.
				samples, ev, end, err := b.suffer(t.Context(), system, c, b.tail(c, 5*time.Second))
				if err != nil {
					t.Fatalf("%s against %s: %v", c.kind, system, err)
				}
				o := outageOf(samples, ev, b.origins)
				t.Logf("%d %s %s: %+v, generator %s", round+1, c.kind, system, o, loadtest.Judge(samples, end).Validity)
				got[c.kind+" "+system] = append(got[c.kind+" "+system], faultTrial{ev, o})
			}
		}
	}
	facts, err := b.Engine.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s, %d cores, %s, Linux %s", facts.CPUModel, facts.CPUs, facts.Engine, facts.Kernel)
	for _, s := range names {
		t.Logf("%s: %s", s, b.systems[s+" defaults"].fact.Version)
	}
	t.Log("\n" + faultRows(names, got))
}

// faultRows is the table: of each figure the median, and the least and the most where
// they differ.
func faultRows(names []string, got map[string][]faultTrial) string {
	columns := []struct {
		title string
		value func(faultTrial) float64
		form  string
	}{
		{"lasted s", func(o faultTrial) float64 { return (o.Mended - o.Began).Seconds() }, "%.1f"},
		{"failed", func(o faultTrial) float64 { return float64(o.Failed) }, "%.0f"},
		{"slowest s", func(o faultTrial) float64 { return o.Slowest.Seconds() }, "%.2f"},
		{"detected s", func(o faultTrial) float64 { return known(o.Detected) }, "%.1f"},
		{"outage s", func(o faultTrial) float64 { return o.Length.Seconds() }, "%.1f"},
		{"back s", func(o faultTrial) float64 { return known(o.Back) }, "%.1f"},
		{"even s", func(o faultTrial) float64 { return known(o.Even) }, "%.1f"},
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s %-15s %6s", "", "", "of")
	for _, c := range columns {
		fmt.Fprintf(&b, " %17s", c.title)
	}
	for _, c := range faultCases {
		for _, system := range names {
			trials := got[c.kind+" "+system]
			fmt.Fprintf(&b, "\n%-10s %-15s %6d", c.kind, system, trials[0].Requests)
			for _, col := range columns {
				var values []float64
				for _, o := range trials {
					values = append(values, col.value(o))
				}
				fmt.Fprintf(&b, " %17s", medianAndRange(values, col.form))
			}
		}
	}
	return b.String()
}

// known is a time in seconds, -1 for never.
func known(d time.Duration) float64 {
	if d == never {
		return -1
	}
	return d.Seconds()
}

func medianAndRange(values []float64, form string) string {
	slices.Sort(values)
	text := func(v float64) string {
		if v < 0 {
			return "-"
		}
		return fmt.Sprintf(form, v)
	}
	least, most := text(values[0]), text(values[len(values)-1])
	median := text((values[(len(values)-1)/2] + values[len(values)/2]) / 2)
	if least == most {
		return median
	}
	return median + " [" + least + ", " + most + "]"
}
