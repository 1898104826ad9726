package apache_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"proxylab/apache"
	"proxylab/docker"
	"proxylab/docker/enginetest"
	"proxylab/labs/systems"
	"proxylab/proxy/site"
)

// image builds Apache by its steps.
func image(t *testing.T) (*docker.Engine, docker.Image) {
	t.Helper()
	e := enginetest.Open(t)
	s, err := systems.ByName("apache")
	if err != nil {
		t.Fatal(err)
	}
	img, err := s.Image(t.Context(), e, "..")
	if err != nil {
		t.Fatal(err)
	}
	return e, img
}

// start runs Apache with the site conf. Three of its own virtual hosts play the
// course's origin servers, 127.0.0.1:8081 to 8083, which answer A, B and C.
func start(t *testing.T, e *docker.Engine, img docker.Image, name string, conf []byte) *docker.Container {
	t.Helper()
	run, err := e.NewRun(t.Context(), "apache-test-"+name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Close() })
	var origins strings.Builder
	files := map[string]docker.File{apache.SiteFile: {Data: conf}}
	for i, letter := range []string{"A", "B", "C"} {
		fmt.Fprintf(&origins, "Listen %[1]d\n<VirtualHost *:%[1]d>\n  DocumentRoot /srv/%[2]s\n  SetEnv no-gzip 1\n</VirtualHost>\n", 8081+i, letter)
		files["/srv/"+letter+"/index.html"] = docker.File{Data: []byte(letter)}
		files["/srv/"+letter+"/long.html"] = docker.File{Data: []byte(strings.Repeat("text ", 1000))}
	}
	origins.WriteString("<Directory /srv>\n  Require all granted\n</Directory>\n")
	files["/etc/apache2/sites-enabled/origins.conf"] = docker.File{Data: []byte(origins.String())}
	c, err := run.Start(t.Context(), docker.ContainerSpec{
		Name: "apache", Image: img.Ref, Files: files, Networks: []docker.Network{docker.Front},
		Publish: []string{"8080"}, Ready: &docker.Ready{Port: "8081", Path: "/", Body: "A"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ask sends one GET, without the compression that net/http would ask for.
func ask(t *testing.T, c *docker.Container, path, acceptEncoding string) (*http.Response, string) {
	t.Helper()
	return askWith(t, c, path, http.Header{"Accept-Encoding": {acceptEncoding}})
}

func TestApacheTakesEveryGoldenFile(t *testing.T) {
	e, img := image(t)
	files, err := filepath.Glob("testdata/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden file: %v", err)
	}
	c := start(t, e, img, "golden", apache.Example())
	// What the check is worth: a file that is wrong fails.
	if err := configtest(t, c, []byte("BalancerMembre http://127.0.0.1\n")); err == nil {
		t.Fatal("configtest took a misspelt directive")
	}
	for _, file := range files {
		conf, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := configtest(t, c, conf); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// configtest puts conf in place and runs the course's check.
func configtest(t *testing.T, c *docker.Container, conf []byte) error {
	t.Helper()
	code, out, err := c.Exec(t.Context(), "sh", "-c",
		`printf %s "$1" > "$2" && sh /usr/local/share/proxylab/setup.sh check`, "sh", string(conf), apache.SiteFile)
	if err != nil {
		t.Fatal(err)
	}
	if code != 0 {
		return fmt.Errorf("exit status %d: %s", code, out)
	}
	return nil
}

// The example is the course's site: it balances as it stands.
func TestTheExampleTakesTurns(t *testing.T) {
	e, img := image(t)
	c := start(t, e, img, "example", apache.Example())
	var got strings.Builder
	for range 9 {
		_, body := ask(t, c, "/", "identity")
		got.WriteString(body)
	}
	if got.String() != "ABCABCABC" {
		t.Errorf("got %s, want ABCABCABC", got.String())
	}
	if res, _ := ask(t, c, "/long.html", "gzip"); res.Header.Get("Content-Encoding") != "gzip" || res.Header.Get("Via") != "" {
		t.Errorf("stock: fields %v, want Debian's compression and no Via", res.Header)
	}
	code, log, err := c.Exec(t.Context(), "cat", "/var/log/apache2/proxylab_access.log")
	if err != nil || code != 0 || strings.Count(log, `"GET / HTTP/1.1" 200`) != 9 {
		t.Errorf("log: status %d, %v\n%s", code, err, log)
	}
	if code, out, err := c.Exec(t.Context(), "sh", "/usr/local/share/proxylab/setup.sh", "restart"); err != nil || code != 0 {
		t.Errorf("restart: status %d, %v\n%s", code, err, out)
	}
}

// The matched flavour with weights: the picks are those worked out by hand, and
// the features are the Site's.
func TestMatchedOnTheEngine(t *testing.T) {
	e, img := image(t)
	s, err := site.Parse("site.yaml", []byte(`balancers:
  - name: origins
    members:
      - {url: http://127.0.0.1:8081, loadfactor: 3}
      - {url: http://127.0.0.1:8082, loadfactor: 2}
      - {url: http://127.0.0.1:8083}
`))
	if err != nil {
		t.Fatal(err)
	}
	config, err := apache.Render(s, apache.Options{Flavour: apache.Matched, Stdout: true, Machine: apache.Machine{CPUs: 1}})
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, e, img, "matched", config.Site)
	var got strings.Builder
	for range 12 {
		_, body := ask(t, c, "/", "identity")
		got.WriteString(body)
	}
	if res, _ := ask(t, c, "/long.html", "gzip"); res.Header.Get("Content-Encoding") != "" || !strings.HasPrefix(res.Header.Get("Via"), "1.1 ") {
		t.Errorf("fields %v, want no compression and a Via", res.Header)
	}
	if got.String() != "ABACBAABACBA" {
		t.Errorf("got %s, want ABACBAABACBA", got.String())
	}
	log, err := c.Logs(t.Context())
	if err != nil || strings.Count(log, " http://127.0.0.1:8083 ") < 2 {
		t.Errorf("standard output does not name member C twice: %v\n%s", err, log)
	}
}

// What mod_headers, mod_cache and the manager are written for, seen by a client. The
// container is asked from outside, so that what is local is not for it.
func TestMatchedFeaturesOnTheEngine(t *testing.T) {
	e, img := image(t)
	s, err := site.Parse("site.yaml", []byte(`balancers:
  - name: origins
    sessioncookie: ROUTEID
    members: [{url: http://127.0.0.1:8081}, {url: http://127.0.0.1:8082}, {url: http://127.0.0.1:8083}]
admin: 127.0.0.1:9090
fields: {server: off}
cache:
  dir: cache
  ttl: 60s
  bypass: [{path: /direct}, {header: X-Debug}]
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, flavour := range []apache.Flavour{apache.Matched, apache.Tuned} {
		t.Run(string(flavour), func(t *testing.T) {
			config, err := apache.Render(s, apache.Options{Flavour: flavour, Stdout: true, Machine: apache.Machine{CPUs: 1, Memory: 256 << 20, Clients: 64}})
			if err != nil {
				t.Fatal(err)
			}
			c := start(t, e, img, "features-"+string(flavour), config.Site)
			res, body := ask(t, c, "/long.html", "gzip")
			cookie, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
			if res.StatusCode != 200 || !strings.HasPrefix(cookie, "ROUTEID=.m") || res.Header.Get("Server") != "Apache" || !strings.HasPrefix(res.Header.Get("X-Cache"), "MISS") {
				t.Errorf("first: %d %v", res.StatusCode, res.Header)
			}
			again, same := ask(t, c, "/long.html", "gzip")
			// httpd stores behind the last byte that it sends.
			for began := time.Now(); strings.HasPrefix(again.Header.Get("X-Cache"), "MISS") && time.Since(began) < 10*time.Second; {
				again, same = ask(t, c, "/long.html", "gzip")
			}
			if again.Header.Get("Age") == "" || !strings.HasPrefix(again.Header.Get("X-Cache"), "HIT") || same != body || again.Header.Get("Set-Cookie") != "" {
				t.Errorf("from the cache: %v", again.Header)
			}
			if res, _ := askWith(t, c, "/long.html", http.Header{"X-Debug": {"1"}}); res.Header.Get("Age") != "" {
				t.Errorf("a field keeps the cache out: %v", res.Header)
			}
			// The cookie holds on to its member, whose turn it would not be.
			letters := map[string]bool{}
			for range 6 {
				res, body := askWith(t, c, "/", http.Header{"Cookie": {cookie}, "X-Debug": {"1"}})
				letters[body] = true
				if res.Header.Get("Set-Cookie") != "" {
					t.Errorf("a cookie for a session that has one: %v", res.Header)
				}
			}
			if len(letters) != 1 {
				t.Errorf("a session went to %v", letters)
			}
			for _, path := range []string{"/balancer-manager", "/server-status"} {
				if res, _ := ask(t, c, path, ""); res.StatusCode != http.StatusForbidden {
					t.Errorf("%s from outside: %d, want 403", path, res.StatusCode)
				}
			}
			code, page, err := c.Exec(t.Context(), "perl", "-MIO::Socket::INET", "-e",
				`$s = IO::Socket::INET->new("127.0.0.1:8080") or die; print $s "GET /balancer-manager HTTP/1.0\r\n\r\n"; print <$s>`)
			if err != nil || code != 0 || !strings.Contains(page, "Load Balancer Manager") || !strings.Contains(page, "http://127.0.0.1:8083") {
				t.Errorf("the manager from inside: status %d, %v\n%.300s", code, err, page)
			}
		})
	}
}

// askWith is ask with fields of one's own.
func askWith(t *testing.T, c *docker.Container, path string, fields http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+c.Addr("8080")+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = fields
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}
