package proxy

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"proxylab/proxy/site"
)

// backlog asks the kernel how many connections may wait.
func (r *running) backlog(t *testing.T) int {
	t.Helper()
	n := 0
	var asking error
	err := r.controlListener(func(fd uintptr) {
		var info *unix.TCPInfo
		if info, asking = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); asking == nil {
			n = int(info.Sacked) // of a socket that listens
		}
	})
	if err != nil || asking != nil {
		t.Fatal(err, asking)
	}
	return n
}

func TestBacklogIsThatOfTheSite(t *testing.T) {
	member := refusing(t)
	p := serve(t, func(s *site.Site) { s.Socket.Backlog = 17 }, member)
	if n := p.backlog(t); n != 17 {
		t.Errorf("%d may wait, want 17", n)
	}
	ask(t, dial(t, p.addr), "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n") // it serves
	if n := p.backlog(t); n != 17 {
		t.Errorf("%d may wait while it serves, want 17", n)
	}
	if err := p.Reload(reloaded(t, func(s *site.Site) { s.Socket.Backlog = 5 }, member)); err != nil {
		t.Fatal(err)
	}
	if n := p.backlog(t); n != 5 {
		t.Errorf("%d may wait after the reload, want 5", n)
	}
}

func TestTwoProxiesShareAnAddress(t *testing.T) {
	share := func(s *site.Site) { s.Socket.ReusePort = true }
	one := serve(t, share, origin(t, answering(sized("one"))))
	two := serve(t, func(s *site.Site) { share(s); s.Listen = one.addr }, origin(t, answering(sized("two"))))
	got := make(map[string]int)
	for range 200 {
		c := dial(t, one.addr)
		_, body := ask(t, c, get)
		got[body]++
		c.Close()
	}
	if got["one"] == 0 || got["two"] == 0 {
		t.Errorf("answers %v, want both", got)
	}
	two.stop(t)
	if _, body := ask(t, dial(t, one.addr), get); body != "one" {
		t.Errorf("got %q from who is left", body)
	}
	declared := reloaded(t, func(s *site.Site) { s.Listen = one.addr }, refusing(t))
	if _, err := New(declared, Options{Logger: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(HintOf(err), "reuseport") {
		t.Errorf("a third without reuseport: error %v, hint %q", err, HintOf(err))
	}
	if err := one.Reload(reloaded(t, nil, refusing(t))); err == nil || !strings.Contains(HintOf(err), "restart") {
		t.Errorf("reload without reuseport: error %v, hint %q", err, HintOf(err))
	}
}

// Without file descriptors accept backs off, says so once, and goes on when there
// are some. The test runs in a process of its own, whose limit it lowers.
func TestAcceptWithoutDescriptors(t *testing.T) {
	if os.Getenv("PROXY_TEST_DESCRIPTORS") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestAcceptWithoutDescriptors$", "-test.v")
		cmd.Env = append(os.Environ(), "PROXY_TEST_DESCRIPTORS=1")
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS")) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	p := serve(t, func(s *site.Site) { s.Limits.Connections = 100 }, origin(t, answering(sized("ok"))))
	first := dial(t, p.addr)
	ask(t, first, get)
	waiting := dial(t, p.addr) // its descriptor here is there, the proxy's will not be
	ask(t, waiting, get)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	spare, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	// A client's socket is made with the last descriptor; none is left to accept it.
	low := syscall.Rlimit{Cur: uint64(spare.Fd()) + 1, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	spare.Close()
	late, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	late.Write([]byte(get))
	eventually(t, "a warning", func() bool { return strings.Contains(p.notes.String(), "level=WARN") })
	ask(t, first, get) // those that are connected are served on
	late.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if n, err := late.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes though it cannot have been accepted", n)
	}
	if n := strings.Count(p.notes.String(), "\n"); n != 1 {
		t.Errorf("%d lines, want 1:\n%s", n, p.notes.String())
	}
	late.SetReadDeadline(time.Time{})
	waiting.Close() // at both ends: two descriptors
	if status, _ := ask(t, late, ""); status != 200 {
		t.Errorf("status %d", status)
	}
	eventually(t, "word that it is over", func() bool { return strings.Contains(p.notes.String(), "accepted again") })
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}
