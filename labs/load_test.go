package labs

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"proxylab/loadtest"
)

// withLoad is the good lab with other lines in the place of its load.
func withLoad(lines string) []byte {
	before, rest, _ := strings.Cut(good, "load:\n")
	_, after, _ := strings.Cut(rest, "sizes:\n")
	return []byte(before + strings.TrimPrefix(lines, "\n") + "sizes:\n" + after)
}

const everyShape = `
load:
  targets:
    - path: /size/1024?item={item}
      items: 100
      zipf: 1.1
      weight: 3
      fields: {Accept-Language: es, X-Request: "r{n}"}
      cookies: {session: "s{item}"}
    - {path: /size/2048, method: POST, body: 100, slow: {headers: 500, body: 50, read: 4096}}
    - {path: /size/1, fresh: true}
  arrivals: even
  warmup: {shape: constant, rate: 10, for: 1s}
  phases:
    - {shape: constant, rate: 10, for: 1s}
    - {shape: ramp, rate: 10, to: 20, for: 1s}
    - {shape: stairs, rate: 10, to: 30, steps: 3, for: 3s}
    - {shape: spike, rate: 10, to: 100, at: 500ms, lasts: 200ms, for: 1s}
    - {shape: sine, rate: 10, to: 20, period: 500ms, for: 1s}
    - {shape: replay, trace: trace.txt}
calibrate: {for: 1s, quota: choose}
saturation: {for: 2s}
`

func TestEveryWordOfALoadIsRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "42-x")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	trace := "# seconds, method, path\n0.1\n0.25 GET /size/1\n\n2 POST /size/2048\n"
	if err := os.WriteFile(filepath.Join(dir, "trace.txt"), []byte(trace), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := Parse(filepath.Join(dir, "lab.yaml"), withLoad(everyShape))
	if err != nil {
		t.Fatal(err)
	}
	first, slow, replay := l.Load.Targets[0], l.Load.Targets[1].Slow, l.Load.Phases[5]
	if first.Items != 100 || first.Zipf != 1.1 || first.Fields["X-Request"] != "r{n}" || first.Cookies["session"] != "s{item}" ||
		*slow != (loadtest.Slow{Headers: 500, Body: 50, Read: 4096}) || !l.Load.Targets[2].Fresh {
		t.Errorf("targets %+v", l.Load.Targets)
	}
	want := []loadtest.Arrival{{At: 100 * time.Millisecond, Target: -1}, {At: 250 * time.Millisecond, Target: 2}, {At: 2 * time.Second, Target: 1}}
	if !slices.Equal(replay.Trace, want) || replay.For != 2001*time.Millisecond {
		t.Errorf("trace %+v", replay)
	}
	if s := l.Saturation; s.Start != 100 || s.Precision != 1.1 || s.Repeat != 3 {
		t.Errorf("saturation %+v", s)
	}
	if twice := stretch([]loadtest.Phase{replay}, 2)[0]; len(twice.Trace) != 6 || twice.Trace[3].At != 2101*time.Millisecond {
		t.Errorf("twice as long: %+v", twice)
	}
	if half := stretch([]loadtest.Phase{replay}, 0.5)[0]; len(half.Trace) != 2 {
		t.Errorf("half as long: %+v", half)
	}
}

func TestASearchBringsItsPhases(t *testing.T) {
	l, err := Parse("42-x/lab.yaml", withLoad("load:\n  targets: [{path: /size/1}]\n  warmup: {shape: constant, rate: 10, for: 1s}\nsaturation: {for: 1s}\n"))
	if err != nil {
		t.Fatal(err)
	}
	p := &play{Options: Options{Lab: l, Size: "smoke"}, scale: 4}
	if got := p.phases(); len(got) != 2 || got[0].Rate != 200 || got[1].Rate != 320 || p.warmup()[0].Rate != 40 {
		t.Errorf("at a knee of 400/s: %+v", got)
	}
}

func TestWordsOfALoadThatAreWrong(t *testing.T) {
	target := "load:\n  targets: [{path: /size/1}]\n  warmup: {shape: constant, rate: 10, for: 1s}\n"
	constant := target + "  phases: [{shape: constant, rate: 10, for: 1s}]\n"
	for _, row := range []struct{ lines, want string }{
		{constant + "calibrate: {quota: choose}\n", "calibrate.quota: nothing is measured"},
		{constant + "calibrate: {for: 1s, quota: half}\n", `calibrate.quota: "half" is unknown`},
		{constant + "calibrate: {for: 1ms}\n", "calibrate.for: 1ms is not between"},
		{constant + "calibrate: {for: 1s, rates: percent}\nsaturation: {for: 1s}\n", "calibrate.rates: rates are percent of the lowest knee"},
		{constant + "saturation: {start: 5}\n", "saturation.for: missing"},
		{constant + "saturation: {for: 1s, precision: 3}\n", "saturation.precision: 3 is not between"},
		{constant + "saturation: {for: 1s, start: 10, most: 5}\n", "saturation.start: 10 is not between 1 and saturation.most, 5"},
		{target + "  phases: [{shape: replay, trace: none.txt}]\n", "load.phases[0].trace: none.txt: "},
		{target + "  phases: [{shape: replay, trace: /etc/passwd}]\n", "is outside the lab's folder"},
		{target + "  phases: [{shape: spike, rate: 1, to: 5, for: 1s}]\n", "load.phases[0].lasts: a spike of 0s"},
		{target + "  phases: [{shape: constant, rate: 1, to: 5, for: 1s}]\n", "load.phases[0].to: 5 has no meaning in shape constant"},
		{strings.Replace(constant, "/size/1}", "\"/size/{item}\", items: 5}", 1), "load.targets[0].items: item 1 and item 5 have different answers"},
		{strings.Replace(constant, "/size/1}", "/size/1, slow: {reed: 5}}", 1), "reed"},
	} {
		_, err := Parse("42-x/lab.yaml", withLoad(row.lines))
		if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), "hint: ") || !strings.Contains(err.Error(), "lab.yaml:") {
			t.Errorf("%v\nwant %s", err, row.want)
		}
	}
}

func TestTracesThatAreWrong(t *testing.T) {
	l := &Lab{Load: Load{Targets: []Target{{Method: "GET", Path: "/a"}}}}
	for text, want := range map[string]string{
		"":                 "no request in it",
		"1\n0.5\n":         "line 2: 0.5 s is before the line above",
		"x\n":              `line 1: "x" is no time`,
		"-1\n":             `line 1: "-1" is no time`,
		"NaN\n":            `line 1: "NaN" is no time`,
		"\n1 GET\n":        "line 2: 2 words",
		"1 GET /b\n":       "line 1: GET /b is none of load.targets",
		"1 GET /a 200 5\n": "line 1: 5 words",
	} {
		if _, err := l.parseTrace([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// At the quota that is chosen, what the cheapest system can do neither fills the
// machine nor strains generator and origins; a little more of it would.
func TestTheQuotaMakesTheSystemTheBottleneck(t *testing.T) {
	us := func(v float64) float64 { return v * 1e-6 }
	for _, row := range []struct {
		name  string
		c     costs
		most  float64
		quota float64
	}{
		{"2 cores shared: 1.6/(1+130/70)", costs{cores: 2, ceiling: 20_000, generator: us(90), origins: us(40), systems: map[string]float64{"a": us(70), "b": us(110)}}, 1, 0.55},
		{"2 cores, generator near its end: 0.6·6000·70 µs", costs{cores: 2, ceiling: 6000, generator: us(90), origins: us(40), systems: map[string]float64{"a": us(70)}}, 1, 0.25},
		{"a system so cheap that the engine cannot hold it back", costs{cores: 2, ceiling: 6000, generator: us(90), origins: us(40), systems: map[string]float64{"a": us(10)}}, 1, 0.2},
		{"8 cores, each its own", costs{cores: 8, apart: true, ceiling: 40_000, generator: us(90), origins: us(40), systems: map[string]float64{"a": us(70)}}, 1, 1},
		{"nothing to choose by", costs{cores: 2, ceiling: 1}, 0.7, 0.7},
	} {
		q := row.c.quota(row.most)
		if math.Abs(q-row.quota) > 1e-9 {
			t.Errorf("%s: %v, want %v", row.name, q, row.quota)
		}
		if r := row.c.capacity(q); r > 0.6*row.c.ceiling+1e-6 {
			t.Errorf("%s: capacity %v strains a generator of %v", row.name, r, row.c.ceiling)
		}
	}
}
