package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"proxylab/loadtest"
)

// The test binary is the program when it is told so.
func TestMain(m *testing.M) {
	if os.Getenv("LOADGEN_MAIN") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

func program(args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), "LOADGEN_MAIN=1")
	return c
}

func target(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	return s.URL
}

func plan(base string, length time.Duration) loadtest.Plan {
	return loadtest.Plan{
		Bases:       []string{base},
		Targets:     []loadtest.Target{{Path: "/"}},
		Phases:      []loadtest.Phase{{Shape: loadtest.Constant, Rate: 100, For: length}},
		Connections: 4,
		Timeout:     time.Second,
	}
}

func planFile(t *testing.T, p any) string {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunByHand(t *testing.T) {
	out, err := program("run", planFile(t, plan(target(t), 200*time.Millisecond))).Output()
	if err != nil {
		t.Fatal(err)
	}
	samples, end, err := loadtest.ReadRun(bytes.NewReader(out), nil)
	if err != nil || len(samples) != 20 || end.Sent != 20 || loadtest.Summary(samples).Right != 20 {
		t.Errorf("%v, %d samples, %+v", err, len(samples), end)
	}
}

func TestBadInputIsOneClearError(t *testing.T) {
	rows := map[string]struct {
		args []string
		want string
	}{
		"no such file": {[]string{"run", "/none/plan.json"}, "error: /none/plan.json: no such file or directory\n"},
		"bad plan":     {[]string{"run", planFile(t, map[string]int{"connections": 1})}, "plan.bases: none given\n\thint: "},
		"bad address":  {[]string{"--control", "127.0.0.1:99999"}, "error: --control 127.0.0.1:99999: "},
	}
	for name, row := range rows {
		out, err := program(row.args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), row.want) {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}

// serving starts the program on a control port.
func serving(t *testing.T) (*exec.Cmd, *loadtest.Client) {
	t.Helper()
	c := program("--control", "127.0.0.1:0")
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	line, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return c, &loadtest.Client{Addr: regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(line)}
}

// SIGTERM in the middle of a run: what was measured comes back, marked as
// stopped, and the exit status is 0, as docker stop expects.
func TestSIGTERMEndsARunInOrder(t *testing.T) {
	c, client := serving(t)
	sent := false
	samples, end, err := client.Run(t.Context(), plan(target(t), time.Minute), func(loadtest.Sample) {
		if !sent {
			sent = true
			c.Process.Signal(syscall.SIGTERM)
		}
	})
	if err != nil || end.Stopped == "" || len(samples) == 0 || len(samples) > 5000 {
		t.Errorf("%v, %d samples, %+v", err, len(samples), end)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
}

func TestAGeneratorThatIsKilledIsAnError(t *testing.T) {
	c, client := serving(t)
	killed := false
	samples, _, err := client.Run(t.Context(), plan(target(t), time.Minute), func(loadtest.Sample) {
		if !killed {
			killed = true
			c.Process.Kill()
		}
	})
	if err == nil || !strings.HasPrefix(err.Error(), "generator "+client.Addr+": ") || len(samples) == 0 {
		t.Errorf("%v, %d samples", err, len(samples))
	}
	c.Wait()
}

func TestSamplesAreExportedForVegeta(t *testing.T) {
	path := filepath.Join(t.TempDir(), "01-proxyd.csv.gz")
	samples := []loadtest.Sample{{Planned: 5e6, Start: 6e6, End: 9e6, Status: 200, Bytes: 7, Right: true}, {N: 1, Target: 1, Planned: 1e9, Start: 1e9, End: 2e9, Err: "reset"}}
	if err := loadtest.WriteFile(path, samples); err != nil {
		t.Fatal(err)
	}
	out, err := program("export", path, "--to", "json", "--zero", "2026-01-02T03:04:05Z", "--target", "POST http://h/a").Output()
	if err != nil {
		t.Fatal(err)
	}
	var first, second struct {
		Attack, Method, URL, Error string
		Timestamp                  time.Time
		Latency                    time.Duration
	}
	d := json.NewDecoder(bytes.NewReader(out))
	if err := d.Decode(&first); err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(&second); err != nil {
		t.Fatal(err)
	}
	if first.Attack != "01-proxyd" || first.Method != "POST" || first.URL != "http://h/a" || first.Latency != 4e6 ||
		!first.Timestamp.Equal(time.Date(2026, 1, 2, 3, 4, 5, 5e6, time.UTC)) || second.URL != "http://target-1/" || second.Error != "reset" {
		t.Errorf("%s", out)
	}
	for _, args := range [][]string{{"export", path, "--to", "xml"}, {"export", path, "--target", "GET"}, {"export", "none.csv.gz"}} {
		if out, err := program(args...).CombinedOutput(); err == nil || !strings.HasPrefix(string(out), "error: ") {
			t.Errorf("%v: %v %s", args, err, out)
		}
	}
}
