package site

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const smallest = `balancers:
  - name: origins
    members:
      - url: http://10.0.0.11
`

func TestDefaultsAreWrittenIn(t *testing.T) {
	got, err := Parse("site.yaml", []byte(smallest))
	if err != nil {
		t.Fatal(err)
	}
	want := &Site{
		Listen: ":8080",
		Socket: Socket{Backlog: 4096},
		Log:    Log{Stdout: true, Format: DefaultLogFormat},
		Balancers: []Balancer{{
			Name: "origins", LBMethod: "byrequests", HashOn: "client", HashBound: 1.25, Queue: 1000,
			Sessions: Sessions{Separator: "."}, Checks: Checks{"", 30 * time.Second, 1, 1, "/", ""}, Outliers: Outliers{0, 0, 10 * time.Second, 30 * time.Second, 50}, Failures: Failures{Budget: 20, HedgeBudget: 10, Probe: time.Second, Resend: "idempotent"},
			Members: []Member{{
				URL: "http://10.0.0.11:80", LoadFactor: 1, Retry: 5 * time.Second,
				ConnectionTimeout: time.Second, Timeout: time.Minute, TTL: time.Minute, AddressTTL: 30 * time.Second, UpgradeTimeout: time.Minute, FlushPackets: "on", FlushWait: 10 * time.Millisecond,
			}},
		}},
		Routes: []Route{{Path: "/", To: "balancer://origins"}},
		Fields: Fields{Server: true, Continue: true},
		Limits: Limits{Head: 65536, RequestLine: 65536, Fields: 100, Connections: 10000, PerClient: 10000, Body: 1 << 30, MinRate: 500, MinReadRate: 500,
			HeadTimeout: 20 * time.Second, HeadTimeoutMax: 20 * time.Second, KeepAliveTimeout: time.Minute, Pipelined: 1000, AbortOnClose: true, Timeout: time.Minute},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEveryKeyIsObeyed(t *testing.T) {
	got, err := Load(filepath.Join("testdata", "everything.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Site{
		Listen: "127.0.0.1:9000",
		Socket: Socket{511, true, true},
		Log:    Log{File: "/var/log/proxyd/access.log", Format: `%h %>s "%{X-Id}i" 'q' %%`},
		Balancers: []Balancer{
			{Name: "origins", LBMethod: "hash", HashOn: "cookie user", HashBound: 1.5, Timeout: 2 * time.Second, Queue: 50,
				Sessions: Sessions{"SID", "sid", "!", true, "", true, ""},
				Checks:   Checks{"GET", 5 * time.Second, 2, 3, "/health?x=1", "hc('body') =~ /re+ady/"},
				Outliers: Outliers{30, 2.5, 5 * time.Second, time.Minute, 75},
				Failures: Failures{[]int{500, 503}, true, true, 2, 10, 2 * time.Second, 30 * time.Second, 95, 5, "safe"},
				Members: []Member{
					{"http://10.0.0.11:8080", "one", "two", 2.5, 3, "DR", 8, time.Minute, 500 * time.Millisecond, 30 * time.Second, 10 * time.Second, 30 * time.Second, true, "websocket", 10 * time.Minute,
						Checks{"GET", time.Second, 2, 5, "/health?x=1", "hc('body') =~ /re+ady/"}, 250 * time.Millisecond, 4, false, "auto", 20 * time.Millisecond, 100 * time.Millisecond},
					{URL: "http://[fd00::12]:80", Route: "two", LoadFactor: 1, ConnectionTimeout: time.Second, Timeout: 90 * time.Second, TTL: time.Minute, AddressTTL: 30 * time.Second, UpgradeTimeout: 90 * time.Second, FlushPackets: "on", FlushWait: 10 * time.Millisecond},
				}},
			{Name: "images", LBMethod: "bybusyness", HashOn: "client", HashBound: 1.25, Queue: 1000,
				Checks: Checks{"TCP", 30 * time.Second, 1, 1, "/", ""}, Outliers: Outliers{0, 0, 10 * time.Second, 30 * time.Second, 50},
				Sessions: Sessions{"SID", "SID", "", false, "", false, ""}, Failures: Failures{Budget: 20, HedgeBudget: 10, Probe: 0, Resend: "idempotent"},
				Members: []Member{
					{URL: "http://images.internal:80", Route: "one", LoadFactor: 1, Retry: 5 * time.Second, ConnectionTimeout: time.Second, Timeout: 90 * time.Second, TTL: time.Minute, AddressTTL: 2 * time.Minute, UpgradeTimeout: 90 * time.Second, FlushPackets: "on", FlushWait: 10 * time.Millisecond},
				}},
		},
		Routes: []Route{
			{"/private", "!"},
			{"/images", "balancer://images/v2"},
			{"/", "balancer://origins"},
		},
		Fields: Fields{true, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::1/128")}, false, false},
		Limits: Limits{32768, 8192, 50, 200, 20, 2 << 30, 1000, 2000, 10 * time.Second, 40 * time.Second, 15 * time.Second, 1000, 50, false, 90 * time.Second},
		Cache: Cache{
			On: true, Memory: 128 << 20, Dir: "/var/cache/proxyd", Disk: 10 << 30, MaxFileSize: 1 << 30,
			TTL: []CacheTTL{{"/static/", 0, time.Hour}, {"", 404, 5 * time.Second}}, StaleIfError: time.Hour, HeuristicMax: 0,
			Bypass: []CacheBypass{{"/account", "", ""}, {"", "x-debug", "session"}}, IgnoreParams: []string{"utm_*"},
			KeyHeaders: []string{"x-device"}, KeyCookies: []string{"lang"}, Unkeyed: []string{"x-tenant"}, Targets: []string{"proxyd-cache-control"},
			StoreSetCookie: true, ShareCookies: true, MaxRanges: 4, Revalidations: 8,
		},
		Admin: Admin{":9090", "0123456789abcdef", "operator", "correct-horse-battery", "/var/lib/proxyd/state.json"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestFromFlags(t *testing.T) {
	got, err := FromFlags("127.0.0.1:0", []string{"http://a", "http://B:81"}, "proxy.log")
	if err != nil {
		t.Fatal(err)
	}
	want, err := Parse("", []byte(`
listen: 127.0.0.1:0
log: {file: proxy.log}
balancers:
  - {name: origins, members: [{url: "http://a:80"}, {url: "http://b:81"}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestTheManagerByAFlagIsForThisMachine(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:9090", "127.9.9.9:9090", "[::1]:9090", "localhost:9090"} {
		s, err := Flags{Backends: []string{"http://a"}, Admin: addr}.Site()
		if err != nil || s.Admin != (Admin{Listen: addr}) {
			t.Errorf("%s: got %+v, %v", addr, s, err)
		}
		same, err := Parse("site.yaml", []byte("admin: '"+addr+"'\n"+smallest))
		if err != nil || same.Admin != s.Admin {
			t.Errorf("in a file %s: got %+v, %v", addr, same, err)
		}
	}
	for addr, want := range map[string]string{
		":9090":        "anybody who reaches :9090 could change the balancers\n\thint: listen on 127.0.0.1; a site file",
		"0.0.0.0:9090": "anybody who",
		"9090":         `"9090" is not host:port`,
	} {
		if _, err := (Flags{Backends: []string{"http://a"}, Admin: addr}).Site(); err == nil || !strings.HasPrefix(err.Error(), "--admin: "+want) {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestFromFlagsListensOn8080(t *testing.T) {
	s, err := FromFlags("", []string{"http://a"}, "")
	if err != nil || s.Listen != ":8080" {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestFaultsOfFlags(t *testing.T) {
	_, err := FromFlags("8080", []string{"a:80", "http://b", "http://b:80"}, "\x01")
	checkText(t, err, `--listen: "8080" is not host:port
	hint: host:port, an address alone before the colon or nothing: ":8080", "127.0.0.1:8080"
--log-file: "\x01" has a control character in it
--backend: "a:80" is not a URL
	hint: http://host:port, and no more
--backend: "http://b:80" is given twice`)
	_, err = FromFlags("", nil, "")
	checkText(t, err, `--backend: no origin server
	hint: --backend http://host:port, once for each origin server`)
}

func TestLoadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.yaml")
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

// Every fault of a file is told in one go, in the order of its lines.
func TestEverythingWrongIsToldAtOnce(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "everything-wrong.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse("site.yaml", data)
	if err == nil {
		t.Fatal("no fault")
	}
	golden := filepath.Join("testdata", "everything-wrong.txt")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, readErr := os.ReadFile(golden)
	if readErr != nil {
		t.Fatal(readErr)
	}
	checkText(t, err, strings.TrimSuffix(string(want), "\n"))
}

func checkText(t *testing.T, err error, want string) {
	t.Helper()
	got := "no error"
	if err != nil {
		got = err.Error()
	}
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Errorf("differs from line %d\ngot:\n%s\nwant:\n%s", i+1, strings.Join(g[min(i, len(g)):], "\n"), strings.Join(w[min(i, len(w)):], "\n"))
			return
		}
	}
}

func TestACacheFillsInWhatIsNotSaid(t *testing.T) {
	on := defaultCache()
	on.MaxFileSize = 1 << 20
	small := on
	small.Memory, small.MaxFileSize = 8<<20, 512<<10
	files := on
	files.Dir, files.Disk, files.MaxFileSize = "/files", 1<<30, 128<<20
	disk := on
	disk.Dir, disk.Disk, disk.MaxFileSize = "cache", 16<<20, 2<<20
	ttl := on
	ttl.TTL = []CacheTTL{{For: time.Minute}}
	for _, test := range []struct {
		yaml  string
		flags Flags
		want  Cache
	}{
		{"off", Flags{}, Cache{}},
		{"on", Flags{Cache: true}, on},
		{"{memory: 8MiB}", Flags{}, small},
		{"{dir: /files}", Flags{CacheDir: "/files"}, files},
		{"{disk: 16MiB}", Flags{CacheDisk: "16MiB"}, disk},
		{"{ttl: 60s}", Flags{CacheTTL: "60s"}, ttl},
	} {
		s, err := Parse("site.yaml", []byte("cache: "+test.yaml+"\n"+smallest))
		if err != nil || !reflect.DeepEqual(s.Cache, test.want) {
			t.Errorf("%s: got %+v, %v", test.yaml, s, err)
		}
		if reflect.DeepEqual(test.flags, Flags{}) && test.want.On {
			continue
		}
		test.flags.Backends = []string{"http://a"}
		s, err = test.flags.Site()
		if err != nil || !reflect.DeepEqual(s.Cache, test.want) {
			t.Errorf("%+v: got %+v, %v", test.flags, s, err)
		}
	}
	for flag, f := range map[string]Flags{
		"--cache-ttl": {CacheTTL: "60"}, "--cache-dir": {CacheDir: "a\x00b"}, "--cache-disk": {CacheDisk: "lots"},
	} {
		f.Backends = []string{"http://a"}
		if _, err := f.Site(); err == nil || !strings.HasPrefix(err.Error(), flag+": ") {
			t.Errorf("%s: %v", flag, err)
		}
	}
}
