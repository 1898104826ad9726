package admin

import (
	"bufio"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"proxylab/proxy/balancer"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func basicAuth(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestConfigureGoesOverWholeOrNotAtAll(t *testing.T) {
	m := manage(t, Config{}, origins(t, nil))
	first := m.Addr().String()
	refused := errors.New("no")
	if err := m.Configure(Config{Listen: "localhost:0", Token: "0123456789abcdef"}, func() error { return refused }); err != refused {
		t.Fatal(err)
	}
	if m.Addr().String() != first {
		t.Error("the listener is another one")
	}
	if status, _, _ := m.ask("GET", "/", ""); status != 200 {
		t.Errorf("status %d: the secret holds", status)
	}
	// The same address keeps the listener, and the secret holds at once.
	if err := m.Configure(Config{Listen: "127.0.0.1:0", Token: "0123456789abcdef"}, nil); err != nil || m.Addr().String() != first {
		t.Fatal(err, m.Addr())
	}
	if status, _, _ := m.ask("GET", "/", ""); status != 401 {
		t.Errorf("status %d without the secret", status)
	}
	// Another address ends it.
	if err := m.Configure(Config{Listen: "localhost:0"}, nil); err != nil || m.Addr().String() == first {
		t.Fatal(err, m.Addr())
	}
	if c, err := net.Dial("tcp", first); err == nil {
		c.Close()
		t.Error("the address before still takes connections")
	}
	m.base = "http://" + m.Addr().String()
	if status, _, _ := m.ask("GET", "/", ""); status != 200 {
		t.Errorf("status %d", status)
	}
	if err := m.Configure(Config{}, nil); err != nil || m.Addr() != nil {
		t.Error(err, m.Addr())
	}
}

func TestALargeHeadIsRefused(t *testing.T) {
	m := manage(t, Config{}, origins(t, nil))
	r, err := http.NewRequest("GET", m.base+"/api/balancers", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X", strings.Repeat("a", 2*maxHead))
	res, err := m.http.Do(r)
	if err != nil {
		return // what was not read became a reset
	}
	defer res.Body.Close()
	if res.StatusCode != 431 {
		t.Error(res.Status)
	}
}

// A peer that never ends its request does not hold up the stop.
func TestCloseDoesNotWaitForAPeerThatIsSilent(t *testing.T) {
	m := manage(t, Config{}, origins(t, nil))
	c, err := net.Dial("tcp", m.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "PATCH "+change+" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" { // the body is waited for
		t.Fatal(line, err)
	}
	closed := make(chan struct{})
	go func() { m.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(8 * time.Second):
		t.Error("it waits")
	}
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.Copy(io.Discard, r); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection stays")
	}
}

func TestMetrics(t *testing.T) {
	b := origins(t, nil)
	var l balancer.Lease
	if err := b.Elect(nil, &l); err != nil {
		t.Fatal(err)
	}
	l.Done(balancer.Result{To: 5, From: 7, Took: 2 * time.Second})
	m := manage(t, Config{}, b)
	m.patch(change, `{"status": "+N", "loadfactor": 3}`)
	status, text, _ := m.ask("GET", "/metrics", "")
	if status != 200 {
		t.Fatal(status, text)
	}
	const who = `{balancer="origins",member="` + one + `"}`
	for _, want := range []string{
		"# TYPE proxyd_balancer_member_elected_total counter",
		"proxyd_balancer_member_elected_total" + who + " 1",
		"# TYPE proxyd_balancer_member_busy_exchanges gauge",
		"proxyd_balancer_member_busy_exchanges" + who + " 0",
		"proxyd_balancer_member_sent_bytes_total" + who + " 5",
		"proxyd_balancer_member_received_bytes_total" + who + " 7",
		"proxyd_balancer_member_latency_seconds" + who + " 2",
		"proxyd_balancer_member_loadfactor" + who + " 3",
		"proxyd_balancer_member_usable" + who + " 1",
		"proxyd_balancer_member_candidate" + who + " 0",
		`proxyd_balancer_member_status{balancer="origins",member="` + one + `",status="draining"} 1`,
		`proxyd_balancer_member_status{balancer="origins",member="` + two + `",status="draining"} 0`,
		`proxyd_balancer_member_info{balancer="origins",member="` + one + `",route="one"} 1`,
		`proxyd_balancer_info{balancer="origins",lbmethod="byrequests"} 1`,
		"proxyd_admin_changes_total 1",
		"go_goroutines ",
		"process_open_fds ",
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, "proxyd_balancer_member_check_success{") || strings.Contains(text, `latency_seconds{balancer="origins",member="`+two) {
		t.Error("a figure of what never was")
	}
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(collector{m.Server})
	problems, err := testutil.GatherAndLint(r)
	if err != nil || len(problems) > 0 {
		t.Error(err, problems)
	}
}
