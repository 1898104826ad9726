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
	}
	if want := []string{"install", "modules", "site", "check", "restart"}; !slices.Equal(names, want) {
		t.Fatalf("got %v, want %v", names, want)
	}
	if got := strings.Count(string(Script()), "\nstep_"); got != len(names) {
		t.Errorf("the script has %d steps", got)
	}
}

func TestEveryStepHasItsPageInBothLanguages(t *testing.T) {
	for _, s := range AllSteps() {
		for _, lang := range []Lang{English, Spanish} {
			p := s.Page[lang]
			for label, text := range map[string]string{"title": p.Title, "changes": p.Changes, "look": p.Look, "fails": p.Fails} {
				if text == "" || strings.Contains(text, "#") {
					t.Errorf("step %s, %s, %s: %q", s.Name, lang, label, text)
				}
			}
		}
		// What Apache says is the same in any language.
		if en, es := Quoted(s.Page[English].Fails), Quoted(s.Page[Spanish].Fails); !slices.Equal(en, es) {
			t.Errorf("step %s quotes\n%q\nand in Spanish\n%q", s.Name, en, es)
		}
		if s.Commands == "" {
			t.Errorf("step %s does nothing", s.Name)
		}
		if s.Undo == nil && s.Name != "check" {
			t.Errorf("step %s cannot be undone", s.Name)
		}
		if s.Try == nil && s.Name != "check" {
			t.Errorf("step %s has no command that shows its effect", s.Name)
		}
	}
}

func TestStepsForReading(t *testing.T) {
	for _, lang := range []Lang{English, Spanish} {
		for _, v := range []Variant{Debian, Service} {
			text, err := Steps(lang, v)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "steps-"+string(v)+"."+string(lang)+".txt"), []byte(text))
		}
	}
}

func TestStepsRefuseWhatTheyHaveNot(t *testing.T) {
	_, lang := Steps("fr", Debian)
	_, variant := Steps(English, "windows")
	for _, err := range []error{lang, variant} {
		if err == nil || !strings.Contains(err.Error(), "hint:") {
			t.Errorf("got %v", err)
		}
	}
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
