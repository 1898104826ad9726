package admin

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"proxylab/proxy"
	"proxylab/proxy/site"
)

// fetched is what a page's fetch got: the cache's word and the body.
func (b *browser) fetched(path, mode string) string {
	b.t.Helper()
	eval[int](b, fmt.Sprintf(`window.got = null, fetch(%q, {cache: %q, mode: "same-origin"}).then(
		async r => { const body = await r.text(); window.got = (r.headers.get("Cache-Status") || "-") + " | " + body },
		e => { window.got = e.name }), 1`, path, mode))
	b.await("window.got !== null")
	return eval[string](b, "window.got")
}

// A page asks through the proxy's cache in each of the cache modes of fetch. What the
// browser has itself it asks nobody for; what it wants from the origin it says in
// Cache-Control, and the proxy's cache obeys.
func TestTheBrowsersCacheModes(t *testing.T) {
	var asked atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Load()
		if len(r.URL.Path) == len("/a") { // and not the page's icon
			n = asked.Add(1)
		}
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(304)
			return
		}
		fmt.Fprintf(w, "answer %d", n)
	}))
	defer origin.Close()
	declared, err := site.Flags{Listen: "127.0.0.1:0", Backends: []string{origin.URL}, Cache: true}.Site()
	if err != nil {
		t.Fatal(err)
	}
	p, err := proxy.New(declared, proxy.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	base := "http://" + p.Addr().String()
	client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	store := func(path string) { // by another client
		res, err := client.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	b := browse(t, base+"/page")
	for _, row := range []struct {
		name, path, mode string
		stored           bool   // by another client before
		want             string // of Cache-Status, or all that is got
		origin           int64  // requests that it sees
	}{
		{"default asks", "/a", "default", false, "fwd=uri-miss", 1},
		{"default takes what the browser has", "/a", "default", false, "fwd=uri-miss", 0},
		{"default gets what the proxy has", "/b", "default", true, "; hit", 0},
		{"force-cache gets what the proxy has", "/c", "force-cache", true, "; hit", 0},
		{"force-cache takes what the browser has", "/a", "force-cache", false, "fwd=uri-miss", 0},
		{"no-store goes to the origin", "/d", "no-store", true, "fwd-status=304", 1},
		{"no-store leaves nothing in the browser", "/d", "only-if-cached", false, "TypeError", 0},
		{"reload goes to the origin", "/a", "reload", false, "fwd-status=304", 1},
		{"no-cache is validated with the origin", "/a", "no-cache", false, "fwd=", 1},
		{"only-if-cached takes what the browser has", "/a", "only-if-cached", false, "fwd=", 0},
		{"only-if-cached asks nobody", "/e", "only-if-cached", true, "TypeError", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.stored {
				store(row.path)
			}
			before := asked.Load()
			if got := b.fetched(row.path, row.mode); !strings.Contains(got, row.want) {
				t.Errorf("got %q, want %q in it", got, row.want)
			}
			if n := asked.Load() - before; n != row.origin {
				t.Errorf("the origin was asked %d times, want %d", n, row.origin)
			}
		})
	}
}
