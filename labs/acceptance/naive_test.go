package acceptance_test

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"os/signal"
)

// TestMain lets the test's own binary be the proxy that is examined.
func TestMain(m *testing.M) {
	if os.Getenv("NAIVE_PROXY") != "" {
		newNaive().serve()
		return
	}
	os.Exit(m.Run())
}

// naive is a small proxy on net/http that meets each demand, but for the one that
// BREAK names.
type naive struct {
	broken   string
	port     string
	backends []string
	ttl      time.Duration
	dir      string
	log      io.Writer
	turn     atomic.Int64
	one      sync.Mutex
	open     atomic.Int64
	client   http.Client
	memory   sync.Map // in the place of files, where those are broken
}

// kept is one response.
type kept struct {
	At     time.Time
	Status int
	Header http.Header
	Body   []byte
}

func newNaive() *naive {
	n := &naive{broken: os.Getenv("BREAK"), port: os.Getenv("PORT"), dir: os.Getenv("CACHE_DIR")}
	backends := os.Getenv("BACKENDS")
	if data, err := os.ReadFile(os.Getenv("CONFIG")); err == nil && n.broken != "config-file" {
		for line := range strings.Lines(string(data)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch name {
			case "PORT":
				n.port = value
			case "BACKENDS":
				backends = value
			}
		}
	}
	if n.port == "" {
		os.Exit(1)
	}
	n.backends = strings.Split(backends, ",")
	seconds, _ := strconv.Atoi(os.Getenv("CACHE_TTL"))
	n.ttl = time.Duration(seconds) * time.Second
	var logs []io.Writer
	if n.broken != "log-output" {
		logs = append(logs, os.Stdout)
	}
	if f, err := os.OpenFile(os.Getenv("LOG_FILE"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err == nil && n.broken != "log-file" {
		logs = append(logs, f)
	}
	n.log = io.MultiWriter(logs...)
	n.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if n.broken == "cache-restart" || n.broken == "cache-kill" {
		n.forgetful()
	}
	return n
}

// forgetful clears the cache at a stop, or keeps it in memory until one.
func (n *naive) forgetful() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		os.RemoveAll(n.dir)
		if n.broken == "cache-kill" {
			n.memory.Range(func(k, v any) bool { n.write(k.(string), v.(kept)); return true })
		}
		os.Exit(0)
	}()
}

func (n *naive) serve() {
	l, err := net.Listen("tcp", ":"+n.port)
	if err != nil {
		os.Exit(1)
	}
	s := &http.Server{Handler: http.HandlerFunc(n.handle)}
	s.SetKeepAlivesEnabled(n.broken != "keep-alive")
	s.Serve(&spoilt{l, n})
}

// spoilt breaks what happens before net/http has a request.
type spoilt struct {
	net.Listener
	n *naive
}

func (s *spoilt) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	switch s.n.broken {
	case "load":
		if s.n.open.Add(1) > 150 {
			s.n.open.Add(-1)
			c.Close()
			return s.Accept()
		}
		return &counted{Conn: c, open: &s.n.open}, nil
	case "bad-request", "malformed":
		return &picky{Conn: c, r: bufio.NewReader(c), crash: s.n.broken == "malformed"}, nil
	}
	return c, nil
}

type counted struct {
	net.Conn
	open *atomic.Int64
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// picky answers 500 to what does not begin as a request does, or falls over.
type picky struct {
	net.Conn
	r     *bufio.Reader
	crash bool
	asked bool
}

func (c *picky) Read(b []byte) (int, error) {
	if !c.asked {
		c.asked = true
		start, _ := c.r.Peek(5)
		if s := string(start); len(s) == 5 && !strings.HasPrefix(s, "GET /") && !strings.HasPrefix(s, "POST ") && !strings.HasPrefix(s, "HEAD ") {
			if c.crash {
				os.Exit(2)
			}
			io.WriteString(c.Conn, "HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n")
		}
	}
	return c.r.Read(b)
}

func (n *naive) handle(w http.ResponseWriter, r *http.Request) {
	if n.broken == "concurrency" {
		n.one.Lock()
		defer n.one.Unlock()
	}
	k := n.answer(r)
	n.spoil(r, &k)
	for name, values := range k.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(k.Status)
	w.Write(k.Body)
	io.WriteString(n.log, r.Method+" "+r.RequestURI+" "+strconv.Itoa(k.Status)+"\n")
}

func (n *naive) spoil(r *http.Request, k *kept) {
	switch {
	case n.broken == "get" && k.Status == 200:
		k.Status = 201
	case n.broken == "not-found" && k.Status == 404:
		k.Status = 200
	case n.broken == "bad-gateway" && k.Status == 502:
		k.Status = 500
	case n.broken == "pages" && len(k.Body) > 100_000:
		k.Body = k.Body[:100_000]
		k.Header.Del("Content-Length")
	}
}

func (n *naive) answer(r *http.Request) kept {
	switch {
	case n.broken == "head" && r.Method == "HEAD":
		return kept{Status: 405}
	case n.broken == "chunked" && r.ContentLength < 0:
		return kept{Status: 501}
	}
	cacheable := n.ttl > 0 && r.Method == "GET" && n.broken != "cache-hit"
	if k, ok := n.read(r.RequestURI); ok && cacheable && (time.Since(k.At) < n.ttl || n.broken == "cache-ttl") {
		return k
	}
	k := n.ask(r)
	if k.At = time.Now(); cacheable && k.Status == 200 {
		if n.broken == "cache-dir" || n.broken == "cache-kill" {
			n.memory.Store(r.RequestURI, k)
		} else {
			n.write(r.RequestURI, k)
		}
	}
	return k
}

// ask sends the request to the next origin server, and to another where that is down.
func (n *naive) ask(r *http.Request) kept {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return kept{Status: 400}
	}
	if n.broken == "post" {
		body = body[:len(body)/2]
	}
	for range n.backends {
		turn := int(n.turn.Add(1)) % len(n.backends)
		if n.broken == "round-robin" {
			turn = 0
		}
		req, err := http.NewRequest(r.Method, "http://"+n.backends[turn]+r.RequestURI, bytes.NewReader(body))
		if err != nil {
			return kept{Status: 400}
		}
		req = req.WithContext(r.Context())
		req.Header = r.Header.Clone()
		res, err := n.client.Do(req)
		if err != nil && n.broken != "failover" {
			continue
		}
		if err != nil {
			break
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			break
		}
		return kept{Status: res.StatusCode, Header: res.Header, Body: body}
	}
	return kept{Status: 502}
}

func (n *naive) file(target string) string {
	return filepath.Join(n.dir, hex.EncodeToString([]byte(target)))
}

func (n *naive) read(target string) (k kept, ok bool) {
	if v, ok := n.memory.Load(target); ok {
		return v.(kept), true
	}
	f, err := os.Open(n.file(target))
	if err != nil {
		return k, false
	}
	defer f.Close()
	return k, gob.NewDecoder(f).Decode(&k) == nil
}

func (n *naive) write(target string, k kept) {
	os.MkdirAll(n.dir, 0o755)
	var b bytes.Buffer
	gob.NewEncoder(&b).Encode(k)
	tmp := n.file(target) + ".new"
	os.WriteFile(tmp, b.Bytes(), 0o644)
	os.Rename(tmp, n.file(target))
}
