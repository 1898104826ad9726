package docker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// guarded is the program that the guard's tests run: it starts a container, says
// so, and ends as its role has it.
func guarded(ctx context.Context) int {
	role := os.Getenv("PROXYLAB_TEST_ROLE")
	if role == "exit" {
		return 5
	}
	e, err := Open(ctx, Options{})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	r, err := e.NewRun(ctx, os.Getenv("PROXYLAB_TEST_RUN"))
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	dir, err := tempDir("test")
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	_, err = r.Start(ctx, ContainerSpec{Name: "probe", Image: os.Getenv("PROXYLAB_TEST_IMAGE"), Networks: []Network{Front, Back}, Ready: probeReady})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println("up", os.Getpid(), dir)
	switch role {
	case "panic":
		panic("on purpose")
	case "deaf": // heeds no context, cleans up nothing
		select {}
	case "forgetful": // ends without cleaning up
		return 3
	}
	<-ctx.Done()
	os.RemoveAll(dir)
	if err := errors.Join(r.Close(), e.Close()); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println("cleaned up:", context.Cause(ctx))
	return 4
}

// guardedProgram is one such program: the guard's process, and its child's number.
type guardedProgram struct {
	cmd    *exec.Cmd
	child  int
	dir    string // a temporary folder of the child
	output func() string
}

func startGuarded(t *testing.T, role, run string) *guardedProgram {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "PROXYLAB_TEST_ROLE="+role, "PROXYLAB_TEST_RUN="+run, "PROXYLAB_TEST_IMAGE="+shared.probe.Ref,
		"TESTCONTAINERS_SESSION_ID=") // that of this process is not the program's
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	// A group of its own: a signal to the group is what a terminal's Ctrl-C is.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		r.Close()
	})
	p := &guardedProgram{cmd: cmd}
	lines := bufio.NewScanner(r)
	var text strings.Builder
	for lines.Scan() {
		fmt.Fprintln(&text, lines.Text())
		if f := strings.Fields(lines.Text()); len(f) == 3 && f[0] == "up" {
			p.child, _ = strconv.Atoi(f[1])
			p.dir = f[2]
			break
		}
	}
	if p.child == 0 && role != "exit" {
		t.Fatalf("the program did not come up:\n%s", &text)
	}
	rest := make(chan struct{})
	go func() { // ends when both processes have
		for lines.Scan() {
			fmt.Fprintln(&text, lines.Text())
		}
		close(rest)
	}()
	p.output = func() string {
		<-rest
		return text.String()
	}
	return p
}

func TestGuardLeavesNothingBehind(t *testing.T) {
	e := engine(t)
	toGuard := func(s syscall.Signal) func(*guardedProgram) error {
		return func(p *guardedProgram) error { return p.cmd.Process.Signal(s) }
	}
	toChild := func(s syscall.Signal) func(*guardedProgram) error {
		return func(p *guardedProgram) error { return syscall.Kill(p.child, s) }
	}
	toBoth := func(s syscall.Signal) func(*guardedProgram) error {
		return func(p *guardedProgram) error { return syscall.Kill(-p.cmd.Process.Pid, s) }
	}
	for _, row := range []struct {
		claim, role string
		act         func(*guardedProgram) error
		code        int
		says        string
	}{
		{"Ctrl-C, which reaches both", "obedient", toBoth(syscall.SIGINT), 4, "cleaned up: asked to stop"},
		{"SIGTERM to the guard alone", "obedient", toGuard(syscall.SIGTERM), 4, "cleaned up: asked to stop"},
		{"SIGTERM to the working process alone", "obedient", toChild(syscall.SIGTERM), 4, "cleaned up: asked to stop"},
		{"kill -9 of the working process", "obedient", toChild(syscall.SIGKILL), 137, "removed what was left behind: 1 containers, 2 networks"},
		{"kill -9 of the guard", "obedient", toGuard(syscall.SIGKILL), -1, "cleaned up: asked to stop"},
		{"a second signal to one that heeds none", "deaf", func(p *guardedProgram) error {
			return errors.Join(toGuard(syscall.SIGTERM)(p), toGuard(syscall.SIGINT)(p))
		}, 137, "removed what was left behind"},
		{"a panic", "panic", nil, 2, "removed what was left behind"},
		{"an end without cleaning up", "forgetful", nil, 3, "removed what was left behind"},
	} {
		t.Run(row.claim, func(t *testing.T) {
			t.Parallel()
			run := fmt.Sprintf("guard-%d-%s", os.Getpid(), strings.ReplaceAll(row.claim[:6], " ", "-")+strconv.Itoa(len(row.claim)))
			p := startGuarded(t, row.role, run)
			if row.act != nil {
				if err := row.act(p); err != nil {
					t.Fatal(err)
				}
			}
			output := p.output()
			_ = p.cmd.Wait()
			if code := p.cmd.ProcessState.ExitCode(); code != row.code {
				t.Errorf("exit code %d, want %d\n%s", code, row.code, output)
			}
			if !strings.Contains(output, row.says) {
				t.Errorf("it says %q, not %q", output, row.says)
			}
			if left := labelled(t, e, labelRun+"="+run); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if exists(p.dir) {
				t.Errorf("left behind: %s", p.dir)
			}
		})
	}
}

func TestGuardWithoutAnEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
	started := time.Now()
	p := startGuarded(t, "exit", "none")
	output := p.output()
	_ = p.cmd.Wait()
	if code := p.cmd.ProcessState.ExitCode(); code != 5 || output != "" {
		t.Errorf("exit code %d, output %q; want 5 and silence", code, output)
	}
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestGuardedByItsParentAlone(t *testing.T) {
	for _, row := range []struct {
		claim, value string
		parent       int
		id           string
		ok           bool
	}{
		{"the guard's child", "abc:12", 12, "abc", true},
		{"a program that the child started inherits the variable", "abc:12", 13, "abc", false},
		{"no guard", "", 12, "", false},
		{"nonsense", "abc", 12, "abc", false},
		{"no id", ":12", 12, "", false},
	} {
		if id, ok := guardedBy(row.value, row.parent); id != row.id || ok != row.ok {
			t.Errorf("%s: %q, %t", row.claim, id, ok)
		}
	}
}

// A program that heeds a signal ends as a shell would say it; one whose guard
// was killed, or that failed by itself, does not.
func TestStopCode(t *testing.T) {
	for _, c := range []struct {
		claim string
		cause error
		code  int
		ok    bool
	}{
		{"Ctrl-C", stopped(syscall.SIGINT), 130, true},
		{"SIGTERM", stopped(syscall.SIGTERM), 143, true},
		{"a terminal that closes", stopped(syscall.SIGHUP), 129, true},
		{"kill -9 of the guard", stopped(0), 0, false},
		{"something else", errors.New("x"), 0, false},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(c.cause)
		if code, ok := StopCode(ctx); ok != c.ok || ok && code != c.code {
			t.Errorf("%s: %d, %v, want %d, %v", c.claim, code, ok, c.code, c.ok)
		}
	}
	if _, ok := StopCode(t.Context()); ok {
		t.Error("nothing stopped this one")
	}
}
