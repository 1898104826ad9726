package reports_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"proxylab/reports"
	"proxylab/reports/record"
)

// A run as the first layout had it is read, and reported like any other.
func TestRunsOfTheFirstSchemaAreReadBack(t *testing.T) {
	dir := filepath.Join("testdata", "schema-1")
	if text := read(t, dir, record.RunFile); !strings.Contains(text, `"schema": 1,`) {
		t.Fatal("the run in testdata is not of schema 1")
	}
	run, err := record.Read(dir)
	must(t, err)
	if run.Schema != record.Schema || len(run.Trials) != 6 || run.Trials[0].Requests != 60 || run.Trials[5].Resources.System == nil {
		t.Errorf("read as %+v", run)
	}
	work := filepath.Join(t.TempDir(), "run")
	must(t, os.CopyFS(work, os.DirFS(dir)))
	html, _, res, err := reports.Pages(work)
	must(t, err)
	v := verdict(t, res, "cpu_per_request")
	if v.Word != record.ALower || v.Pairs != 3 || !strings.Contains(html, v.Sentence) {
		t.Errorf("verdict %+v", v)
	}
	must(t, record.WriteResults(work, res))
	if _, err := record.ReadResults(work); err != nil {
		t.Error(err)
	}
}
