package labs

import (
	"slices"
	"strings"
	"testing"

	"proxylab/labs/systems"
	"proxylab/reports/record"
)

func resumed(t *testing.T, names ...string) *play {
	t.Helper()
	p := testPlay(Size{Blocks: 3, Time: 1}, 7)
	p.Systems = names
	p.Lab.Name = "01-x"
	if err := p.choose(); err != nil {
		t.Fatal(err)
	}
	return p
}

func ids(p *play) (out []string) {
	for _, s := range p.missing() {
		out = append(out, p.trialID(s))
	}
	return out
}

// Whatever trials are there, the others are missing, in the order of a run that
// was never interrupted.
func TestMissingTrialsKeepTheirOrder(t *testing.T) {
	p := resumed(t, "proxyd", "apache", "direct")
	all := ids(p)
	if len(all) != 9 {
		t.Fatalf("%v", all)
	}
	for n := range all {
		p.before = &record.Run{}
		for _, id := range all[:n] {
			p.before.Trials = append(p.before.Trials, record.Trial{ID: id})
		}
		if got := ids(p); !slices.Equal(got, all[n:]) {
			t.Errorf("after %d: %v, want %v", n, got, all[n:])
		}
	}
}

func TestTheSameSystemAgainIsAControl(t *testing.T) {
	p := resumed(t, "proxyd", "proxyd", "proxyd")
	var names []string
	for _, s := range p.systems {
		names = append(names, s.Name)
	}
	if !slices.Equal(names, []string{"proxyd", "proxyd-2", "proxyd-3"}) {
		t.Errorf("%v", names)
	}
	again := resumed(t, names...) // as a record names them
	for i, s := range again.systems {
		if s.Name != names[i] || s.Configure == nil {
			t.Errorf("%v became %q", names[i], s.Name)
		}
	}
	for _, wrong := range [][]string{{"direct", "direct"}, {"direct-2"}, {"proxyd-1"}, {"proxyd-10"}, slices.Repeat([]string{"proxyd"}, 10)} {
		q := testPlay(Size{Blocks: 1, Time: 1}, 1)
		q.Systems = wrong
		if err := q.choose(); err == nil || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%v: %v", wrong, err)
		}
	}
	if _, err := systems.ByName("apache-matched"); err != nil {
		t.Error(err)
	}
}

// Only the same lab on the same machine with records as they were is gone on with.
func TestWhatCannotBeResumedSaysWhy(t *testing.T) {
	p := resumed(t, "proxyd")
	p.dir, p.Command = t.TempDir(), "make lab LAB=01"
	base := record.Run{About: record.About{Lab: "01-x"}, Machine: record.Machine{CPUs: 2}}
	for _, c := range []struct {
		claim  string
		change func(*record.Run)
		want   string
	}{
		{"the same", func(*record.Run) {}, ""},
		{"another lab", func(r *record.Run) { r.About.Lab = "02-y" }, "it is of lab 02-y, not 01-x"},
		{"another load", func(r *record.Run) { r.Load.Connections = 9 }, "the lab's load was changed since"},
		{"another machine", func(r *record.Run) { r.Machine.CPUs = 4 }, "it ran on another machine"},
	} {
		before := base
		c.change(&before)
		p.before, p.run = &before, base
		err := p.sameRun()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "hint: ")) {
			t.Errorf("%s: %v", c.claim, err)
		}
	}
	was := record.System{Name: "proxyd", ImageID: "sha256:1", Config: []string{"site.yaml"}}
	p.before, p.run = &record.Run{Systems: []record.System{was}, Trials: make([]record.Trial, 2)}, record.Run{}
	same := &topology{systems: []*underTest{{fact: record.System{Name: "proxyd", ImageID: "sha256:1"}}}}
	if err := p.rejoin(same); err != nil || len(p.run.Trials) != 2 || !strings.Contains(strings.Join(p.run.About.Notes, " "), "interrupted after 2 trials") {
		t.Errorf("%v, %+v", err, p.run)
	}
	same.systems[0].fact.ImageID = "sha256:2"
	if err := p.rejoin(same); err == nil || !strings.Contains(err.Error(), "proxyd is another one") {
		t.Errorf("another image: %v", err)
	}
}
