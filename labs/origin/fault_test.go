package origin_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"proxylab/labs/origin"
)

func TestFaultIsObeyedUntilItIsOver(t *testing.T) {
	url, control, _ := start(t)
	well := func() {
		t.Helper()
		if a := ask(t, "GET", url+"/size/10", ""); a.StatusCode != 200 || a.body != string(origin.SizeBytes(10)) {
			t.Errorf("%d %q", a.StatusCode, a.body)
		}
	}
	fail := func(fault string) {
		t.Helper()
		if a := ask(t, "PUT", control+"/fault", fault); a.StatusCode != 200 || strings.Join(strings.Fields(a.body), " ") != fault {
			t.Errorf("%s is answered with %d %q", fault, a.StatusCode, a.body)
		}
	}
	well()
	fail(`{ "status": 503 }`)
	for _, path := range []string{"/size/10", "/delay/5m/size/10", "/nothing"} {
		if a := ask(t, "GET", url+path, ""); a.StatusCode != 503 || a.body != "503 Service Unavailable\n" || a.Header.Get("X-Origin") != "a" {
			t.Errorf("%s: %d %q", path, a.StatusCode, a.body)
		}
	}
	fail(`{ "reset": true }`)
	if _, err := client.Get(url + "/size/10"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v, want a reset", err)
	}
	fail(`{ "delay": "30ms" }`)
	began := time.Now()
	well()
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
	if a := ask(t, "GET", control+"/ready", ""); a.body != origin.ReadyBody {
		t.Error("the control listener fails too")
	}
	fail(`{}`)
	well()
}

// What was under way when the fault began is answered as before it.
func TestFaultSparesRequestsUnderWay(t *testing.T) {
	url, _, s := start(t)
	got := make(chan int, 1)
	go func() {
		resp, err := client.Get(url + "/delay/100ms/size/10")
		if err != nil {
			got <- 0
			return
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		got <- resp.StatusCode
	}()
	for deadline := time.Now().Add(10 * time.Second); s.Counts().Active == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the request does not arrive")
		}
	}
	if err := s.Fail(origin.Fault{Status: 500}); err != nil {
		t.Fatal(err)
	}
	if status := <-got; status != 200 {
		t.Errorf("status %d", status)
	}
}

func TestFaultsThatCannotBe(t *testing.T) {
	_, control, s := start(t)
	for fault, says := range map[string]string{
		`{"status": 200}`:                "status 200 is not from 500 to 599",
		`{"delay": "-1s"}`:               "delay -1s is not from",
		`{"delay": "1h"}`:                "delay 1h0m0s is not from",
		`{"delay": 300}`:                 "cannot unmarshal number",
		`{"status": 503, "reset": true}`: "has no status",
		`{"statsu": 503}`:                `unknown field "statsu"`,
		`{} {}`:                          "something follows",
		`{"status"`:                      "unexpected EOF",
		``:                               "EOF",
	} {
		a := ask(t, http.MethodPut, control+"/fault", fault)
		if a.StatusCode != 400 || !strings.Contains(a.body, says) || !strings.Contains(a.body, "\nhint: ") {
			t.Errorf("%s: %d %q", fault, a.StatusCode, a.body)
		}
	}
	if s.Fault() != (origin.Fault{}) {
		t.Errorf("it fails: %+v", s.Fault())
	}
}
