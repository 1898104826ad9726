package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"proxylab/reports/record"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lab": main})
}

// TestCommandLine plays testdata/*.txtar: what a user sees who makes a mistake
// or has no engine. $PROJECT is the top of the project.
func TestCommandLine(t *testing.T) {
	project, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PROJECT", project)
			e.Setenv("DOCKER_HOST", "unix://"+filepath.Join(e.WorkDir, "no.sock"))
			e.Setenv("HOME", e.WorkDir)
			return errors.Join(os.MkdirAll(filepath.Join(e.WorkDir, "labs"), 0o755), runs(filepath.Join(e.WorkDir, "runs"), project))
		},
	})
}

// runs puts a run and changed copies of it into a folder, to be compared.
func runs(dir, project string) error {
	for name, change := range map[string]func(*record.Run){
		"base": func(*record.Run) {},
		"slower": func(r *record.Run) {
			r.About.Commit = "0123456789ab"
			for i := range r.Trials {
				if t := &r.Trials[i]; t.System == "proxyd" {
					t.Resources.System.CPUPerRequest *= 2
				}
			}
		},
		"other-machine":  func(r *record.Run) { r.Machine.CPUModel = "another" },
		"other-lab":      func(r *record.Run) { r.About.Lab = "02-other" },
		"other-load":     func(r *record.Run) { r.Load.Connections = 7 },
		"other-schedule": func(r *record.Run) { r.Trials[0].ScheduleSHA256 = "0" },
		"other-limits":   func(r *record.Run) { r.Systems[0].CPUs = 0.5 },
	} {
		to := filepath.Join(dir, name)
		if err := os.CopyFS(to, os.DirFS(filepath.Join(project, "reports", "testdata", "schema-1"))); err != nil {
			return err
		}
		r, err := record.Read(to)
		if err != nil {
			return err
		}
		change(&r)
		if err := record.Write(to, r); err != nil {
			return err
		}
	}
	return nil
}
