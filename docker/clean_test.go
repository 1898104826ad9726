package docker

import (
	"fmt"
	"os"
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
	if left := labelled(t, e, labelRun+"="+alive.id); len(left) != 2 {
		t.Errorf("of the run that is going on, this is left: %v", left)
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
