package reports_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"proxylab/reports"
	"proxylab/reports/record"
)

// What the self-check found stands in both pages; the hint only where it is needed.
func TestSelfCheckStandsInTheReport(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/schema-1")); err != nil {
		t.Fatal(err)
	}
	err := record.WriteChecks(dir, record.Checks{Lab: "01", Points: 3, Of: 7, Checks: []record.Check{
		{Claim: "claim one", Passed: true, Points: 3, Of: 3, Reason: "reason one", Hint: "hint one", Shows: []string{"evidence one"}},
		{Claim: "claim two", Of: 4, Reason: "reason two", Hint: "hint two"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reports.Write(dir); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"index.html", "report.md"} {
		data, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"3 of 7 points", "passed, 3 of 3:", "claim one", "evidence one", "reason one", "not passed, 0 of 4:", "hint two"} {
			if !strings.Contains(string(data), want) {
				t.Errorf("%s lacks %q", page, want)
			}
		}
		if strings.Contains(string(data), "hint one") {
			t.Errorf("%s gives a hint for what passed", page)
		}
	}
}
