package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakePath puts shell scripts in front of all programs. Each notes that it was
// called in the file "calls" of the returned folder.
func fakePath(t *testing.T, scripts map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, body := range scripts {
		text := fmt.Sprintf("#!/bin/sh\necho %[2]s $* >> %[1]s/calls\n%[3]s\n", dir, name, body)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return dir
}

func TestSettingUpAnEngine(t *testing.T) {
	const up = `touch "$(dirname "$0")/up"`
	yes, no := func(string) bool { return true }, func(string) bool { return false }
	for _, row := range []struct {
		claim   string
		remedy  remedy
		ask     func(string) bool
		systemd bool
		scripts map[string]string
		calls   string
		says    []string // progress
		fails   []string // parts of the error; none for success
	}{
		{"install and start without systemd", install, nil, false, map[string]string{"apt-get": "", "dockerd": up + "; exec sleep 2"},
			"apt-get update\napt-get install -y docker.io\ndockerd\n", []string{"apt-get install docker.io", "LAB_SETUP=no", "starting Docker"}, nil},
		{"its package starts it", install, nil, false, map[string]string{"apt-get": `[ "$1" = update ] || ` + up, "dockerd": "exit 1"},
			"apt-get update\napt-get install -y docker.io\n", nil, nil},
		{"systemd starts it", start, nil, true, map[string]string{"systemctl": up, "dockerd": "exit 1"}, "systemctl start docker\n", nil, nil},
		{"asked on a terminal: yes", start, yes, false, map[string]string{"dockerd": up + "; exec sleep 2"}, "dockerd\n", nil, nil},
		{"asked on a terminal: no", install, no, false, map[string]string{"apt-get": "", "dockerd": up}, "", nil, []string{"nobody there", "hint: you said no"}},
		{"the mirror cannot be reached", install, nil, false, map[string]string{"apt-get": "echo E: no mirror >&2; exit 100", "dockerd": up},
			"apt-get update\n", nil, []string{"apt-get update: exit status 100", "\tE: no mirror", "hint: can this machine reach its package mirror"}},
		{"dockerd ends", start, nil, false, map[string]string{"dockerd": "echo no permission to mount >&2; exit 1"},
			"dockerd\n", nil, []string{"dockerd ended: exit status 1", "\tno permission to mount"}},
		{"systemd cannot", start, nil, true, map[string]string{"systemctl": "echo Unit docker.service not found. >&2; exit 5"},
			"systemctl start docker\n", nil, []string{"Unit docker.service not found.", "hint: journalctl -u docker"}},
		{"it never answers", start, nil, true, map[string]string{"systemctl": ""}, "systemctl start docker\n", nil, []string{"does not answer within"}},
	} {
		t.Run(row.claim, func(t *testing.T) {
			dir := fakePath(t, row.scripts)
			var said strings.Builder
			i := installer{
				Options: Options{Ask: row.ask, Setup: true, Say: func(f string, a ...any) { fmt.Fprintf(&said, f+"\n", a...) }},
				systemd: row.systemd, log: filepath.Join(dir, "dockerd.log"), within: time.Second,
				answers: func(context.Context) error {
					_, err := os.Stat(filepath.Join(dir, "up"))
					return err
				},
			}
			err := i.remedy(t.Context(), row.remedy, errors.New("nobody there"))
			if (err == nil) != (row.fails == nil) {
				t.Fatalf("error %v", err)
			}
			for _, part := range row.fails {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not say %q:\n%v", part, err)
				}
			}
			for _, part := range row.says {
				if !strings.Contains(said.String(), part) {
					t.Errorf("it does not say %q:\n%s", part, &said)
				}
			}
			calls, err := os.ReadFile(filepath.Join(dir, "calls"))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if string(calls) != row.calls {
				t.Errorf("called:\n%swant:\n%s", calls, row.calls)
			}
		})
	}
}
