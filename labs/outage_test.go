package labs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"proxylab/loadtest"
)

var threeOrigins = []string{"origin-1", "origin-2", "origin-3"}

// turns are n requests, one each 2 ms, answered after 20 ms by three origins in turn.
func turns(n int) []loadtest.Sample {
	var all []loadtest.Sample
	for i := range n {
		at := time.Duration(i) * 2 * time.Millisecond
		all = append(all, loadtest.Sample{N: uint64(i), Planned: at, Start: at, FirstByte: at + 20*time.Millisecond, End: at + 20*time.Millisecond,
			Status: 200, Right: true, Origin: threeOrigins[i%3]})
	}
	return all
}

// from and to are indexes; the others take over what origin-1 had.
func without(all []loadtest.Sample, from, to int) {
	for i := from; i < to; i++ {
		all[i].Origin = threeOrigins[1+i%2]
	}
}

// harm makes each third request from index from to index to, which are origin-1's, end
// after d.
func harm(all []loadtest.Sample, from, to int, d time.Duration, right bool) {
	for i := from; i < to; i += 3 {
		all[i].End, all[i].Right = all[i].Planned+d, right
		if !right {
			all[i].Status, all[i].Origin = 504, ""
		}
	}
}

// A fault from 2 s to 3.5 s of a plan of 10 s.
var between = FaultEvent{Fault: Fault{Origin: 1}, Began: 2 * time.Second, There: 2 * time.Second, Ended: 3500 * time.Millisecond, Mended: 3500 * time.Millisecond}

func TestOutageIsReadFromSamples(t *testing.T) {
	for _, row := range []struct {
		name string
		what func([]loadtest.Sample)
		want Outage
	}{
		{"nothing was noticed", func(all []loadtest.Sample) { without(all, 1000, 1752) },
			Outage{Slowest: 20 * time.Millisecond, Detected: never, Back: 4 * time.Millisecond, Even: 0}},
		{"a second of failures, then it was left alone, and came back", func(all []loadtest.Sample) {
			harm(all, 1002, 1500, time.Second, false)
			without(all, 1500, 2250)
		}, Outage{Failed: 166, Slowest: time.Second, Detected: 994 * time.Millisecond, Length: 994 * time.Millisecond, Back: time.Second, Even: 896 * time.Millisecond}},
		{"it was tried in vain once more", func(all []loadtest.Sample) {
			harm(all, 1002, 1005, time.Second, false)
			without(all, 1005, 1500)
			harm(all, 1500, 1503, time.Second, false)
			without(all, 1503, 2250)
		}, Outage{Failed: 2, Slowest: time.Second, Detected: 4 * time.Millisecond, Length: time.Second, Back: time.Second, Even: 896 * time.Millisecond}},
		{"requests waited and were answered", func(all []loadtest.Sample) { harm(all, 1002, 1100, 300*time.Millisecond, true) },
			Outage{Slowest: 300 * time.Millisecond, Detected: 196 * time.Millisecond, Length: 196 * time.Millisecond, Back: 4 * time.Millisecond}},
		{"it never came back", func(all []loadtest.Sample) { without(all, 1000, 5000) },
			Outage{Slowest: 20 * time.Millisecond, Detected: never, Back: never, Even: never}},
		{"failures before it are not its", func(all []loadtest.Sample) { harm(all, 300, 303, time.Second, false) },
			Outage{Failed: 1, Slowest: time.Second, Detected: never, Back: 4 * time.Millisecond}},
	} {
		t.Run(row.name, func(t *testing.T) {
			all := turns(5000)
			row.what(all)
			row.want.Requests = 5000
			if got := outageOf(all, between, threeOrigins); got != row.want {
				t.Errorf("got  %+v\nwant %+v", got, row.want)
			}
		})
	}
}

func TestEvenNeedsAWholeWhile(t *testing.T) {
	all := turns(5000)
	without(all, 1000, 4600) // 0.8 s before the end
	if got := outageOf(all, between, threeOrigins).Even; got != never {
		t.Errorf("even after %v, of a second that is not there", got)
	}
}

func TestExactShares(t *testing.T) {
	const from = 8 * time.Second
	for _, row := range []struct {
		name  string
		what  func([]loadtest.Sample)
		wrong string
	}{
		{"in turn", func([]loadtest.Sample) {}, ""},
		{"one has none", func(all []loadtest.Sample) { without(all, 4500, 5000) }, "origin-1 answered"},
		{"one has a few too many", func(all []loadtest.Sample) {
			for i := 4600; i < 4690; i += 3 {
				all[i].Origin = all[i+1].Origin
			}
		}, "answered"},
		{"one failed", func(all []loadtest.Sample) { all[4600].FirstByte, all[4600].Right = 0, false }, "request 4600 failed"},
		{"sent late, in another order", func(all []loadtest.Sample) {
			for i := 4000; i < 4990; i += 2 {
				all[i].Start, all[i+1].Start = all[i+1].Start, all[i].Start
				all[i].FirstByte, all[i+1].FirstByte = all[i+1].FirstByte, all[i].FirstByte
			}
		}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			all := turns(5000)
			row.what(all)
			got := fmt.Sprint(exactShares(all, from, threeOrigins))
			if row.wrong == "" && got != "<nil>" || !strings.Contains(got, row.wrong) {
				t.Errorf("%s, want %q", got, row.wrong)
			}
		})
	}
	if exactShares(nil, 0, threeOrigins) == nil || exactShares(turns(10), time.Second, threeOrigins) == nil {
		t.Error("shares of nothing are right")
	}
}
