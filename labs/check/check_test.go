package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var weights = map[string]int{"a": 3, "b": 2, "c": 1}

func TestByrequestsIsTheRoundWorkedOutByHand(t *testing.T) {
	// Gains 3 2 1: a pays 6. 0 4 2: b. 3 0 3: a before c, as the first of equals.
	// 0 2 4: c. 3 4 -1: b. 6 0 0: a, and all are at nothing again.
	want := strings.Fields("a b a c b a a b a c b a")
	if got := byrequests(weights, 12); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestFollows(t *testing.T) {
	const round = "a b a c b a "
	for _, c := range []struct {
		name, sequence string
		lasts          float64 // of each answer, where they are sent a second apart
		ok             bool
	}{
		{"from the first turn", strings.Repeat(round, 3), 0.1, true},
		{"from within a round", "c b a " + strings.Repeat(round, 3), 0.1, true},
		{"two in the wrong order", strings.Repeat(round, 2) + "b a a c b a", 0.1, false},
		{"the same two, on their way together", strings.Repeat(round, 2) + "b a a c b a", 1.5, true},
		{"an answer missing", strings.Repeat(round, 2) + "a b a - b a", 0.1, false},
		{"another origin in its place", strings.Repeat(round, 2) + "a b a b b a", 1.5, false},
		{"shares right, turns wrong", strings.Repeat("a a a b b c ", 3), 0.1, false},
		{"too few to tell", "a b a c", 0.1, false},
	} {
		var tr Trial
		for i, origin := range strings.Fields(c.sequence) {
			// Every sixth begins after all before it have ended.
			start := float64(i + i/6*10)
			if c.lasts > 1 && i%6 > 1 {
				start += 10
			}
			tr.Sequence = append(tr.Sequence, origin)
			tr.Answers = append(tr.Answers, Answer{Start: start, End: start + c.lasts})
		}
		if got := follows(tr, weights); (got == "") != c.ok {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// sample is a run on disk, of proxyd and apache.
var sample = filepath.Join("..", "..", "reports", "testdata", "schema-1")

func TestRulesAreHeldAgainstTheSamples(t *testing.T) {
	o, err := Observe(sample, weights)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		expr   string
		passed bool
		shows  string
	}{
		{`len(systems) == 2 && len(proxies) == 2 && lab == "01-side-by-side" && seed == 7`, true, ""},
		{`all(systems, #.sent > 0 && #.sent == sum(map(#.trials, len(#.answers))))`, true, ""},
		{`all(systems, #.right + #.wrong + #.failed == #.sent)`, true, ""},
		{`all(systems, sum(values(#.statuses)) == #.sent && abs(sum(values(#.shares)) - 1) < 0.001)`, true, ""},
		{`all(systems, all(#.trials, percentile(#.response, 99) >= percentile(#.response, 50)))`, true, ""},
		{`all(proxies, #.right < #.sent - 1000000)`, false, ""},
		{`system("proxyd").sent > 0`, true, ""},
		{`system("nginx").sent > 0`, false, "cannot be told: nginx was not played"},
	} {
		got := Evaluate([]Rule{{Claim: "c", Points: 4, Expr: c.expr}}, o)
		one := got.Checks[0]
		if one.Passed != c.passed || got.Of != 4 || (got.Points == 4) != c.passed || !strings.Contains(strings.Join(one.Shows, "\n"), c.shows) {
			t.Errorf("%s: %+v", c.expr, got)
		}
	}
}

func TestSamplesThatWereChangedAreFound(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(sample)); err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "samples", "03-proxyd.csv.gz")
	if err := os.Truncate(cut, 40); err != nil {
		t.Fatal(err)
	}
	if _, err := Observe(dir, nil); err == nil {
		t.Error("a file that was cut short passes")
	}
}
