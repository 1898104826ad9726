package systems_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"proxylab/docker"
	"proxylab/docker/enginetest"
	"proxylab/labs/systems"
	"proxylab/proxy/site"
)

const course = `listen: :8080
balancers:
  - name: origins
    members:
      - url: http://127.0.0.1:8081
      - url: http://127.0.0.1:8082
      - url: http://127.0.0.1:8083
`

// everything says what a Site can say, as far as it goes together.
const everything = `listen: :8080
log: {file: /var/log/proxyd/access.log, format: '%h %l %u %t "%r" %>s %b %O %D "%{Referer}i" "%{Content-Type}o" %m %U%q %H %v %{BALANCER_WORKER_NAME}e %{cache-status}e'}
socket: {backlog: 511, reuseport: on, deferaccept: on}
balancers:
  - name: origins
    lbmethod: bybusyness
    stickysession: SID|sid
    nofailover: on
    failonstatus: [500, 503]
    failontimeout: on
    forcerecovery: on
    maxattempts: 2
    timeout: 1500ms
    slowstart: 10s
    hedge: 95%
    hcmethod: GET
    hcinterval: 5s
    hcfails: 3
    hcpasses: 2
    hcuri: /health
    hcexpr: "%{REQUEST_STATUS} =~ /^[23]/"
    members:
      - {url: http://10.0.0.11, route: one, redirect: two, lbset: 1, status: D, max: 5, acquire: 250ms, smax: 2, ping: 500ms, flushpackets: auto, flushwait: 20ms, ttl: 10s, keepalive: on, loadfactor: 2.5, retry: 1500ms, connectiontimeout: 250ms, timeout: 30s, upgrade: websocket, upgradetimeout: 10m}
      - {url: "http://[fd00::12]:8080", retry: 0s, route: two, disablereuse: on, status: H, hcmethod: HEAD}
      - {url: "http://10.0.0.13:8080", route: three, status: R}
  - name: images
    lbmethod: hash
    hashon: header X-Tenant
    resend: safe
    members:
      - {url: "http://10.0.0.20:8000", hcmethod: TCP}
      - {url: "http://10.0.0.21:8000", loadfactor: 3}
  - name: tail
    lbmethod: ewma
    resend: never
    members:
      - {url: "http://10.0.0.30:8000", status: N}
      - {url: "http://10.0.0.31:8000", loadfactor: 1.5, status: I}
  - name: chance
    lbmethod: random2
    sessioncookie: ROUTEID
    members:
      - {url: "http://10.0.0.40:8000", lbset: 1}
      - {url: "http://10.0.0.41:8000"}
routes:
  - {path: /private, to: "!"}
  - {path: /images/, to: balancer://images/v2/}
  - {path: /plain, to: balancer://images}
  - {path: /tail, to: balancer://tail/tail}
  - {path: /chance, to: balancer://chance/}
  - {path: /, to: balancer://origins}
fields: {forwarded: on, trusted: [10.0.0.0/8], server: off, continue: off}
admin: 127.0.0.1:9090
cache:
  memory: 32MiB
  dir: cache
  disk: 64MiB
  ttl: [{path: /static/, for: 1h}, {status: 404, for: 5s}, {for: 60s}]
  staleiferror: 1h
  bypass: [{path: /account}, {header: X-Debug, cookie: session}]
  ignoreparams: [utm_*, sid]
  keyheaders: [X-Device]
  keycookies: [lang]
  unkeyed: [X-Country]
  storesetcookie: on
  sharecookies: on
limits: {head: 32KiB, requestline: 8KiB, keepaliverequests: 1000, abortonclose: off, headtimeoutmax: 40s, fields: 50, connections: 200, perclient: 20, body: 3GiB, minrate: 1000B, headtimeout: 10s, keepalivetimeout: 1500ms, timeout: 90s}
`

// sites are rendered for each of the peers, as testdata/NAME.SYSTEM.
var sites = map[string]string{
	"course":     course,
	"everything": everything,
	"cached":     course + "cache: {ttl: 60s}\n",
	"weights":    strings.Replace(course, ":8082", ":8082\n        loadfactor: 2", 1) + "log: {stdout: off}\n",
}

var peers = []string{"nginx", "haproxy", "varnish"}

// given is what the golden files are written for.
var given = systems.Machine{CPUs: 2, Memory: 256 << 20, Clients: 64}

func configure(t *testing.T, system, text string) systems.Configuration {
	t.Helper()
	s, err := site.Parse("site.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	sys, err := systems.ByName(system)
	if err != nil {
		t.Fatal(err)
	}
	c, err := sys.Configure(s, given)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A golden file holds the configuration and, behind it as comments, the arguments
// of the program and the notes.
func TestConfigurations(t *testing.T) {
	for name, text := range sites {
		for _, system := range peers {
			t.Run(name+"."+system, func(t *testing.T) {
				c := configure(t, system, text)
				var b bytes.Buffer
				b.Write(c.Files[0].Data)
				fmt.Fprintf(&b, "# arguments: %s\n", strings.Join(c.Cmd, " "))
				for _, n := range c.Differs {
					fmt.Fprintf(&b, "# note: %s\n", n)
				}
				golden(t, filepath.Join("testdata", name+"."+system), b.Bytes())
			})
		}
	}
}

// golden compares with a file, or writes it when UPDATE is set.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("%s:%d differs (UPDATE=1 go test rewrites it)\ngot  %q\nwant %q", file, i+1, g[min(i, len(g)-1)], w[min(i, len(w)-1)])
		}
	}
}

// Every word of a Site that is not at its default is obeyed by a system, or noted.
func TestNothingIsDroppedInSilence(t *testing.T) {
	words := []string{
		"stickysession", "sessioncookie", "failonstatus", "slowstart", "hedge", "hcmethod",
		"redirect", "ping", "acquire", "smax", "flushpackets", "keyheaders", "unkeyed", "trusted", "admin", "perclient",
	}
	obeyed := map[string][]string{
		"nginx":   {"failonstatus", "perclient", "slowstart"},
		"haproxy": {"stickysession", "slowstart", "hcmethod", "perclient"},
		"varnish": {"hcmethod", "keyheaders"},
	}
	for _, system := range peers {
		c := configure(t, system, everything)
		notes := strings.Join(c.Differs, "\n")
		for _, word := range words {
			done := false
			for _, o := range obeyed[system] {
				done = done || o == word
			}
			if !done && !strings.Contains(notes, word) {
				t.Errorf("%s: nothing is said of %s", system, word)
			}
		}
	}
}

func TestNginxTakesNoVariables(t *testing.T) {
	s, err := site.Parse("site.yaml", []byte(course+"routes: [{path: /a$b, to: \"balancer://origins\"}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	sys, err := systems.ByName("nginx")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sys.Configure(s, given); err == nil || !strings.Contains(err.Error(), "\n\thint: ") {
		t.Errorf("%v", err)
	}
}

// check is how each program reads a configuration without serving.
var check = map[string][]string{
	"nginx":   {"nginx", "-t"},
	"haproxy": {"haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"},
	"varnish": {"varnishd", "-C", "-f", "/etc/varnish/default.vcl"},
}

// The programs themselves take every golden file, and refuse one that is wrong.
func TestProgramsTakeEveryConfiguration(t *testing.T) {
	e := enginetest.Open(t)
	for _, name := range peers {
		t.Run(name, func(t *testing.T) {
			sys, err := systems.ByName(name)
			if err != nil {
				t.Fatal(err)
			}
			img, err := sys.Image(t.Context(), e, "../..")
			if err != nil {
				t.Fatal(err)
			}
			run, err := e.NewRun(t.Context(), "systems-"+name)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { run.Close() })
			first := configure(t, name, course)
			c, err := run.Start(t.Context(), docker.ContainerSpec{
				Name: name, Image: img.Ref, Cmd: first.Cmd, Networks: []docker.Network{docker.Front},
				Files: map[string]docker.File{first.Files[0].Path: {Data: first.Files[0].Data}},
			})
			if err != nil {
				t.Fatal(err)
			}
			take := func(path string, data []byte) (int, string) {
				code, out, err := c.Exec(t.Context(), append([]string{"sh", "-c", `printf %s "$1" > "$2"; shift 2; exec "$@"`, "sh", string(data), path}, check[name]...)...)
				if err != nil {
					t.Fatal(err)
				}
				return code, out
			}
			for title, text := range sites {
				c := configure(t, name, text)
				if code, out := take(c.Files[0].Path, c.Files[0].Data); code != 0 {
					t.Errorf("%s: exit status %d: %s", title, code, out)
				}
			}
			if code, _ := take(first.Files[0].Path, []byte("nonsense\n")); code == 0 {
				t.Error("it took nonsense")
			}
		})
	}
}
