package apache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"proxylab/proxy/site"
)

const course = `balancers:
  - name: origins
    members:
      - url: http://127.0.0.1:8081
      - url: http://127.0.0.1:8082
      - url: http://127.0.0.1:8083
`

const everything = `listen: 127.0.0.1:9000
log: {file: /var/log/proxyd/access.log}
socket: {backlog: 511, reuseport: on}
balancers:
  - name: origins
    lbmethod: bybusyness
    stickysession: SID|sid
    stickysessionsep: "!"
    scolonpathdelim: on
    nofailover: on
    failonstatus: [500, 503]
    failontimeout: on
    forcerecovery: on
    maxattempts: 2
    timeout: 1500ms
    slowstart: 10s
    hcmethod: GET
    hcinterval: 5s
    hcfails: 3
    hcuri: /health
    hcexpr: "%{REQUEST_STATUS} =~ /^[23]/"
    resend: never
    members:
      - {url: http://10.0.0.11, route: one, redirect: two, lbset: 1, status: D, max: 5, acquire: 250ms, smax: 2, ping: 500ms, flushpackets: auto, flushwait: 20ms, ttl: 10s, keepalive: on, loadfactor: 2.5, retry: 1500ms, connectiontimeout: 250ms, timeout: 30s, upgrade: websocket, upgradetimeout: 10m}
      - {url: "http://[fd00::12]:8080", retry: 0s, route: two, disablereuse: on, hcfails: 5, hcexpr: "%{REQUEST_STATUS} !~ /^5/"}
  - name: images
    lbmethod: ewma
    sessioncookie: ROUTEID
    hedge: 95%
    members:
      - {url: "http://images.internal:8000", hcmethod: TCP}
      - {url: "http://10.0.0.21:8000"}
routes:
  - {path: /private, to: "!"}
  - {path: /images/, to: balancer://images/v2/}
  - {path: /plain, to: balancer://images}
  - {path: /, to: balancer://origins}
fields: {forwarded: on, trusted: [10.0.0.0/8, 0.0.0.0/0, '::/0'], server: off, continue: off}
admin: 127.0.0.1:9090
cache:
  dir: cache
  memory: 128MiB
  cachemaxfilesize: 10MiB
  ttl: [{path: /static/, for: 1h}, {status: 404, for: 5s}, {for: 60s}]
  staleiferror: 1h
  bypass: [{path: /account}, {header: X-Debug, cookie: session}, {path: /a+b, cookie: x}]
  ignoreparams: [utm_*, sid]
  keyheaders: [X-Device]
  keycookies: [lang]
  unkeyed: [X-Tenant]
limits: {head: 32KiB, requestline: 8KiB, keepaliverequests: 1000, abortonclose: off, headtimeoutmax: 40s, fields: 50, connections: 200, perclient: 20, body: 3GiB, minrate: 1000B, headtimeout: 10s, keepalivetimeout: 1500ms, timeout: 90s}
`

// given is what the golden files are written for.
var given = Machine{CPUs: 2, Memory: 256 << 20, Clients: 64}

func parse(t *testing.T, text string) *site.Site {
	t.Helper()
	s, err := site.Parse("site.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
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

// A golden file holds the configuration and, behind it as comments, the notes.
func TestRender(t *testing.T) {
	tests := []struct {
		file, site string
		options    Options
	}{
		{"course-stock.conf", course, Options{Flavour: Stock}},
		{"course-matched.conf", course, Options{Flavour: Matched, Machine: given}},
		{"everything-stock.conf", everything, Options{Flavour: Stock}},
		{"everything-matched.conf", everything, Options{Flavour: Matched, Machine: given}},
		{"everything-tuned.conf", everything, Options{Flavour: Tuned, Machine: given}},
		{"course-tuned.conf", course, Options{Flavour: Tuned, Machine: given}},
		{"cache-memory.conf", "cache: on\n" + course, Options{Flavour: Matched, Machine: given}},
		{"everything-matched-stdout.conf", everything, Options{Flavour: Matched, Machine: given, Stdout: true}},
		{"log-format.conf", "log: {format: '%h %v \"%r\" %s %% %U %{ms}T'}\n" + course, Options{Flavour: Matched, Machine: given, Stdout: true}},
		{"log-off.conf", "log: {stdout: off}\n" + course, Options{Flavour: Matched, Machine: given, Stdout: true}},
		{"keep-alive-off.conf", "limits: {keepaliverequests: 1}\n" + course, Options{Flavour: Matched, Machine: given}},
		{"port-80.conf", "listen: :80\n" + course, Options{Flavour: Stock}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			c, err := Render(parse(t, tt.site), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			b.Write(c.Site)
			for _, n := range c.Notes {
				fmt.Fprintf(&b, "# note: %s\n", n)
			}
			golden(t, filepath.Join("testdata", tt.file), b.Bytes())
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	tests := []struct {
		claim, site string
		options     Options
		want        string
	}{
		{"no flavour", course, Options{}, `unknown flavour ""`},
		{"a flavour misspelt", course, Options{Flavour: "tuend"}, `unknown flavour "tuend"`},
		{"a port of the system's choice", "listen: 127.0.0.1:0\n" + course, Options{Flavour: Stock}, "no port chosen by the system"},
		{"one address of port 80", "listen: 127.0.0.1:80\n" + course, Options{Flavour: Stock}, `127.0.0.1:80 is taken`},
	}
	for _, tt := range tests {
		t.Run(tt.claim, func(t *testing.T) {
			c, err := Render(parse(t, tt.site), tt.options)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "\n\thint: ") {
				t.Errorf("got %v, want %q and a hint", err, tt.want)
			}
			if c.Site != nil {
				t.Error("a site in spite of the error")
			}
		})
	}
}

// The image is built with proxylab.conf; it is what Render makes, so that the
// course's file and the lab's are of one kind.
func TestExampleIsTheCourseSiteAsRendered(t *testing.T) {
	c, err := Render(parse(t, course), Options{Flavour: Stock})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "proxylab.conf", c.Site)
	if !bytes.Equal(Example(), c.Site) && os.Getenv("UPDATE") == "" {
		t.Error("the embedded example is another")
	}
}

// What the stock flavour does not set, Debian's defaults decide.
func TestStockTouchesNoDefault(t *testing.T) {
	c, err := Render(parse(t, everything), Options{Flavour: Stock})
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"KeepAlive", "Timeout", "timeout=", "retry=", "Limit", "ProxyVia", "ProxyPreserveHost", "no-gzip", "forcerecovery"} {
		for line := range strings.Lines(string(c.Site)) {
			if strings.Contains(line, word) && !strings.HasPrefix(strings.TrimSpace(line), "#") {
				t.Errorf("%s", line)
			}
		}
	}
}
