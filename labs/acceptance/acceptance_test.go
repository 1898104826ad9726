package acceptance_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"proxylab/labs/acceptance"
	"proxylab/labs/origin"
	"proxylab/labs/systems"
)

// process is a proxy as a process of this machine.
type process struct {
	t       *testing.T
	program []string
	env     []string
	words   systems.Words
	dir     string
	addr    string
	args    []string
	environ []string
	cmd     *exec.Cmd
}

func (p *process) Start(ctx context.Context, s acceptance.Settings) error {
	p.end(syscall.SIGKILL)
	p.dir = p.t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	p.addr = "127.0.0.1:" + port
	if s.InFile && p.words.Config.Text == "" {
		return errors.New("system.yaml has no config")
	}
	given := p.words.Give(systems.Launch{Port: port, Backends: s.Backends, TTL: int(s.TTL / time.Second),
		CacheDir: filepath.Join(p.dir, "cache"), LogFile: filepath.Join(p.dir, "log"), InFile: s.InFile, Config: filepath.Join(p.dir, "config")})
	if given.File != nil {
		if err := os.WriteFile(given.File.Path, given.File.Data, 0o644); err != nil {
			return err
		}
	}
	p.args, p.environ = append(p.program[1:len(p.program):len(p.program)], given.Args...), append(os.Environ(), p.env...)
	for name, value := range given.Env {
		p.environ = append(p.environ, name+"="+value)
	}
	return p.Again(ctx)
}

func (p *process) Again(ctx context.Context) error {
	out, err := os.OpenFile(filepath.Join(p.dir, "out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	p.cmd = exec.Command(p.program[0], p.args...)
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout = p.environ, p.dir, out
	if testing.Verbose() {
		p.cmd.Stderr = os.Stderr
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", p.addr); err == nil {
			return c.Close()
		}
	}
	return errors.New("it does not listen")
}

func (p *process) end(s syscall.Signal) {
	if p.cmd != nil {
		p.cmd.Process.Signal(s)
		p.cmd.Wait()
		p.cmd = nil
	}
}

func (p *process) Addr() string               { return p.addr }
func (p *process) Kill(context.Context) error { p.end(syscall.SIGKILL); return nil }
func (p *process) Stop(context.Context) error { p.end(syscall.SIGTERM); return nil }
func (p *process) read(f string) (string, error) {
	data, err := os.ReadFile(filepath.Join(p.dir, f))
	return string(data), err
}
func (p *process) Output(context.Context) (string, error) { return p.read("out") }
func (p *process) Log(context.Context) (string, error)    { return p.read("log") }

func (p *process) Cached(context.Context) (map[string]int64, error) {
	files := map[string]int64{}
	err := filepath.WalkDir(filepath.Join(p.dir, "cache"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			files[path] = info.Size()
		}
		return err
	})
	return files, err
}

// server is an origin server in this process.
type server struct {
	*origin.Server
	addr string
	http *http.Server
}

func (s *server) Backend() string                               { return s.addr }
func (s *server) Counts(context.Context) (origin.Counts, error) { return s.Server.Counts(), nil }

func (s *server) Stop(context.Context) error {
	err := s.http.Close()
	s.http = nil
	return err
}

func (s *server) Start(context.Context) error {
	if s.http != nil {
		return nil
	}
	if s.addr == "" {
		s.addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return err
	}
	s.addr, s.http = l.Addr().String(), &http.Server{Handler: s.Server}
	go s.http.Serve(l)
	return nil
}

// rig has the proxy in front of three origin servers.
func rig(t *testing.T, p *process) acceptance.Rig {
	p.t = t
	t.Cleanup(func() { p.end(syscall.SIGKILL) })
	r := acceptance.Rig{Proxy: p}
	for i := range 3 {
		s := &server{Server: origin.New(fmt.Sprintf("origin-%d", i+1))}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if s.http != nil {
				s.http.Close()
			}
		})
		r.Origins = append(r.Origins, s)
	}
	return r
}

// examine wants full marks, but for the checks named.
func examine(t *testing.T, p *process, but ...string) {
	t.Helper()
	results, err := acceptance.Run(t.Context(), rig(t, p), nil)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	acceptance.Write(&text, results)
	var lost []string
	for _, r := range results {
		if r.Earned < r.Points {
			lost = append(lost, r.Name)
		}
	}
	if strings.Join(lost, " ") != strings.Join(but, " ") {
		t.Errorf("it fails %v, not %v\n%s", lost, but, &text)
	}
}

func TestProxydHasFullMarks(t *testing.T) {
	program := filepath.Join(t.TempDir(), "proxyd")
	build := exec.Command("go", "build", "-o", program, "proxylab/proxy/cmd/proxyd")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	words, err := systems.ReadWords("testdata/proxyd/system.yaml")
	if err != nil {
		t.Fatal(err)
	}
	examine(t, &process{program: []string{program}, words: words})
}

// naiveWords are those of the small proxy of naive_test.go.
var naiveWords = func() (w systems.Words) {
	w.Config.Path = "/tmp/config"
	w.Config.Text = "PORT={PORT}\nBACKENDS={BACKENDS}\n"
	return w
}()

func TestSoundProxyHasFullMarks(t *testing.T) {
	examine(t, &process{program: []string{os.Args[0]}, env: []string{"NAIVE_PROXY=yes"}, words: naiveWords})
}

// TestEachCheckCanFail breaks the sound proxy in one way for each check, which then
// takes its points with a reason that says what was seen, and a hint.
func TestEachCheckCanFail(t *testing.T) {
	reasons := map[string]string{
		"get": "answered 201, not 200", "head": "answered 405", "post": "the origin server got POST with 50000 bytes",
		"not-found": "answered 200, not 404", "bad-request": "answered 500, not 400", "bad-gateway": "answered 500",
		"concurrency": "while 4 requests wait", "round-robin": "[12 0 0]", "pages": "100000 bytes, not",
		"log-output": "standard output has no line", "log-file": "the log file",
		"cache-hit": "asked again, with all origin servers down", "cache-ttl": "asked again after 5 s, the origin servers answered 0 times",
		"cache-restart": "stopped and started", "cache-kill": "killed and started", "cache-dir": "below CACHE_DIR",
		"config-file": "it did not start", "malformed": "no answer", "load": "of 1000 requests had no right answer",
		"keep-alive": "request 2 on one connection", "chunked": "answered 501", "failover": "with one of three origin servers down",
	}
	for _, name := range acceptance.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of them wait
			p := &process{program: []string{os.Args[0]}, env: []string{"NAIVE_PROXY=yes", "BREAK=" + name}, words: naiveWords}
			results, err := acceptance.Run(t.Context(), rig(t, p), []string{name})
			if err != nil {
				t.Fatal(err)
			}
			r := results[0]
			if want := reasons[name]; r.Earned != 0 || want == "" || !strings.Contains(r.Reason, want) || r.Hint == "" {
				t.Errorf("%d of %d, reason %q, want %q; hint %q", r.Earned, r.Points, r.Reason, want, r.Hint)
			}
		})
	}
}

func TestDemandsMakeAHundredPoints(t *testing.T) {
	if points := acceptance.Points(); points != 100 {
		t.Errorf("%d points", points)
	}
}

func TestUnknownCheck(t *testing.T) {
	_, err := acceptance.Run(t.Context(), acceptance.Rig{}, []string{"gte"})
	if err == nil || !strings.Contains(err.Error(), "hint: known are get, head") {
		t.Error(err)
	}
}
