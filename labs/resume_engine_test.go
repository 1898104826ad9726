package labs_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"proxylab/docker/enginetest"
	"proxylab/reports/record"
)

// A run is killed with kill -9 in its third trial; `lab resume` makes it whole: the
// trials that were done are the same to the byte, the others follow as by plan.
func TestAKilledRunIsResumedOnTheEngine(t *testing.T) {
	enginetest.Open(t)
	lab, out := filepath.Join(t.TempDir(), "lab"), t.TempDir()
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = ".."
		return cmd
	}
	if text, err := command("go", "build", "-o", lab, "./labs/cmd/lab").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var said bytes.Buffer
	run := command(lab, "run", "01", "--size=smoke", "--seed=1", "--systems=proxyd,direct", "--out="+out)
	run.Stderr = &said
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	dir, kept := untilTrials(t, out, 2)
	for _, pid := range childrenOf(t, run.Process.Pid) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
	if err := run.Wait(); err == nil {
		t.Error("a killed run ended well")
	}
	if text, err := command(lab, "resume", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\nbefore it: %s", err, text, &said)
	}
	whole, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.Trials) != 4 || !strings.Contains(strings.Join(whole.About.Notes, " "), "interrupted after 2 trials") {
		t.Errorf("%d trials, notes %q", len(whole.Trials), whole.About.Notes)
	}
	for i, tr := range kept.Trials {
		if !reflect.DeepEqual(whole.Trials[i], tr) {
			t.Errorf("trial %s was changed", tr.ID)
		}
	}
	var ids []string
	for _, tr := range whole.Trials {
		ids = append(ids, tr.ID)
	}
	if slices.Sort(ids); !slices.Equal(ids, []string{"01-direct", "01-proxyd", "02-direct", "02-proxyd"}) {
		t.Errorf("%v", ids)
	}
	if changed, err := record.Changed(dir); err != nil || len(changed) > 0 {
		t.Errorf("%v, %v", changed, err)
	}
	if _, err := record.ReadResults(dir); err != nil {
		t.Error(err)
	}
}

// untilTrials waits until a run below out has so many trials.
func untilTrials(t *testing.T, out string, n int) (string, record.Run) {
	t.Helper()
	for deadline := time.Now().Add(4 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		found, err := filepath.Glob(filepath.Join(out, "*", record.RunFile))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			continue
		}
		if run, err := record.Read(filepath.Dir(found[0])); err == nil && len(run.Trials) >= n {
			return filepath.Dir(found[0]), run
		}
	}
	t.Fatal("no trial came about")
	return "", record.Run{}
}

// childrenOf are the processes whose parent is pid.
func childrenOf(t *testing.T, pid int) (out []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range stats {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			out = append(out, child)
		}
	}
	if len(out) == 0 {
		t.Fatalf("process %d has no child", pid)
	}
	return out
}
