package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"proxylab/proxy/site"
)

// curl runs curl and returns what it prints.
func curl(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("curl", append([]string{"-sS", "--noproxy", "*", "--max-time", "60", "--http1.1"}, args...)...)
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Run(); err != nil {
		t.Errorf("curl %q: %v: %s", args, err, &errors)
	}
	return out.String()
}

func sameAsFile(t *testing.T, what, got, want string) {
	t.Helper()
	g, err := os.ReadFile(got)
	if err != nil {
		t.Error(err)
	}
	w, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if sha256.Sum256(g) != sha256.Sum256(w) {
		t.Errorf("%s: %d bytes, or other ones, of %d", what, len(g), len(w))
	}
}

// curl before, and servers that others wrote behind.
func TestCurlAndRealOrigins(t *testing.T) {
	program(t, "curl")
	for name, start := range realOrigins {
		t.Run(name, func(t *testing.T) {
			o := start(t, "127.0.0.1:1")
			p := serve(t, nil, o.url)
			base := "http://" + p.addr
			t.Run("downloads", func(t *testing.T) { curlDownloads(t, base, o) })
			t.Run("uploads", func(t *testing.T) { curlUploads(t, base, o) })
			t.Run("ranges", func(t *testing.T) { curlRanges(t, base, o) })
			t.Run("HEAD and 304", func(t *testing.T) { curlHEADAnd304(t, base) })
			t.Run("keep-alive", func(t *testing.T) { curlKeepAlive(t, base, o) })
			t.Run("pipelining", func(t *testing.T) { pipelining(t, p.addr) })
		})
	}
}

func curlDownloads(t *testing.T, base string, o *realOrigin) {
	out := filepath.Join(t.TempDir(), "out")
	for _, size := range fileSizes {
		for _, place := range []string{"files", "chunked"} {
			for _, version := range []string{"--http1.1", "-0"} {
				what := fmt.Sprintf("%s/%d %s", place, size, version)
				head := curl(t, version, "-D", "-", "-o", out, fmt.Sprintf("%s/%s/%d", base, place, size))
				if !strings.HasPrefix(head, "HTTP/1.1 200 ") {
					t.Errorf("%s: %s", what, head)
				}
				chunked := strings.Contains(head, "Transfer-Encoding: chunked")
				if version == "-0" && chunked || version != "-0" && place == "chunked" && size > 100<<10 && !chunked {
					t.Errorf("%s: chunked %v", what, chunked)
				}
				sameAsFile(t, what, out, filepath.Join(o.root, fmt.Sprint(size)))
			}
		}
	}
}

// curl waits for 100 Continue where it is told to, and by itself before it posts
// more than 1 MB.
func curlUploads(t *testing.T, base string, o *realOrigin) {
	for _, size := range fileSizes {
		file := filepath.Join(o.root, fmt.Sprint(size))
		for _, how := range []struct {
			name      string
			args      []string
			continues bool
		}{
			{"length", []string{"-H", "Expect:", "-T", file}, false},
			{"length-expect", []string{"-H", "Expect: 100-continue", "-T", file}, size > 0},
			{"chunked", []string{"-H", "Expect:", "-T", "-"}, false},
			{"chunked-expect", []string{"-H", "Expect: 100-continue", "-T", "-"}, true},
			{"http10", []string{"-0", "-T", file}, false},
		} {
			name := fmt.Sprintf("put-%s-%d", how.name, size)
			args := append([]string{"-v", "--expect100-timeout", "30", "--stderr", "-", "-o", "/dev/null"}, how.args...)
			cmd := exec.Command("curl", append(args, "-sS", "--noproxy", "*", "--max-time", "60", base+"/files/"+name)...)
			body, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			cmd.Stdin = body
			said, err := cmd.CombinedOutput()
			body.Close()
			if err != nil || !bytes.Contains(said, []byte("< HTTP/1.1 201 ")) {
				t.Errorf("%s: %v\n%s", name, err, said)
				continue
			}
			if continued := bytes.Contains(said, []byte("< HTTP/1.1 100 ")); continued != how.continues {
				t.Errorf("%s: 100 Continue %v, want %v", name, continued, how.continues)
			}
			sameAsFile(t, name, filepath.Join(o.root, name), file)
		}
	}
	said := curl(t, "-v", "--stderr", "-", "--expect100-timeout", "30", "--data-binary", "@"+filepath.Join(o.root, "10485760"), base+"/posted")
	waited := strings.Contains(said, "> Expect: 100-continue") && strings.Contains(said, "< HTTP/1.1 100 ")
	early := strings.Contains(t.Name(), "nginx") // it answers without reading
	if !strings.Contains(said, "< HTTP/1.1 200 ") || !waited && !early {
		t.Errorf("10 MB posted:\n%s", said)
	}
}

func curlRanges(t *testing.T, base string, o *realOrigin) {
	const size = 100 << 10
	whole, err := os.ReadFile(filepath.Join(o.root, fmt.Sprint(size)))
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	for spec, want := range map[string][]byte{
		"0-0": whole[:1], "100-199": whole[100:200], "50000-": whole[50000:], "-70000": whole[size-70000:],
	} {
		head := curl(t, "-r", spec, "-D", "-", "-o", out, fmt.Sprintf("%s/files/%d", base, size))
		got, _ := os.ReadFile(out)
		if !strings.HasPrefix(head, "HTTP/1.1 206 ") || !strings.Contains(head, "Content-Range: bytes ") || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes\n%s", spec, len(got), head)
		}
	}
	head := curl(t, "-r", "200000-", "-D", "-", "-o", out, fmt.Sprintf("%s/files/%d", base, size))
	if !strings.HasPrefix(head, "HTTP/1.1 416 ") {
		t.Errorf("beyond the end: %s", head)
	}
}

func curlHEADAnd304(t *testing.T, base string) {
	url := base + "/files/102400"
	// The next URL goes over the same connection: no body must be in the way.
	head := curl(t, "-I", url, url, "-w", "connects=%{num_connects}\n")
	if strings.Count(head, "HTTP/1.1 200 ") != 2 || strings.Count(head, "Content-Length: 102400") != 2 || !strings.Contains(head, "connects=0") {
		t.Errorf("HEAD twice:\n%s", head)
	}
	since := regexp.MustCompile(`Last-Modified: (.*)\r`).FindStringSubmatch(head)
	if since == nil {
		t.Fatalf("no Last-Modified:\n%s", head)
	}
	head = curl(t, "-i", "-H", "If-Modified-Since: "+since[1], url, url, "-w", "connects=%{num_connects}\n")
	if strings.Count(head, "HTTP/1.1 304 ") != 2 || !strings.Contains(head, "connects=0") || len(head) > 2000 {
		t.Errorf("304 twice:\n%s", head)
	}
}

// Each hop keeps one connection for twenty requests.
func curlKeepAlive(t *testing.T, base string, o *realOrigin) {
	args := []string{"-w", "%{num_connects}"}
	for i := range 20 {
		args = append(args, "-o", "/dev/null", fmt.Sprintf("%s/reuse/%d", base, i))
	}
	if got := curl(t, args...); got != "1"+strings.Repeat("0", 19) {
		t.Errorf("connections that curl made for each request: %s", got)
	}
	eventually(t, "all twenty are in the log", func() bool { return len(logged20(o)) == 20 })
	ports := map[string]bool{}
	for _, line := range logged20(o) {
		port, _, _ := strings.Cut(line, " ")
		ports[port] = true
	}
	if len(ports) != 1 {
		t.Errorf("the origin server saw %d connections", len(ports))
	}
}

func logged20(o *realOrigin) (found []string) {
	for _, line := range o.log() {
		if strings.Contains(line, " /reuse/") {
			found = append(found, line)
		}
	}
	return found
}

// Requests that come together are answered in their order.
func pipelining(t *testing.T, addr string) {
	c := dial(t, addr)
	var all strings.Builder
	for i := range 30 {
		fmt.Fprintf(&all, "GET /pipelined/%d HTTP/1.1\r\nHost: h\r\n\r\nPOST /posted/%d HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", i, i)
	}
	io.WriteString(c, all.String())
	r := bufio.NewReader(c)
	for i := range 30 {
		for _, want := range []string{fmt.Sprintf("GET /pipelined/%d HTTP/1.1", i), fmt.Sprintf("POST /posted/%d HTTP/1.1", i)} {
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, res.Body)
			if got := res.Header.Get("X-Seen"); got != want {
				t.Fatalf("the answer to %q is one to %q", want, got)
			}
		}
	}
}

// net/http's client, and the same origins: many at once, each connection kept.
func TestGoClientAndRealOrigins(t *testing.T) {
	for name, start := range realOrigins {
		t.Run(name, func(t *testing.T) {
			o := start(t, "127.0.0.1:1")
			p := serve(t, nil, o.url)
			transport := &http.Transport{MaxConnsPerHost: 4, MaxIdleConnsPerHost: 4}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport, Timeout: time.Minute}
			var made sync.Map
			ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
				GotConn: func(i httptrace.GotConnInfo) { made.Store(i.Conn, true) },
			})
			var asking sync.WaitGroup
			for range 4 {
				asking.Go(func() {
					for i := range 25 {
						goDownload(t, ctx, client, o, "http://"+p.addr, fileSizes[i%3], []string{"files", "chunked"}[i%2])
					}
				})
			}
			asking.Wait()
			n := 0
			made.Range(func(any, any) bool { n++; return true })
			if n != 4 {
				t.Errorf("%d connections for 4 clients and 100 requests", n)
			}
		})
	}
}

func goDownload(t *testing.T, ctx context.Context, client *http.Client, o *realOrigin, base string, size int, place string) {
	req, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("%s/%s/%d", base, place, size), nil)
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Accept-Encoding", "identity")
	res, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	want, _ := os.ReadFile(filepath.Join(o.root, fmt.Sprint(size)))
	if err != nil || res.StatusCode != 200 || sha256.Sum256(got) != sha256.Sum256(want) {
		t.Errorf("%s/%d: status %d, %d bytes or other ones, error %v", place, size, res.StatusCode, len(got), err)
	}
}

// Trailer fields of a request and of its response, with net/http at both ends. The
// client takes them, but does not say so by itself.
func TestTrailersBothWays(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := sha256.New()
		io.Copy(h, r.Body)
		w.(http.Flusher).Flush()
		io.WriteString(w, "body")
		w.Header().Set(http.TrailerPrefix+"X-Sum", fmt.Sprintf("%x", h.Sum(nil)))
		w.Header().Set(http.TrailerPrefix+"X-Claimed", r.Trailer.Get("X-Claimed"))
	}))
	defer origin.Close()
	p := serve(t, nil, origin.URL)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for _, size := range []int{1, 100 << 10, 3 << 20} {
		sum := fmt.Sprintf("%x", sha256.Sum256(pattern(size)))
		req, err := http.NewRequest("POST", "http://"+p.addr+"/", struct{ io.Reader }{bytes.NewReader(pattern(size))})
		if err != nil {
			t.Fatal(err)
		}
		req.Trailer = http.Header{"X-Claimed": {sum}}
		req.Header = http.Header{"Connection": {"TE"}, "Te": {"trailers"}}
		res, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != "body" || res.Trailer.Get("X-Sum") != sum || res.Trailer.Get("X-Claimed") != sum {
			t.Errorf("%d bytes: body %q, trailers %v, error %v", size, body, res.Trailer, err)
		}
	}
}

// A websocket through this proxy and then another one.
func TestWebSocketThroughRealOrigins(t *testing.T) {
	for name, start := range realOrigins {
		if name == "net-http" {
			continue // TestWebSocketEcho
		}
		t.Run(name, func(t *testing.T) {
			echo := chat(t, func(ws *websocket.Conn) { io.Copy(ws, ws) })
			o := start(t, strings.TrimPrefix(echo, "http://"))
			p := serve(t, func(s *site.Site) { upgrading(s) }, o.url)
			ws := openWebSocket(t, p)
			for _, n := range []int{1, 126, 65536, 300_000} {
				want := string(pattern(n))
				go websocket.Message.Send(ws, want)
				var got string
				for len(got) < n {
					var some string // the echo may divide a message
					if err := websocket.Message.Receive(ws, &some); err != nil {
						t.Fatal(err)
					}
					got += some
				}
				if got != want {
					t.Errorf("%d bytes come back otherwise", n)
				}
			}
			ws.Close()
		})
	}
}
