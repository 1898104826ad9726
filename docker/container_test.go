package docker

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

func TestContainerGetsWhatItsSpecSays(t *testing.T) {
	r := newRun(t)
	c := startProbe(t, r, "probe", func(s *ContainerSpec) {
		s.Env = map[string]string{"COLOUR": "blue"}
		s.Files = map[string]File{"/etc/lab/site.yaml": {[]byte("listen: 80\n"), 0o640}}
		s.Labels = map[string]string{"extra": "yes", labelRun: "somebody else's"}
		s.Limits = Limits{CPUs: 0.5, Memory: 64 << 20, Cpuset: "0"}
		s.StopSignal = "SIGWINCH"
	})
	for _, row := range []struct{ claim, got, want string }{
		{"environment", ask(t, c, "/env", "key", "COLOUR"), "blue"},
		{"file", ask(t, c, "/read", "path", "/etc/lab/site.yaml"), "listen: 80\n"},
		{"the file's mode", ask(t, c, "/mode", "path", "/etc/lab/site.yaml"), "-rw-r-----"},
	} {
		if row.got != row.want {
			t.Errorf("%s: %q, want %q", row.claim, row.got, row.want)
		}
	}
	if status := ask(t, c, "/read", "path", "/proc/self/status"); !strings.Contains(status, "NoNewPrivs:\t1") || !strings.Contains(status, "Cpus_allowed_list:\t0\n") {
		t.Errorf("new privileges are possible, or the cpuset is not 0:\n%s", status)
	}
	i, err := r.engine.cli.ContainerInspect(t.Context(), c.ID, client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for port, bindings := range i.Container.NetworkSettings.Ports {
		for _, b := range bindings {
			if b.HostIP != r.engine.stand.publish {
				t.Errorf("port %s is published on %s", port, b.HostIP)
			}
		}
	}
	if l := i.Container.Config.Labels; l[labelRun] != r.id || l["extra"] != "yes" || i.Container.Config.StopSignal != "SIGWINCH" {
		t.Errorf("labels %v, stop signal %q", l, i.Container.Config.StopSignal)
	}
}

// TestLimitsInTheCgroup reads the kernel's own files from inside.
func TestLimitsInTheCgroup(t *testing.T) {
	r := newRun(t)
	c := startProbe(t, r, "probe", func(s *ContainerSpec) { s.Limits = Limits{CPUs: 0.5, Memory: 64 << 20} })
	files := map[string]string{"cpu.max": "2500 5000\n", "memory.max": "67108864\n", "memory.swap.max": "0\n"}
	facts, err := r.engine.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if facts.CgroupVersion == "1" {
		files = map[string]string{"cpu/cpu.cfs_quota_us": "2500\n", "cpu/cpu.cfs_period_us": "5000\n", "memory/memory.limit_in_bytes": "67108864\n"}
	}
	for file, want := range files {
		if got := ask(t, c, "/read", "path", "/sys/fs/cgroup/"+file); got != want {
			t.Errorf("%s is %q, want %q", file, got, want)
		}
	}
}

func TestUsage(t *testing.T) {
	r := newRun(t)
	c := startProbe(t, r, "probe", func(s *ContainerSpec) { s.Limits = Limits{CPUs: 0.4} })
	usage := func() Usage {
		u, err := c.Usage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	before := usage()
	started := time.Now()
	ask(t, c, "/burn", "for", "1s")
	burnt := usage()
	took := time.Since(started).Seconds()
	ask(t, c, "/hold", "bytes", strconv.Itoa(48<<20))
	after := usage()

	if share := (burnt.CPUSeconds - before.CPUSeconds) / took; share < 0.2 || share > 0.5 {
		t.Errorf("a busy loop under a quota of 0.4 CPUs used %.2f", share)
	}
	if burnt.ThrottledPeriods <= before.ThrottledPeriods || burnt.ThrottledSeconds <= before.ThrottledSeconds {
		t.Errorf("a busy loop was not throttled: %+v", burnt)
	}
	if grown := after.MemoryBytes - before.MemoryBytes; grown < 40<<20 || grown > 80<<20 {
		t.Errorf("holding 48 MiB made memory grow by %d bytes", grown)
	}
	if err := c.Kill(t.Context(), "KILL"); err != nil {
		t.Fatal(err)
	}
	waitGone(t, c)
	if u, err := c.Usage(t.Context()); err == nil {
		t.Errorf("a dead container has figures: %+v", u)
	}
}

// waitGone waits until the container does not run.
func waitGone(t *testing.T, c *Container) {
	t.Helper()
	w := c.run.engine.cli.ContainerWait(t.Context(), c.ID, client.ContainerWaitOptions{})
	select {
	case <-w.Result:
	case err := <-w.Error:
		t.Fatal(err)
	}
}

func TestPauseKillRestart(t *testing.T) {
	r := newRun(t)
	ctx := t.Context()
	c := startProbe(t, r, "probe", func(s *ContainerSpec) { s.Networks, s.Address = []Network{Back}, 12 })
	answers := func() bool { return answersWithin(c, 300*time.Millisecond) }
	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	do("pause", c.Pause(ctx))
	if answers() {
		t.Error("it answers while paused")
	}
	do("unpause", c.Unpause(ctx))
	if !answers() {
		t.Error("it does not answer after unpause")
	}
	do("kill", c.Kill(ctx, "KILL"))
	waitGone(t, c)
	if answers() {
		t.Error("it answers after kill")
	}
	do("restart", c.Restart(ctx))
	do("wait", c.Wait(ctx, *probeReady))
	if !answers() || c.IP(Back) != r.Address(12) {
		t.Errorf("after restart it does not answer, or moved to %s", c.IP(Back))
	}
	do("stop", c.Stop(ctx))
	if answers() {
		t.Error("it answers after stop")
	}
}

func TestLogs(t *testing.T) {
	r := newRun(t)
	c := startProbe(t, r, "probe", nil)
	ask(t, c, "/log", "text", "written to standard error")
	if err := c.Kill(t.Context(), "KILL"); err != nil {
		t.Fatal(err)
	}
	waitGone(t, c) // the engine has a dead container's whole log
	log, err := c.Logs(t.Context())
	if err != nil || !strings.HasSuffix(log, "written to standard error\n") {
		t.Errorf("%q, %v", log, err)
	}
}

func TestExecWithoutAShell(t *testing.T) {
	r := newRun(t)
	c := startProbe(t, r, "probe", nil)
	code, out, err := c.Exec(t.Context(), "/app", "die")
	if code != 7 || out != "this is the last word\n" || err != nil {
		t.Errorf("%d, %q, %v", code, out, err)
	}
}

func TestStartFailures(t *testing.T) {
	r := newRun(t)
	for _, row := range []struct {
		claim string
		spec  ContainerSpec
		says  []string
		least time.Duration
	}{
		{"it ends at once", ContainerSpec{Cmd: []string{"die"}, Ready: probeReady},
			[]string{"ended before it was ready (GET /healthz on port 9000)", "exit code 7", "\tthis is the last word", "hint: "}, 0},
		{"the wrong body", ContainerSpec{Ready: &Ready{Port: "9000", Path: "/healthz", Body: "fine\n", Within: 300 * time.Millisecond}},
			[]string{"not ready within 300ms", `answered 200 with body "ok\n", not "fine\n"`}, 300 * time.Millisecond},
		{"another status", ContainerSpec{Ready: &Ready{Port: "9000", Path: "/nothing", Body: "ok\n", Within: 300 * time.Millisecond}},
			[]string{"answered 404 Not Found"}, 300 * time.Millisecond},
		{"it listens to nothing", ContainerSpec{Cmd: []string{"hold"}, Ready: &Ready{Port: "9000", Path: "/healthz", Body: "ok\n", Within: 300 * time.Millisecond}},
			[]string{"not ready within 300ms", "hint: it runs; does it listen"}, 300 * time.Millisecond},
		{"no such image", ContainerSpec{Image: "proxylab/nothing:here", Ready: probeReady}, []string{"the engine has no image proxylab/nothing:here"}, 0},
		{"a spec full of faults", ContainerSpec{Networks: []Network{"middle"}, Address: 200, Publish: []string{"http"}, Limits: Limits{CPUs: 0.1}},
			[]string{`network "middle"`, "address 200 is not between", `port "http"`, "0.1 CPUs"}, 0},
		{"more cores than there are", ContainerSpec{Limits: Limits{Cpuset: "0-4095"}}, []string{"hint: the cpuset"}, 0},
	} {
		t.Run(row.claim, func(t *testing.T) {
			s := row.spec
			s.Name = "failing"
			if s.Image == "" {
				s.Image = shared.probe.Ref
			}
			if s.Networks == nil {
				s.Networks = []Network{Front}
			}
			started := time.Now()
			_, err := r.Start(t.Context(), s)
			if err == nil {
				t.Fatal("it started")
			}
			for _, part := range row.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not say %q:\n%v", part, err)
				}
			}
			if took := time.Since(started); took < row.least || took > row.least+6*time.Second {
				t.Errorf("noticed after %s", took)
			}
			if left := labelled(t, r.engine, labelRun+"="+r.id); len(left) != 2 {
				t.Errorf("more than the networks is left: %v", left)
			}
		})
	}
}

func TestCancelledStartLeavesNoContainer(t *testing.T) {
	r := newRun(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Second, cancel)
	_, err := r.Start(ctx, ContainerSpec{Name: "late", Image: shared.probe.Ref, Networks: []Network{Front}, Cmd: []string{"hold"}, Ready: probeReady})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if left := labelled(t, r.engine, labelRun+"="+r.id); len(left) != 2 {
		t.Errorf("more than the networks is left: %v", left)
	}
}

// TestExposedPortsAreNotPublished: an image may name ports; only a spec opens them.
func TestExposedPortsAreNotPublished(t *testing.T) {
	r := newRun(t)
	goos, goarch := r.engine.Platform()
	app, err := Binary(t.Context(), ".", "./testdata/probe", goos, goarch)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := tarOf(map[string]File{"app": {app, 0o755}})
	if err != nil {
		t.Fatal(err)
	}
	const ref = "proxylab/test-exposed:1"
	resp, err := r.engine.cli.ImageImport(t.Context(), client.ImageImportSource{Source: strings.NewReader(string(archive)), SourceName: "-"}, ref,
		client.ImageImportOptions{Changes: []string{"EXPOSE 9000", `ENTRYPOINT ["/app"]`}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close() // first the container
		if _, err := r.engine.cli.ImageRemove(context.Background(), ref, client.ImageRemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	})
	c := startProbe(t, r, "probe", func(s *ContainerSpec) { s.Image, s.Ready = ref, nil })
	if a := c.Addr("9000"); a != "" {
		t.Errorf("published at %s", a)
	}
}
