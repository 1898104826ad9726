package site

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// aSite draws any complete Site that keeps the rules.
func aSite(t *rapid.T) *Site {
	span := func(label string, least time.Duration) time.Duration {
		return rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(int64(least), int64(longestTime)).Draw(t, label))
		}).Draw(t, label)
	}
	s := &Site{
		Listen: rapid.SampledFrom([]string{":8080", "127.0.0.1:0", "[::1]:80", "localhost:65535"}).Draw(t, "listen"),
		Socket: Socket{Backlog: rapid.IntRange(1, maxBacklog).Draw(t, "backlog"), Defer: rapid.Bool().Draw(t, "deferaccept"), ReusePort: rapid.Bool().Draw(t, "reuseport")},
		Log: Log{
			File:   rapid.StringMatching(`|[ -~äß€😀]{1,20}`).Draw(t, "log"),
			Stdout: rapid.Bool().Draw(t, "stdout"),
			Format: rapid.StringMatching(`%h(%(h|>s|%|D|\{X-[A-Z]a\}[io])|[ !-#&-Z_-~]){1,9}`).Draw(t, "format"),
		},
		Fields: Fields{
			Forwarded: rapid.Bool().Draw(t, "forwarded"),
			Server:    rapid.Bool().Draw(t, "server"),
			Continue:  rapid.Bool().Draw(t, "continue"),
			Trusted: rapid.SampledFrom([][]netip.Prefix{nil, {netip.MustParsePrefix("10.0.0.0/8")},
				{netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("0.0.0.0/0")}}).Draw(t, "trusted"),
		},
		Limits: Limits{
			Head:              rapid.IntRange(minHead, maxHead).Draw(t, "head"),
			Fields:            rapid.IntRange(1, maxFields).Draw(t, "fields"),
			Connections:       rapid.IntRange(1, maxConnections).Draw(t, "connections"),
			PerClient:         rapid.IntRange(1, maxConnections).Draw(t, "perclient"),
			Body:              rapid.IntRange(1, maxBody).Draw(t, "body"),
			MinRate:           rapid.IntRange(1, maxRate).Draw(t, "minrate"),
			MinReadRate:       rapid.IntRange(1, maxRate).Draw(t, "minreadrate"),
			HeadTimeout:       span("headtimeout", leastTime),
			KeepAliveRequests: rapid.IntRange(0, 1000).Draw(t, "keepaliverequests"),
			Pipelined:         rapid.IntRange(0, 1000).Draw(t, "pipelined"),
			AbortOnClose:      rapid.Bool().Draw(t, "abortonclose"),
			KeepAliveTimeout:  span("keepalivetimeout", leastTime),
			Timeout:           span("timeout", leastTime),
		},
	}
	if rapid.Bool().Draw(t, "admin") {
		s.Admin = Admin{
			Listen: rapid.SampledFrom([]string{"127.0.0.1:0", "localhost:9090", ":9090"}).Draw(t, "admin.listen"),
			Token:  rapid.StringMatching(`[!-~]{12,20}`).Draw(t, "token"),
			State:  rapid.StringMatching(`|[ -~äß]{1,20}`).Draw(t, "state"),
		}
		if rapid.Bool().Draw(t, "basic") {
			s.Admin.User, s.Admin.Password = rapid.StringMatching(`[!-9;-~]{1,9}`).Draw(t, "user"), rapid.StringMatching(`[!-~]{12,20}`).Draw(t, "password")
		}
	}
	if rapid.Bool().Draw(t, "cache") {
		s.Cache = aCache(t, span)
	}
	s.Limits.RequestLine = rapid.IntRange(minLine, s.Limits.Head).Draw(t, "requestline")
	s.Limits.HeadTimeoutMax = span("headtimeoutmax", s.Limits.HeadTimeout)
	name := rapid.OneOf(rapid.SampledFrom([]string{"true", "null", "no", "1", "1e3", "0x1f", "1.5", "0o7"}), rapid.StringMatching(`[a-z0-9]([a-z0-9._-]{0,6}[a-z0-9])?`))
	for _, n := range rapid.SliceOfNDistinct(name, 1, 3, rapid.ID).Draw(t, "names") {
		b := defaultBalancer()
		b.Name, b.LBMethod = n, rapid.SampledFrom(lbMethods).Draw(t, "lbmethod")
		if b.LBMethod == "hash" {
			b.HashOn = rapid.SampledFrom([]string{"client", "uri", "header X-A", "cookie a.b"}).Draw(t, "hashon")
			b.HashBound = rapid.SampledFrom([]float64{0, 1.25, 100}).Draw(t, "hashbound")
		}
		b.Timeout, b.Queue = span("balancer timeout", 0), rapid.IntRange(1, maxQueue).Draw(t, "queue")
		b.Checks = rapid.SampledFrom([]Checks{
			defaultChecks(), {"TCP", time.Second, 2, 3, "/", ""}, {"HEAD", time.Minute, 1, 1, "/a?b=c", "%{REQUEST_STATUS} !~ /^5/"},
		}).Draw(t, "checks")
		if rapid.Bool().Draw(t, "outliers") {
			b.Outliers = Outliers{rapid.IntRange(0, 100).Draw(t, "errors"), 2.5, span("interval", 10*time.Millisecond), span("time", 10*time.Millisecond), rapid.IntRange(0, 100).Draw(t, "keep")}
		}
		b.Failures = Failures{
			OnStatus:  rapid.SampledFrom([][]int{nil, {503}, {400, 599}}).Draw(t, "failonstatus"),
			OnTimeout: rapid.Bool().Draw(t, "failontimeout"),
			Force:     rapid.Bool().Draw(t, "forcerecovery"),
			Attempts:  rapid.IntRange(0, 100).Draw(t, "maxattempts"),
			Budget:    rapid.IntRange(0, 100).Draw(t, "retrybudget"),
			Probe:     span("probe", 0),
			SlowStart: span("slowstart", 0),
			Resend:    rapid.SampledFrom([]string{"idempotent", "safe", "never"}).Draw(t, "resend"),
		}
		b.Failures.HedgeBudget = 10
		members := rapid.IntRange(1, 3).Draw(t, "members")
		if members > 1 && b.Failures.Resend != "never" && rapid.Bool().Draw(t, "hedges") {
			b.Failures.Hedge, b.Failures.HedgeBudget = rapid.IntRange(leastHedge, mostHedge).Draw(t, "hedge"), rapid.IntRange(0, 100).Draw(t, "hedgebudget")
		}
		for i := range members {
			m := Member{
				LBSet:             rapid.IntRange(0, 99).Draw(t, "lbset"),
				Status:            rapid.SampledFrom([]string{"", "D", "DSHNI", "R"}).Draw(t, "status"),
				Max:               rapid.IntRange(0, maxConnections).Draw(t, "max"),
				TTL:               span("ttl", leastTime),
				KeepAlive:         rapid.Bool().Draw(t, "keepalive"),
				URL:               fmt.Sprintf(rapid.SampledFrom([]string{"http://10.0.0.%d:%d", "http://origin-%d:%d"}).Draw(t, "host"), i, rapid.IntRange(1, 65535).Draw(t, "port")),
				LoadFactor:        rapid.Float64Range(1, 100).Draw(t, "loadfactor"),
				Retry:             span("retry", 0),
				ConnectionTimeout: span("connectiontimeout", leastTime),
				Timeout:           span("member timeout", leastTime),
				UpgradeTimeout:    span("upgradetimeout", leastTime),
			}
			if m.AddressTTL = defaultMember().AddressTTL; m.Named() {
				m.AddressTTL = span("addressttl", time.Second)
			}
			m.Checks = rapid.SampledFrom([]Checks{{}, {"TCP", time.Second, 2, 3, "/", ""}, {"GET", time.Minute, 1, 1, "/a", "hc('body') !~ /b/"}}).Draw(t, "own checks")
			if b.Checks.Method != "" && m.Checks.Method == "GET" && b.Checks.Expr != "" && m.Checks.Expr == "" {
				m.Checks = Checks{}
			}
			if rapid.Bool().Draw(t, "routed") {
				m.Route = fmt.Sprint(rapid.SampledFrom([]string{"", "_", "r", "-"}).Draw(t, "route"), i)
			}
			if m.Max > 0 {
				m.Acquire = span("acquire", leastTime)
			}
			if m.DisableReuse = rapid.Bool().Draw(t, "disablereuse"); !m.DisableReuse {
				m.SMax = rapid.IntRange(0, maxIdle).Draw(t, "smax")
			}
			m.FlushWait = 10 * time.Millisecond
			if m.FlushPackets = rapid.SampledFrom(flushPackets).Draw(t, "flushpackets"); m.FlushPackets == "auto" {
				m.FlushWait = min(maxFlushWait, span("flushwait", leastTime))
			}
			m.Ping = rapid.SampledFrom([]time.Duration{0, span("ping", leastTime)}).Draw(t, "pings")
			m.Upgrade = rapid.SampledFrom([]string{"", "websocket", "x-1.0", "no"}).Draw(t, "upgrade")
			b.Members = append(b.Members, m)
		}
		if first := &b.Members[0]; first.Route != "" {
			b.Sessions = rapid.SampledFrom([]Sessions{{Separator: "."}, {"A", "a", "!", true, "", true, ""}, {"A", "b", "", false, "", false, ""}, {"", "", ".", false, "OWN", true, ""}, {"", "", ".", false, "OWN", false, "/etc/proxyd/key"}}).Draw(t, "sessions")
			if last := &b.Members[len(b.Members)-1]; last != first {
				last.Redirect = first.Route
			}
		}
		s.Balancers = append(s.Balancers, b)
	}
	path := rapid.StringMatching(`/[a-z0-9é~!$&'()*+,;=:@-]{1,6}`)
	for _, p := range rapid.SliceOfNDistinct(path, 0, 3, rapid.ID).Draw(t, "paths") {
		to := rapid.SampledFrom([]string{"!", "balancer://" + s.Balancers[0].Name, "balancer://" + s.Balancers[0].Name + "/x:/y"})
		s.Routes = append(s.Routes, Route{Path: p, To: to.Draw(t, "to")})
	}
	s.Routes = append(s.Routes, Route{Path: "/", To: "balancer://" + s.Balancers[0].Name})
	return s
}

func aCache(t *rapid.T, span func(string, time.Duration) time.Duration) Cache {
	c := defaultCache()
	c.Memory = rapid.IntRange(minCache, maxCache).Draw(t, "memory")
	c.Dir = rapid.StringMatching(`|[ -~äß]{1,20}`).Draw(t, "dir")
	if c.Dir != "" {
		c.Disk = rapid.IntRange(minCache, maxCache).Draw(t, "disk")
	}
	c.MaxFileSize = rapid.IntRange(1, c.largest()).Draw(t, "cachemaxfilesize")
	c.TTL = rapid.SampledFrom([][]CacheTTL{nil, {{For: time.Minute}}, {{"/a", 0, 0}}, {{"", 404, time.Second}, {"/b%20c", 301, longestFresh}, {For: time.Minute}}}).Draw(t, "ttl")
	c.StaleIfError, c.HeuristicMax = span("staleiferror", 0), span("heuristicmax", 0)
	c.Bypass = rapid.SampledFrom([][]CacheBypass{nil, {{"/", "", ""}}, {{"", "x-a", ""}, {"/a", "x-b", "c.d"}}}).Draw(t, "bypass")
	c.IgnoreParams = rapid.SampledFrom([][]string{nil, {}, {"utm_*", "a[0]", "on"}}).Draw(t, "ignoreparams")
	c.KeyHeaders = rapid.SampledFrom([][]string{nil, {"x-device", "true"}}).Draw(t, "keyheaders")
	c.KeyCookies = rapid.SampledFrom([][]string{nil, {"A.b"}}).Draw(t, "keycookies")
	c.Unkeyed = rapid.SampledFrom([][]string{nil, {"x-tenant"}}).Draw(t, "unkeyed")
	c.Targets = rapid.SampledFrom([][]string{{}, {"cdn-cache-control"}, {"proxyd-cache-control", "cdn-cache-control"}}).Draw(t, "targets")
	c.StoreSetCookie, c.ShareCookies = rapid.Bool().Draw(t, "storesetcookie"), rapid.Bool().Draw(t, "sharecookies")
	c.MaxRanges, c.Revalidations = rapid.IntRange(1, 16).Draw(t, "maxranges"), rapid.IntRange(1, 10000).Draw(t, "revalidations")
	return c
}

func TestParseReadsWhatYAMLWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := aSite(t)
		text := want.YAML()
		got, err := Parse("site.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v\n%s", got, want, text)
		}
	})
}

// Whatever the bytes, Parse neither panics nor gives both a site and a fault,
// and what it takes it can write and read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{smallest, "", "a: [", "? {a: b}\n: c\n", "a: &x\n  *x\n", "<<: *x\n", "balancers:\n- name: !!binary x\n", "--- |\n x\n", "routes: []\n" + smallest} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("site.yaml", data)
		if (s == nil) == (err == nil) {
			t.Fatalf("site %v, error %v", s, err)
		}
		if err != nil {
			_ = err.Error()
			return
		}
		again, err := Parse("site.yaml", s.YAML())
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("written and read again: %v\n%s", err, s.YAML())
		}
	})
}

func TestWithoutSecretsDeclaresTheSameAndLetsNobodyIn(t *testing.T) {
	const token, password = "0123456789abcdef", "correct-horse-battery"
	s, err := Parse("site.yaml", []byte(smallest+"admin: {listen: ':9090', token: "+token+", user: operator, password: "+password+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	shown := s.WithoutSecrets()
	again, err := Parse("site.yaml", shown.YAML())
	if err != nil || !reflect.DeepEqual(again, shown) {
		t.Errorf("%v\n%s", err, shown.YAML())
	}
	for _, secret := range []string{token, password} {
		if strings.Contains(string(shown.YAML()), secret) || !strings.Contains(string(s.YAML()), secret) {
			t.Errorf("for the record:\n%s\nfor the program:\n%s", shown.YAML(), s.YAML())
		}
	}
	shown.Admin = s.Admin
	if !reflect.DeepEqual(shown, s) {
		t.Errorf("got  %+v\nwant %+v", shown, s)
	}
}
