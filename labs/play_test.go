package labs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"proxylab/labs/systems"
	"proxylab/loadtest"
	"proxylab/proxy/site"
	"proxylab/reports/record"
)

func testPlay(size Size, seed uint64) *play {
	return &play{Options: Options{Lab: &Lab{Sizes: map[string]Size{"quick": size}}, Size: "quick", Seed: seed}}
}

func TestOrderIsDrawnFromTheSeedAndPlaysEachSystemOnceABlock(t *testing.T) {
	p := testPlay(Size{Blocks: 20, Time: 1}, 7)
	blocks := p.order(3)
	if len(blocks) != 20 {
		t.Fatalf("%d blocks", len(blocks))
	}
	first := map[int]int{}
	for _, b := range blocks {
		sorted := slices.Sorted(slices.Values(b))
		if !slices.Equal(sorted, []int{0, 1, 2}) {
			t.Errorf("block %v does not play each system once", b)
		}
		first[b[0]]++
	}
	if len(first) != 3 {
		t.Errorf("only %v ever come first in 20 blocks", first)
	}
	if again := p.order(3); !slices.EqualFunc(again, blocks, slices.Equal[[]int]) {
		t.Error("the same seed gave another order")
	}
	if other := testPlay(Size{Blocks: 20, Time: 1}, 8).order(3); slices.EqualFunc(other, blocks, slices.Equal[[]int]) {
		t.Error("another seed gave the same order")
	}
}

func TestCoresAreDividedOnlyWhereThereAreEnough(t *testing.T) {
	for _, c := range []struct {
		cpus                       int
		limit                      float64
		system, generator, origins string
	}{
		{1, 1, "", "", ""},
		{2, 1, "", "", ""},
		{3, 1, "", "", ""},
		{4, 1, "0", "1-2", "3"},
		{4, 3, "", "", ""},
		{8, 1, "0", "1-4", "5-7"},
		{8, 1.5, "0-1", "2-4", "5-7"},
	} {
		got := divide(c.cpus, c.limit)
		if got.system != c.system || got.generator != c.generator || got.origins != c.origins {
			t.Errorf("%d cores, limit %g: %+v", c.cpus, c.limit, got)
		}
		if got.note == "" {
			t.Errorf("%d cores: no note for the reader", c.cpus)
		}
	}
}

func TestStairsAreRecordedAsTheirLevels(t *testing.T) {
	p := testPlay(Size{Blocks: 1, Time: 0.5}, 1)
	p.Lab.Load.Phases = []loadtest.Phase{
		{Shape: loadtest.Stairs, Rate: 100, To: 300, Steps: 3, For: 6 * time.Second},
		{Shape: loadtest.Ramp, Rate: 300, To: 0, For: 2 * time.Second},
		{Shape: loadtest.Spike, Rate: 10, To: 90, At: 2 * time.Second, Lasts: time.Second, For: 4 * time.Second},
		{Shape: loadtest.Replay, For: 2 * time.Second, Trace: []loadtest.Arrival{{}, {At: time.Second}, {At: 1500 * time.Millisecond}}},
	}
	want := []record.Phase{
		{Shape: "stairs", Start: 0, End: 1, From: 100, To: 100},
		{Shape: "stairs", Start: 1, End: 2, From: 200, To: 200},
		{Shape: "stairs", Start: 2, End: 3, From: 300, To: 300},
		{Shape: "ramp", Start: 3, End: 4, From: 300, To: 0},
		{Shape: "spike", Start: 4, End: 5, From: 10, To: 10},
		{Shape: "spike", Start: 5, End: 5.5, From: 90, To: 90},
		{Shape: "spike", Start: 5.5, End: 6, From: 10, To: 10},
		{Shape: "replay", Start: 6, End: 7, From: 1, To: 1},
	}
	if got := levels(p.phases()); !slices.Equal(got, want) {
		t.Errorf("levels\n%v, want\n%v", got, want)
	}
}

// A trial that is fine is VALID; each row spoils it in one way.
func TestTrialsAreJudged(t *testing.T) {
	end := loadtest.End{Planned: 100, Sent: 100, Seconds: 1, CPUSeconds: 0.1, CPUs: 2}
	machine := room{cpus: 2, origins: 2}
	for _, c := range []struct {
		name     string
		spoil    func(*record.Trial, []loadtest.Sample)
		validity record.Validity
		reason   string
		in       room
	}{
		{"nothing", func(*record.Trial, []loadtest.Sample) {}, record.Valid, "", machine},
		{"wrong bytes", func(tr *record.Trial, s []loadtest.Sample) { s[7].Right = false }, record.Invalid, "wrong status or bytes", machine},
		{"origins served more", func(tr *record.Trial, s []loadtest.Sample) { tr.Origins["origin-1"]++ }, record.Suspect, "the origins counted", machine},
		{"origins saturated", func(tr *record.Trial, s []loadtest.Sample) { tr.Resources.Origins.CPUSeconds = 1.9 }, record.Invalid, "machine's CPU time", machine},
		{"invalid outweighs suspect", func(tr *record.Trial, s []loadtest.Sample) { s[7].Right = false; tr.Origins["origin-1"]++ }, record.Invalid, "the origins counted", machine},
		{"origins at their quotas", func(tr *record.Trial, s []loadtest.Sample) { tr.Resources.Origins.CPUSeconds = 0.3 }, record.Invalid, "their quotas leave them", room{cpus: 0.4, origins: 2, quota: true}},
		{"origins throttled", func(tr *record.Trial, s []loadtest.Sample) { tr.Resources.Origins.ThrottledSeconds = 0.12 }, record.Invalid, "stopped by their CPU quotas for 6 % of the time", machine},
		{"origins throttled for a moment", func(tr *record.Trial, s []loadtest.Sample) { tr.Resources.Origins.ThrottledSeconds = 0.1 }, record.Valid, "", machine},
		{"an origin stood still", func(tr *record.Trial, s []loadtest.Sample) { tr.Stalled = 0.2 }, record.Suspect, "could not run for 0.20 s; the rule is at most 0.1 s", machine},
		{"an origin stood still for long", func(tr *record.Trial, s []loadtest.Sample) { tr.Stalled = 0.9 }, record.Invalid, "could not run for 0.90 s; the rule is at most 0.5 s", machine},
	} {
		t.Run(c.name, func(t *testing.T) {
			var samples []loadtest.Sample
			for n := range 100 {
				at := time.Duration(n) * 10 * time.Millisecond
				samples = append(samples, loadtest.Sample{N: uint64(n), Planned: at, Start: at, FirstByte: at + 1e6, End: at + 2e6, Status: 200, Right: true})
			}
			tr := record.Trial{Seconds: 1, Requests: 100, Right: 100, Origins: map[string]int64{"origin-1": 50, "origin-2": 50},
				Resources: record.Resources{Origins: &record.Usage{CPUSeconds: 0.1}}}
			c.spoil(&tr, samples)
			v, reasons := judge(samples, end, tr, c.in)
			if v != c.validity || !strings.Contains(strings.Join(reasons, "; "), c.reason) {
				t.Errorf("%s %q, want %s %q", v, reasons, c.validity, c.reason)
			}
		})
	}
}

func TestRecordsHaveNoSecretsOfTheSite(t *testing.T) {
	const token = "0123456789abcdef"
	declared, err := site.Parse("lab.yaml", []byte("balancers:\n- {name: origins, members: [{url: 'http://10.0.0.1:80'}]}\nadmin: {listen: ':9090', token: "+token+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	p, tested := testPlay(Size{}, 1), new(topology)
	p.dir = t.TempDir()
	for _, name := range systems.Names() {
		s, err := systems.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		u := &underTest{System: s}
		if !s.Direct {
			if u.config, err = s.Configure(declared, systems.Machine{}); err != nil {
				t.Fatal(err)
			}
		}
		tested.systems = append(tested.systems, u)
	}
	if err := p.writeConfigs(tested); err != nil {
		t.Fatal(err)
	}
	if given := string(tested.systems[0].config.Files[0].Data); !strings.Contains(given, token) {
		t.Errorf("%s could not let anybody in:\n%s", tested.systems[0].Name, given)
	}
	files, err := filepath.Glob(filepath.Join(p.dir, "config", "*", "*"))
	if err != nil || len(files) != len(systems.Names())-1 { // direct has none
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil || len(text) == 0 || strings.Contains(string(text), token) {
			t.Errorf("%s: %v\n%s", file, err, text)
		}
	}
}
