package record_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"proxylab/reports/record"
)

func TestTheManifestTellsWhatWasChanged(t *testing.T) {
	dir := t.TempDir()
	if changed, err := record.Changed(dir); err != nil || len(changed) != 0 {
		t.Errorf("no manifest: %v, %v", changed, err)
	}
	put := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	seal := func(names ...string) {
		if err := record.Seal(dir, names...); err != nil {
			t.Fatal(err)
		}
	}
	put("samples/a", "a")
	put("samples/b", "b")
	put("config/c", "c")
	seal("samples/a", "samples/b")
	seal("config/c")
	if changed, err := record.Changed(dir); err != nil || len(changed) != 0 {
		t.Errorf("nothing was changed: %v, %v", changed, err)
	}
	if tool, err := exec.LookPath("sha256sum"); err == nil {
		cmd := exec.Command(tool, "-c", record.ManifestFile)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("sha256sum: %v\n%s", err, out)
		}
	}
	put("samples/a", "A")
	if err := os.Remove(filepath.Join(dir, "samples/b")); err != nil {
		t.Fatal(err)
	}
	changed, err := record.Changed(dir)
	if err != nil || len(changed) != 2 || !strings.Contains(changed["samples/a"], "was changed") || changed["samples/b"] != "samples/b is gone" {
		t.Errorf("%v, %v", changed, err)
	}
	put("samples/b", "again")
	seal("samples/a", "samples/b")
	if changed, err := record.Changed(dir); err != nil || len(changed) != 0 {
		t.Errorf("sealed again: %v, %v", changed, err)
	}
	if err := record.Seal(dir, "nowhere"); err == nil {
		t.Error("a file that is not there was sealed")
	}
	put(record.ManifestFile, strings.Repeat("0", 64)+"  ../elsewhere\n")
	if _, err := record.Changed(dir); err == nil || !strings.Contains(err.Error(), record.ManifestFile+":1:") {
		t.Errorf("a file outside the folder: %v", err)
	}
}
