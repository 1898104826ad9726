package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// The test binary is the program when it is told so.
func TestMain(m *testing.M) {
	if os.Getenv("ORIGIN_MAIN") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

func program(args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), "ORIGIN_MAIN=1")
	return c
}

func TestServesUntilSIGTERMAndFinishesWhatRuns(t *testing.T) {
	c := program("--name", "b", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0")
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Process.Kill()
	line, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addrs := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindAllString(line, -1)
	if len(addrs) != 2 || !strings.HasPrefix(line, "origin b: ") {
		t.Fatalf("first line: %q", line)
	}
	if body := get(t, "http://"+addrs[1]+"/ready"); !strings.Contains(body, "ready") {
		t.Errorf("/ready: %q", body)
	}
	slow := make(chan string, 1)
	go func() { slow <- get(t, "http://"+addrs[0]+"/delay/300ms") }()
	for !strings.Contains(get(t, "http://"+addrs[1]+"/counts"), `"active": 1`) && !t.Failed() {
		continue // until it is under way
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if body := <-slow; body != "waited 300ms\n" {
		t.Errorf("the request under way got %q", body)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
}

func TestPortInUseIsOneClearError(t *testing.T) {
	out, err := program("--listen", "127.0.0.1:99999").CombinedOutput()
	if err == nil || !strings.HasPrefix(string(out), "error: --listen 127.0.0.1:99999: ") || !strings.Contains(string(out), "\n\thint: ") {
		t.Errorf("%v: %s", err, out)
	}
}

func get(t *testing.T, url string) string {
	resp, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}
