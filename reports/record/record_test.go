package record_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"proxylab/reports/record"
)

func sample() record.Run {
	at := time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
	return record.Run{
		Schema: record.Schema,
		About:  record.About{ID: "x", Lab: "01", Title: "t", Size: "quick", Seed: 1<<63 + 5, Started: at, Ended: at.Add(time.Minute), Notes: []string{"n"}},
		Load:   record.Load{Phases: []record.Phase{{Shape: "constant", Start: 0, End: 6, From: 800, To: 800}}, Targets: []string{"GET /"}},
		Parity: []record.Parity{{Question: "Via", Answers: map[string]string{"proxyd": "1.1 proxyd"}}},
		Systems: []record.System{
			{Name: "proxyd", Config: []string{"site.yaml"}}, {Name: "apache"},
		},
		Trials: []record.Trial{
			{ID: "01-proxyd", Block: 1, System: "proxyd", Started: at, Validity: record.Valid, Requests: 10, Right: 10, Origins: map[string]int64{"o": 10},
				Samples: "samples/01-proxyd.csv.gz", Resources: record.Resources{System: &record.Usage{CPUPerRequest: 31, Series: []record.Point{{1, 2, 3}}}}},
			{ID: "01-apache", Block: 1, System: "apache", Started: at, Validity: record.Invalid, Reasons: []string{"late"}, Requests: 10, Right: 7, Wrong: 2, Failed: 1},
		},
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	dir, want := t.TempDir(), sample()
	if err := record.Write(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	res := record.Results{Run: want, Verdicts: []record.Verdict{{Measure: "memory", Word: record.ALower}}}
	if err := record.WriteResults(dir, res); err != nil {
		t.Fatal(err)
	}
	back, err := record.ReadResults(dir)
	if err != nil || !reflect.DeepEqual(back, res) {
		t.Errorf("got  %+v (%v)\nwant %+v", back, err, res)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 2 {
		t.Errorf("files left: %v, want run.json and results.json alone", left)
	}
}

func TestReadRefuses(t *testing.T) {
	whole, err := json.MarshalIndent(sample(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		claim    string
		old, new string // in the file
		want     string
	}{
		{"newer schema, with keys of its own", `"schema": 4,`, `"schema": 99, "colour": 1,`, "run.json: schema 99, want 1 to 4"},
		{"no schema", `"schema": 4,`, ``, "run.json: schema 0, want 1 to 4"},
		{"unknown key", `"seed"`, `"sed"`, `unknown field "sed"`},
		{"wrong type", `"block": 1,`, `"block": "one",`, "run.json:"},
		{"cut short", `"trials": [`, `"trials": [{`, "run.json:"},
		{"two values", "\n}", "\n}{}", "run.json"},
		{"unknown validity", `"VALID"`, `"FINE"`, `trials[0].validity: unknown validity "FINE"`},
		{"suspect without a reason", `"VALID"`, `"SUSPECT"`, `trials[0].reasons: none for a trial that is SUSPECT`},
		{"unknown system", `"system": "apache"`, `"system": "nginx"`, `trials[1].system: "nginx" is not among systems`},
		{"same trial twice", `"01-apache"`, `"01-proxyd"`, `trials[1].id: "01-proxyd" is empty or there twice`},
		{"system twice in a block", `"system": "apache"`, `"system": "proxyd"`, `trials[1]: block 1 has proxyd twice`},
		{"an answer of nobody", `"proxyd": "1.1 proxyd"`, `"nginx": "1.1 nginx"`, `parity[0].answers: "nginx" is not among systems`},
		{"a question without words", `"Via"`, `""`, `parity[0].question: "" is empty or there twice`},
		{"same system twice", `"name": "apache"`, `"name": "proxyd"`, `systems[1].name: "proxyd" is there twice`},
		{"counts that do not add up", `"wrong": 2`, `"wrong": 3`, `trials[1]: 7 right, 3 wrong and 1 failed are not 10 requests`},
		{"valid without samples", `samples/01-proxyd.csv.gz`, ``, `trials[0].samples: is empty for a trial that is VALID`},
		{"samples outside the folder", `samples/01-proxyd.csv.gz`, `../../etc/passwd`, `trials[0].samples: "../../etc/passwd" leaves the run's folder`},
		{"configuration outside the folder", `"site.yaml"`, `"/etc/passwd"`, `systems[0].config[0]: "/etc/passwd" leaves the run's folder`},
		{"a phase that ends before it begins", `"end_s": 6`, `"end_s": -6`, `load.phases[0]: 0 s to -6 s is no stretch of time`},
		{"a negative rate", `"from_rps": 800`, `"from_rps": -1`, `load.phases[0]: -1 to 800 requests/s is no rate`},
	} {
		t.Run(tt.claim, func(t *testing.T) {
			text := strings.Replace(string(whole), tt.old, tt.new, 1)
			if text == string(whole) {
				t.Fatalf("%q is not in the file", tt.old)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, record.RunFile), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := record.Read(dir)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	run := sample()
	run.Trials[0].Validity = "FINE"
	run.Trials[1].System = "nginx"
	err := record.Write(t.TempDir(), run)
	if err == nil || !strings.Contains(err.Error(), "FINE") || !strings.Contains(err.Error(), "nginx") {
		t.Errorf("error %v, want both faults", err)
	}
}

func TestAnErrorOfSyntaxNamesItsLine(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, record.RunFile), []byte("{\n\"schema\": 1,\n\"run\": ]\n}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Read(dir); err == nil || !strings.Contains(err.Error(), "run.json:3:") {
		t.Errorf("error %v, want line 3", err)
	}
}

func TestNoRunIsSaidWithAHint(t *testing.T) {
	if _, err := record.Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("error %v, want a hint", err)
	}
}

// A file that cannot be put in its place leaves nothing half done beside it.
func TestWriteFileLeavesNoPart(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "index.html")
	if err := os.Mkdir(taken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := record.WriteFile(taken, []byte("page")); err == nil {
		t.Error("a folder was overwritten")
	}
	if err := record.WriteFile(filepath.Join(dir, "report.md"), []byte("page")); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}
