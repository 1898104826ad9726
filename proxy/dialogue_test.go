package proxy

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/cache"
	"proxylab/proxy/site"
	"proxylab/proxy/wiretest"
)

// The dialogues of testdata/exchange and, with a cache, testdata/cache, each with a proxy of its own. They are
// played as they stand and with every byte of the clients in a write of its own;
// but for those called whole-…, whose answer depends on what comes together.
func TestDialogues(t *testing.T) { dialogues(t, "testdata/exchange", sites) }

func TestCacheDialogues(t *testing.T) {
	dialogues(t, "testdata/cache", cacheSites, caches)
}

func dialogues(t *testing.T, folder string, sites map[string]func(*site.Site), all ...func(*site.Site)) {
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogues: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "unsolicited-answer" { // it has to be noticed while nobody asks
				attended(t)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d, err := wiretest.Parse(file, data)
			if err != nil {
				t.Fatal(err)
			}
			change := append(all[:len(all):len(all)], sites[prefix(name)])
			played := []*running{play(t, d, change...)}
			if !strings.HasPrefix(name, "whole-") {
				played = append(played, play(t, d.Split(), change...))
			}
			for _, p := range played {
				if p.Tally() != nil {
					p.stop(t)
					compareFates(t, string(data), p.Tally().Counts())
				}
			}
		})
	}
}

// compareFates wants the requests of a dialogue to be counted as one of its comments
// says: "# fates: miss 1, hit 2".
func compareFates(t *testing.T, dialogue string, counts cache.Counts) {
	t.Helper()
	var got []string
	for f, n := range counts {
		if n > 0 {
			got = append(got, fmt.Sprint(cache.Fate(f), " ", n))
		}
	}
	_, want, ok := strings.Cut(dialogue, "\n# fates: ")
	want, _, _ = strings.Cut(want, "\n")
	if !ok || strings.Join(got, ", ") != want {
		t.Errorf("counted %q, want %q", strings.Join(got, ", "), want)
	}
}

// sites change the Site for dialogues whose name begins so.
var sites = map[string]func(*site.Site){
	"trusted":   func(s *site.Site) { s.Fields.Trusted = networks("10.0.0.0/8", "127.0.0.1/32") },
	"untrusted": func(s *site.Site) { s.Fields.Trusted = networks("10.0.0.0/8", "::/0") },
	"forwarded": func(s *site.Site) { s.Fields.Forwarded = true },
	"local":     func(s *site.Site) { s.Fields.Continue = false },
	"line":      func(s *site.Site) { s.Limits.RequestLine = 100 },
	"counted":   func(s *site.Site) { s.Limits.KeepAliveRequests = 2 },
	"ping":      pinging,
	"localping": func(s *site.Site) { pinging(s); s.Fields.Continue = false },
	"hidden":    func(s *site.Site) { s.Fields.Server = false },
}

func pinging(s *site.Site) { s.Balancers[0].Members[0].Ping = 5 * time.Second }

func prefix(name string) string {
	word, _, _ := strings.Cut(name, "-")
	return word
}

func networks(list ...string) (ns []netip.Prefix) {
	for _, n := range list {
		ns = append(ns, netip.MustParsePrefix(n))
	}
	return ns
}

func play(t *testing.T, d *wiretest.Dialogue, changes ...func(*site.Site)) *running {
	t.Helper()
	l := listen(t)
	defer l.Close()
	p := serve(t, func(s *site.Site) {
		timeout(500 * time.Millisecond)(s)
		s.Limits.Head = 4096
		s.Limits.Body = 100_000
		for _, change := range changes {
			if change != nil {
				change(s)
			}
		}
		s.Balancers[0].Members[0].Upgrade = "websocket"
		s.Routes = append([]site.Route{{Path: "/private", To: "!"}}, s.Routes...)
	}, "http://"+l.Addr().String())
	if err := d.Play(context.Background(), p.addr, l); err != nil {
		t.Error(err)
	}
	return p
}
