package labs

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

const good = `title: t
goal: g
systems: [proxyd, direct]
origins: 2
limits: {cpus: 1, memory: 64MiB}
site:
  balancers:
    - name: b
      members:
        - url: http://origin-1:8080
        - url: http://origin-2:8080
load:
  targets:
    - path: /size/1
  warmup: {shape: constant, rate: 10, for: 1s}
  phases:
    - {shape: stairs, rate: 10, to: 30, steps: 3, for: 3s}
sizes:
  quick: {blocks: 3, time: 2}
  smoke: {blocks: 1, time: 1}
`

func TestEveryLabOfTheProjectIsInOrder(t *testing.T) {
	all, err := List(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		for _, size := range []string{"smoke", "quick", "full"} {
			if _, ok := l.Sizes[size]; !ok {
				t.Errorf("%s has no size %s", l.Name, size)
			}
		}
		for _, handout := range []string{"README.md", "README.es.md"} {
			if _, err := os.Stat(l.Name + "/" + handout); err != nil {
				t.Errorf("%s: %v", l.Name, err)
			}
		}
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	l, err := Parse("labs/42-x/lab.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if l.Name != "42-x" || l.Load.Targets[0].Method != "GET" || l.Load.Targets[0].Weight != 1 ||
		l.Load.Timeout != 5*time.Second || l.Limits.memoryBytes != 64<<20 || len(l.Site.Balancers[0].Members) != 2 {
		t.Errorf("read as %+v", l)
	}
	if got := l.SizeNames(); !slices.Equal(got, []string{"smoke", "quick"}) {
		t.Errorf("sizes in the order of their length: %v", got)
	}
	if got, want := l.Duration("quick"), 2*3*(1*time.Second+6*time.Second+betweenTrials); got != want {
		t.Errorf("quick takes %v, want %v", got, want)
	}
}

// Each row changes one line of a lab that is in order, and must be told where
// and what.
func TestFaultsNameTheirPlace(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "goal: g", "gaol: g", `x/lab.yaml:2: gaol: unknown field "gaol"`},
		{"unknown key further in", "memory: 64MiB", "memroy: 64MiB", `x/lab.yaml:5: limits.memroy: unknown field "memroy"`},
		{"wrong type", "origins: 2", "origins: two", `x/lab.yaml:4: origins: "two" is not a whole number`},
		{"number too large", "origins: 2", "origins: 99999999999999999999", "x/lab.yaml:4: origins: 99999999999999999999 is too much"},
		{"number for a duration", "for: 3s", "for: 3", `x/lab.yaml:17: load.phases[0].for: "3" is not a duration`},
		{"empty file", good, "", "x/lab.yaml:1: the file declares nothing"},
		{"second document", "  smoke:", "---\ntitle: two\n#", "x/lab.yaml:1: something follows the lab's document"},
		{"no site", good[strings.Index(good, "site:"):strings.Index(good, "load:")], "", "x/lab.yaml:1: site: missing"},
		{"site in quotes", "site:", "'site':", "x/lab.yaml:7: site: must be a section of its own"},
		{"less than the engine's least quota", "cpus: 1", "cpus: 0.1", "x/lab.yaml:5: limits.cpus: 0.1 is not between"},
		{"cpus not a number", "cpus: 1", "cpus: .nan", "x/lab.yaml:5: limits.cpus: NaN is not between"},
		{"path that origins do not have", "/size/1", "/sizes/1", "x/lab.yaml:14: load.targets[0].path: the origins answer GET /sizes/1 with status 404"},
		{"size that origins refuse", "/size/1", "/size/99999999999", "x/lab.yaml:14: load.targets[0].path: the origins answer GET /size/99999999999 with status 400"},
		{"no length", "for: 1s", "for: 0s", "x/lab.yaml:15: load.warmup.for: 0s is not above 0"},
		{"time too short", "time: 2", "time: 1e-12", "x/lab.yaml:19: sizes.quick.time: 1e-12 makes a load that cannot be sent"},
		{"time without end", "time: 2", "time: .inf", "x/lab.yaml:19: sizes.quick.time: +Inf is not above 0 and at most"},
		{"too many blocks", "blocks: 3", "blocks: 100000000", "x/lab.yaml:19: sizes.quick.blocks: 100000000 is not between"},
		{"unknown system", "[proxyd, direct]", "[proxyd, ngnix]", `x/lab.yaml:3: systems[1]: "ngnix" is no system`},
		{"system twice", "[proxyd, direct]", "[direct, direct]", "x/lab.yaml:3: systems[1]: direct stands here twice"},
		{"expression with an unknown name", "sizes:", "checks:\n  - {claim: c, points: 1, reason: r, hint: h, expr: len(sistems) > 0}\nsizes:",
			`x/lab.yaml:19:57: checks[0].expr: unknown name sistems`},
		{"expression in a block", "sizes:", "checks:\n  - claim: c\n    points: 1\n    reason: r\n    hint: h\n    expr: |\n      true &&\n        all(systems, #.name)\nsizes:",
			"x/lab.yaml:25:22: checks[0].expr: "},
		{"expression cut by a comment", "sizes:", "checks:\n  - claim: c\n    points: 1\n    reason: r\n    hint: h\n    expr: all(systems, #.right > 0)\nsizes:",
			"a # behind a space begins a comment"},
		{"expression that is no condition", "sizes:", "checks:\n  - {claim: c, points: 1, reason: r, hint: h, expr: 1 + 1}\nsizes:", "expected bool, but got int"},
		{"check without a reason", "sizes:", "checks:\n  - {claim: c, points: 1, hint: h, expr: 'true'}\nsizes:", "x/lab.yaml:19: checks[0].reason: missing"},
		{"check without points", "sizes:", "checks:\n  - {claim: c, points: 0, reason: r, hint: h, expr: 'true'}\nsizes:", "x/lab.yaml:19: checks[0].points: 0 is not between"},
		{"no origin", "origins: 2", "origins: 0", "x/lab.yaml:4: origins: 0 is not between"},
		{"memory", "64MiB", "64", `x/lab.yaml:5: limits.memory: "64" is no size`},
		{"cpus", "cpus: 1", "cpus: 0", "x/lab.yaml:5: limits.cpus: 0 is not between"},
		{"member elsewhere", "origin-2:8080", "origin-3:8080", "x/lab.yaml:11: site.balancers[0].members[1].url: http://origin-3:8080 is none of the lab's 2 origins"},
		{"site's own fault", "- name: b", "- name: b\n      lbmethod: byreqests", "x/lab.yaml:9: balancers[0].lbmethod: "},
		{"method", "- path: /size/1", "- {path: /size/1, method: GE T}", "x/lab.yaml:14: load.targets[0].method: \"GE T\" is not"},
		{"path", "/size/1", "size/1", "x/lab.yaml:14: load.targets[0].path: \"size/1\" is not a path that begins with"},
		{"rate", "rate: 10, for: 1s", "rate: -10, for: 1s", "x/lab.yaml:15: load.warmup"},
		{"stairs", "steps: 3", "steps: 1", "x/lab.yaml:17: load.phases[0]"},
		{"blocks", "blocks: 3", "blocks: 0", "x/lab.yaml:19: sizes.quick.blocks: 0 is not between"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(good, c.old, c.new, 1)
			if text == good {
				t.Fatalf("%q is not in the good lab", c.old)
			}
			_, err := Parse("x/lab.yaml", []byte(text))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q\nwant %q in it", err, c.want)
			}
			if strings.Count(err.Error(), "x/lab.yaml:") != 1 {
				t.Errorf("not one fault:\n%v", err)
			}
		})
	}
}

func TestFindTakesNumberOrName(t *testing.T) {
	for _, name := range []string{"01", "01-side-by-side"} {
		if l, err := Find(".", name); err != nil || l.Name != "01-side-by-side" {
			t.Errorf("Find(%q) = %v, %v", name, l, err)
		}
	}
	if _, err := Find(".", "99"); err == nil || !strings.Contains(err.Error(), "01-side-by-side") {
		t.Errorf("Find(99) does not say which labs there are: %v", err)
	}
}
