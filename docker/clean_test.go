package docker

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCleanDead: guard and working process are killed together, as by a machine
// that stops. A run that is going on stays.
func TestCleanDead(t *testing.T) {
	alive := newRun(t)
	e := alive.engine
	run := fmt.Sprintf("dead-%d", os.Getpid())
	p := startGuarded(t, "deaf", run)
	defer os.RemoveAll(p.dir)
	owner := ownerID(p.child)
	if ownerDead(hostID(), owner) {
		t.Fatal("the owner counts as dead before it is")
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.output()
	_ = p.cmd.Wait()
	for end := time.Now().Add(5 * time.Second); !ownerDead(hostID(), owner); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the owner was killed 5 s ago and does not count as dead")
		}
	}
	if left := labelled(t, e, labelRun+"="+run); len(left) != 3 {
		t.Fatalf("both were killed, and this is left: %v; want a container and two networks", left)
	}
	n, err := e.CleanDead(t.Context())
	if err != nil || n.Containers < 1 || n.Networks < 2 {
		t.Errorf("removed %+v, %v", n, err)
	}
	if left := labelled(t, e, labelRun+"="+run); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat(p.dir); !os.IsNotExist(err) {
		t.Errorf("its temporary folder is left: %v", err)
	}
	if left := labelled(t, e, labelRun+"="+alive.id); len(left) != 2 {
		t.Errorf("of the run that is going on, this is left: %v", left)
	}
}

// TestCleanTemp: folders of owners that are gone are removed, and no others.
func TestCleanTemp(t *testing.T) {
	dir, alive := t.TempDir(), ownerID(os.Getpid())
	gone := strconv.Itoa(os.Getpid()) + ":1" // our number, at another time
	for name, stays := range map[string]bool{
		"proxylab-alone-" + alive + "-binary-1": true,
		"proxylab-abc-" + gone + "-binary-2":    false,
		"proxylab-notes":                        true,
		"proxylab-my-own-very-old-folder":       true,
		"proxylab-a-b:c-d-e":                    true,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Join(path, "inside"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := cleanTemp(dir); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("%s: stays %v, want %v", name, err == nil, stays)
		}
	}
}

// TestTwoRunsOfOneID: two processes that start within one second make the same
// id. The end of one is not the end of the other.
func TestTwoRunsOfOneID(t *testing.T) {
	ours := newRun(t)
	startProbe(t, ours, "probe", nil)
	p := startGuarded(t, "obedient", ours.id)
	defer os.RemoveAll(p.dir)
	if left := labelled(t, ours.engine, labelRun+"="+ours.id); len(left) != 6 {
		t.Fatalf("two runs of a container and two networks each are %v", left)
	}
	if err := syscall.Kill(p.cmd.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.output()
	_ = p.cmd.Wait()
	if left := labelled(t, ours.engine, labelRun+"="+ours.id); len(left) != 3 {
		t.Errorf("after the other's end, ours is %v", left)
	}
}

func TestCleanOneRun(t *testing.T) {
	other, r := newRun(t), (*Run)(nil)
	var err error
	if r, err = other.engine.NewRun(t.Context(), other.id+"-2"); err != nil {
		t.Fatal(err)
	}
	c := startProbe(t, r, "probe", nil)
	if err := c.Pause(t.Context()); err != nil { // a paused one does not die by a signal
		t.Fatal(err)
	}
	n, err := r.engine.Clean(t.Context(), r.id)
	if err != nil || n != (Removed{Containers: 1, Networks: 2}) {
		t.Errorf("removed %+v, %v", n, err)
	}
	if left := labelled(t, r.engine, labelRun+"="+other.id); len(left) != 2 {
		t.Errorf("of another run, this is left: %v", left)
	}
	if err := r.Close(); err != nil {
		t.Errorf("closing a run that was cleaned: %v", err)
	}
}

func TestRunIDs(t *testing.T) {
	for _, id := range []string{"", "-x", "a b", "a/b", strings.Repeat("x", 102)} {
		if _, err := (&Engine{}).NewRun(t.Context(), id); err == nil || !strings.Contains(err.Error(), "run id") {
			t.Errorf("%q: %v", id, err)
		}
	}
}
