package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// awaitLine waits until a file of a background program has a line that matches,
// and puts its first group into a variable: awaitline FILE REGEXP [NAME].
func awaitLine(ts *testscript.TestScript, _ bool, args []string) {
	re := regexp.MustCompile(args[1])
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if m := re.FindStringSubmatch(ts.ReadFile(args[0])); m != nil {
			if len(args) > 2 {
				ts.Setenv(args[2], m[1])
			}
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s never had %s:\n%s", args[0], args[1], ts.ReadFile(args[0]))
		}
	}
}

// get asks for a URL and wants a status: get URL STATUS.
func get(ts *testscript.TestScript, _ bool, args []string) {
	req, err := http.NewRequest(http.MethodGet, args[0], nil)
	ts.Check(err)
	answer(ts, req, args[1])
}

// answer sends a request and wants a status.
func answer(ts *testscript.TestScript, req *http.Request, status string) {
	t := &http.Transport{}
	defer t.CloseIdleConnections()
	res, err := (&http.Client{Transport: t, Timeout: 5 * time.Second}).Do(req)
	ts.Check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	if strconv.Itoa(res.StatusCode) != status {
		ts.Fatalf("status %s, want %s: %s", res.Status, status, body)
	}
}

// patch sends a change as JSON and wants a status: patch URL JSON STATUS.
func patch(ts *testscript.TestScript, _ bool, args []string) {
	req, err := http.NewRequest(http.MethodPatch, args[0], strings.NewReader(args[1]))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	answer(ts, req, args[2])
}

// refused wants that nobody listens there any more: refused URL.
func refused(ts *testscript.TestScript, _ bool, args []string) {
	u, err := url.Parse(args[0])
	ts.Check(err)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			return
		}
		c.Close()
		if time.Now().After(deadline) {
			ts.Fatalf("%s takes connections", u.Host)
		}
	}
}

// exits runs a program and wants an exit status: exits STATUS PROGRAM ARG...
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}
