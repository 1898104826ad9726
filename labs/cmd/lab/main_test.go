package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
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
			return os.MkdirAll(filepath.Join(e.WorkDir, "labs"), 0o755)
		},
	})
}
