package apache

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"proxylab/proxy/site"
	"proxylab/proxy/wiretest"
)

// differences is the file that the test below writes: its comment is part of the
// package's documentation.
const differences = "differences.go"

// patience is how long httpd waits for a peer: long enough for a busy machine.
const patience = 2 * time.Second

// The dialogues that proxyd is tested with, played with httpd in its place: one
// process, a virtual host with origin and balancer of its own for each. What goes
// otherwise is the table in the documentation. What is not as in the table is played
// again, on an httpd that is new: a machine that is busy makes differences of its own.
func TestDialoguesWithHttpd(t *testing.T) {
	program := httpd(t)
	rows, names := map[string]string{}, dialogueNames(t)
	known := recordedRows(t)
	odd := names
	for round := 0; round < 3 && len(odd) > 0; round++ {
		for name, row := range playDialogues(t, program, odd) {
			rows[name] = row
		}
		odd = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return rows[name] == known[name] })
	}
	var told []string
	for _, name := range names {
		if rows[name] != "" {
			told = append(told, rows[name])
		}
	}
	if len(told) == len(names) {
		t.Fatalf("not one of %d dialogues went as with proxyd: this is not httpd\n%s", len(names), strings.Join(told, "\n"))
	}
	golden(t, differences, table(recorded(t, program), len(names), told))
}

// playDialogues plays those named, and tells a row for each: "" where it went well.
func playDialogues(t *testing.T, program string, names []string) map[string]string {
	t.Helper()
	all := readDialogues(t, names)
	addrs, stop := serveDialogues(t, program, all)
	defer stop()
	var mu sync.Mutex
	rows := map[string]string{}
	var group sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i, d := range all {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			err := d.parsed.Play(t.Context(), addrs[i], d.origin)
			d.origin.Close()
			mu.Lock()
			defer mu.Unlock()
			rows[d.name] = ""
			if err != nil {
				rows[d.name] = d.row(err)
			}
		})
	}
	group.Wait()
	return rows
}

// dialogueNames are those of all, sorted.
func dialogueNames(t *testing.T) (names []string) {
	t.Helper()
	for _, folder := range []string{"cache", "exchange"} {
		files, err := filepath.Glob(filepath.Join(dialogueFolder, folder, "*.txt"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no dialogues in %s: %v", folder, err)
		}
		for _, file := range files {
			names = append(names, folder+"/"+strings.TrimSuffix(filepath.Base(file), ".txt"))
		}
	}
	return names
}

const dialogueFolder = "../proxy/testdata"

// dialogue is one of proxyd's, for another proxy.
type dialogue struct {
	name   string // exchange/400-bare-lf
	alone  bool   // no member hears of it
	site   *site.Site
	parsed *wiretest.Dialogue
	origin net.Listener
}

func readDialogues(t *testing.T, names []string) (all []dialogue) {
	t.Helper()
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(dialogueFolder, name+".txt"))
		must(t, err)
		d := dialogue{name: name, alone: !strings.Contains(string(data), "\norigin")}
		d.parsed, err = wiretest.Parse(name, []byte(forOthers(string(data))))
		must(t, err)
		d.parsed.Patience = 3 * patience
		d.origin, err = net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		t.Cleanup(func() { d.origin.Close() })
		d.site = dialogueSite(t, name, d.origin.Addr().String())
		all = append(all, d)
	}
	return all
}

// dialogueSite is the Site that proxyd has for the dialogue, with whole seconds where
// httpd takes no others.
func dialogueSite(t *testing.T, name, origin string) *site.Site {
	t.Helper()
	s := parse(t, "balancers: [{name: origins, members: [{url: 'http://"+origin+"'}]}]\n")
	s.Limits.Timeout, s.Limits.HeadTimeout, s.Limits.HeadTimeoutMax = patience, patience, patience
	s.Limits.Head, s.Limits.RequestLine, s.Limits.Body = 4096, 4096, 100_000
	m := &s.Balancers[0].Members[0]
	m.Timeout, m.UpgradeTimeout, m.Upgrade = patience, patience, "websocket"
	s.Routes = append([]site.Route{{Path: "/private", To: "!"}}, s.Routes...)
	folder, base, _ := strings.Cut(name, "/")
	word, _, _ := strings.Cut(base, "-")
	if folder == "cache" {
		s.Cache = parse(t, "cache: {memory: 1MiB}\n"+course).Cache
	}
	switch word {
	case "trusted":
		s.Fields.Trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32")}
	case "untrusted":
		s.Fields.Trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::/0")}
	case "forwarded":
		s.Fields.Forwarded = true
	case "line":
		s.Limits.RequestLine = 100
	case "counted":
		s.Limits.KeepAliveRequests = 2
	case "ping", "localping":
		m.Ping = 5 * time.Second
	case "hidden":
		s.Fields.Server = false
	case "ignores":
		s.Cache.IgnoreParams = []string{"utm_*"}
	case "ttl":
		s.Cache.TTL = []site.CacheTTL{{Status: 404, For: 5 * time.Second}, {For: time.Minute}}
		s.Cache.Bypass = []site.CacheBypass{{Cookie: "session"}}
	}
	if strings.HasPrefix(word, "local") {
		s.Fields.Continue = false
	}
	return s
}

var (
	startLine = regexp.MustCompile(`^(HTTP/1\.|[A-Z*]+ .* HTTP/1\.)`)
	refusal   = regexp.MustCompile(`^(HTTP/1\.1 [45]\d\d) .*`)
	ownBody   = regexp.MustCompile(`^[45]\d\d [A-Z]`)
)

// words of fields that a proxy may write in upper or lower case, or with its name.
var anyWords = strings.NewReplacer(
	"1.1 proxyd", "1.1 *", "1.0 proxyd", "1.0 *",
	"Connection: upgrade", "Connection: *pgrade", "Upgrade: websocket", "Upgrade: *eb*ocket",
	"Expect: 100-continue", "Expect: 100-*ontinue", "Connection: keep-alive", "Connection: *eep-*live",
)

// forOthers makes of a dialogue with proxyd one that any proxy can hold. The order of
// fields, further ones, their case, the words of a refusal and the proxy's name in
// Via are its own business; Cache-Status is proxyd's, and what httpd says to members
// of their connection is no difference to tell.
func forOthers(text string) string {
	var out strings.Builder
	client, head, refused := false, false, false
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		if strings.HasSuffix(line, ":") && !strings.HasPrefix(line, "#") {
			client = strings.HasPrefix(line, "client")
		}
		arrow := ">"
		if client {
			arrow = "<"
		}
		rest, expected := strings.CutPrefix(line, arrow+" ")
		switch {
		case !expected && line != arrow:
		case !head && startLine.MatchString(rest) && headEnds(lines[i+1:], arrow):
			head = true
			refused = client && refusal.MatchString(rest)
			line = arrow + " " + refusal.ReplaceAllString(rest, "$1 *")
		case !head && refused && ownBody.MatchString(rest) && i+1 < len(lines) && strings.HasPrefix(lines[i+1], arrow+" "):
			lines[i+1] = arrow + " *"
		case !head:
		case line == arrow:
			head = false
			out.WriteString(arrow + " ...\n")
		case rest == "...", strings.Contains(rest, "Cache-Status:"), !client && strings.HasPrefix(rest, "- Connection:"):
			continue
		default:
			rest = anyWords.Replace(rest)
			if !strings.HasPrefix(rest, "+ ") && !strings.HasPrefix(rest, "- ") {
				rest = "+ " + rest
			}
			line = arrow + " " + rest
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

// headEnds says whether an empty line follows, before another step.
func headEnds(lines []string, arrow string) bool {
	for _, line := range lines {
		if line == arrow {
			return true
		}
		if !strings.HasPrefix(line, arrow+" ") {
			return false
		}
	}
	return false
}
