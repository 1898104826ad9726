package apache

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestStepsAreThoseOfTheCourse(t *testing.T) {
	var names []string
	for _, s := range AllSteps() {
		names = append(names, s.Name)
		if s.Title == "" || s.Changes == "" || s.Look == "" || s.Commands == "" {
			t.Errorf("step %s lacks a part: %+v", s.Name, s)
		}
	}
	if want := []string{"install", "modules", "site", "check", "restart"}; !slices.Equal(names, want) {
		t.Fatalf("got %v, want %v", names, want)
	}
	if got := strings.Count(string(Script()), "\nstep_"); got != len(names) {
		t.Errorf("the script has %d steps", got)
	}
}

func TestStepsForReading(t *testing.T) {
	golden(t, filepath.Join("testdata", "steps.txt"), []byte(Steps()))
}

// machine is a folder whose programs write down how they were called, in the
// place of Debian's.
type machine struct{ bin, log, script string }

func aMachine(t *testing.T) machine {
	dir := t.TempDir()
	m := machine{bin: filepath.Join(dir, "bin"), log: filepath.Join(dir, "log"), script: filepath.Join(dir, "setup.sh")}
	if err := os.Mkdir(m.bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"apt-get", "a2enmod", "a2ensite", "a2dissite", "apachectl", "systemctl", "install"} {
		program := "#!/bin/sh\necho \"" + name + " $*\" >> \"$CALLS\"\n[ \"" + name + " $*\" != \"$FAILS\" ]\n"
		if err := os.WriteFile(filepath.Join(m.bin, name), []byte(program), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(m.script, Script(), 0o755); err != nil {
		t.Fatal(err)
	}
	return m
}

// run calls the script and returns the calls it made, with the folder cut out.
func (m machine) run(t *testing.T, fails string, args ...string) (calls, stderr string, err error) {
	t.Helper()
	cmd := exec.Command("/bin/sh", append([]string{m.script}, args...)...)
	cmd.Env = []string{"PATH=" + m.bin + ":/usr/bin:/bin", "CALLS=" + m.log, "FAILS=" + fails}
	var errText strings.Builder
	cmd.Stderr = &errText
	err = cmd.Run()
	log, readErr := os.ReadFile(m.log)
	if readErr != nil && !os.IsNotExist(readErr) {
		t.Fatal(readErr)
	}
	return strings.ReplaceAll(string(log), filepath.Dir(m.script)+"/", ""), errText.String(), err
}

const (
	installCalls = "apt-get update\napt-get install -y apache2\n"
	modulesCalls = "a2enmod proxy proxy_http proxy_balancer lbmethod_byrequests\n"
	enableCalls  = "a2dissite 000-default\na2ensite proxylab\n"
	destination  = " /etc/apache2/sites-available/proxylab.conf\n"
)

func TestScriptRunsItsSteps(t *testing.T) {
	tests := []struct {
		claim string
		args  []string
		want  string
	}{
		{"install", []string{"install"}, installCalls},
		{"modules", []string{"modules"}, modulesCalls},
		{"site with a file", []string{"site", "/tmp/my site.conf"}, "install -m 644 /tmp/my site.conf" + destination + enableCalls},
		{"site without a file", []string{"site"}, "install -m 644 proxylab.conf" + destination + enableCalls},
		{"check", []string{"check"}, "apachectl configtest\n"},
		{"restart", []string{"restart"}, "apachectl restart\n"},
		{"all in order", nil, installCalls + modulesCalls + "install -m 644 proxylab.conf" + destination + enableCalls + "apachectl configtest\napachectl restart\n"},
	}
	for _, tt := range tests {
		t.Run(tt.claim, func(t *testing.T) {
			calls, stderr, err := aMachine(t).run(t, "", tt.args...)
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
			if calls != tt.want {
				t.Errorf("got\n%swant\n%s", calls, tt.want)
			}
		})
	}
}

func TestScriptStopsAtTheFirstFailure(t *testing.T) {
	calls, _, err := aMachine(t).run(t, "apachectl configtest")
	if err == nil {
		t.Error("exit status 0 although the check failed")
	}
	if strings.Contains(calls, "restart") {
		t.Errorf("restarted with a broken configuration:\n%s", calls)
	}
}

func TestScriptRefusesAnUnknownStep(t *testing.T) {
	calls, stderr, err := aMachine(t).run(t, "", "modulse")
	if err == nil || calls != "" || !strings.Contains(stderr, "modulse") || !strings.Contains(stderr, "hint:") {
		t.Errorf("error %v, calls %q, stderr %q", err, calls, stderr)
	}
}
