package main

import (
	"bufio"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var kills = flag.Int("kills", 5, "how many times proxyd is killed by the crash test")

// names of what the origin has; sizes are from nothing to 2 MB.
const names = 200

func sizeOf(name int) int {
	if name%50 == 7 {
		return 2_000_000
	}
	return name * name * 5
}

// TestCrash kills a proxyd that stores under load, again and again. The next one, on
// the same folder, answers from it what is right by its hash, or not at all; and it
// answers something.
func TestCrash(t *testing.T) {
	origin := originOfNames(t)
	dir := t.TempDir()
	for i := range *kills {
		p := startProxyd(t, "--listen", "127.0.0.1:0", "--backend", origin, "--cache-dir", dir)
		found := 0
		for name := range names {
			status, err := p.ask(name, "only-if-cached")
			if err != nil || status != 200 && status != 504 {
				t.Fatalf("kill %d: /%d: status %d, %v", i, name, status, err)
			}
			if status == 200 {
				found++
			}
		}
		if i > 0 && found == 0 {
			t.Errorf("kill %d: nothing is left", i)
		}
		t.Logf("after %d kills %d of %d are there", i, found, names)
		p.loadAndKill(t)
	}
}

// originOfNames has bodies that follow from the names, for an hour.
func originOfNames(t *testing.T) (url string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _ := strconv.Atoi(r.URL.Path[1:])
		body := make([]byte, sizeOf(name))
		rand.NewChaCha8([32]byte{byte(name)}).Read(body)
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header().Set("X-Hash", hashOf(body))
		w.Write(body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func hashOf(b []byte) string {
	h := fnv.New64a()
	h.Write(b)
	return strconv.FormatUint(h.Sum64(), 16)
}

type program struct {
	*exec.Cmd
	addr   string
	client http.Client
	notes  notes // what it says on standard error
}

// notes are read while they are written.
type notes struct {
	mu sync.Mutex
	b  strings.Builder
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

var listens = regexp.MustCompile(`listens on (127\.0\.0\.1:\d+)`)

// startProxyd starts the program, which testscript.Main has put on the path.
func startProxyd(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{Cmd: exec.Command("proxyd", args...)}
	said, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(said)
	for p.addr == "" {
		line, err := r.ReadString('\n')
		io.WriteString(&p.notes, line)
		if m := listens.FindStringSubmatch(line); m != nil {
			p.addr = m[1]
		} else if err != nil {
			t.Fatal(err)
		}
	}
	go io.Copy(&p.notes, r)
	p.client = http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: 30 * time.Second}
	return p
}

// ask wants a name, and compares what comes with its hash.
func (p *program) ask(name int, control string) (status int, err error) {
	req, err := http.NewRequest("GET", fmt.Sprintf("http://%s/%d", p.addr, name), nil)
	if err != nil {
		return 0, err
	}
	req.Host = "example.test" // whatever the port
	req.Header.Set("Cache-Control", control)
	res, err := p.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	if res.StatusCode == 200 && (len(body) != sizeOf(name) || hashOf(body) != res.Header.Get("X-Hash")) {
		return 0, fmt.Errorf("%d bytes, which are not those that belong there", len(body))
	}
	return res.StatusCode, nil
}

// loadAndKill has clients ask for everything until the process is killed among them.
func (p *program) loadAndKill(t *testing.T) {
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var asked sync.WaitGroup
	asked.Add(30)
	once := make(chan struct{}, 30)
	for range 8 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := p.ask(rand.IntN(names), "max-age=3600"); err != nil {
					select {
					case <-stop:
						return
					default:
						t.Error(err)
						return
					}
				}
				select {
				case once <- struct{}{}:
					asked.Done()
				default:
				}
			}
		})
	}
	asked.Wait()
	time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond) // a kill comes at any moment
	close(stop)
	p.Process.Kill()
	clients.Wait()
	p.Wait()
	p.client.CloseIdleConnections()
}
