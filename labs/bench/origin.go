package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
)

// The origin has these paths, nginx as well as the one in Go:
//
//	/1k          a size; no cache may keep it without asking again
//	/keep/1k     the same, for an hour
//	/many/NAME   1 KB, for an hour, under any name
//	/count       how many requests there were, this one too, as nginx's stub_status says it
const lifetime = "max-age=3600"

// startOrigin starts the origin; stop ends it.
func (b *bench) startOrigin(ctx context.Context) (stop func(), err error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	b.origin = fmt.Sprintf("127.0.0.1:%d", port)
	argv := []string{b.self, childMark, "origin", b.origin}
	dir := filepath.Join(b.dir, "origin")
	if err := os.MkdirAll(filepath.Join(dir, "files"), 0o755); err != nil {
		return nil, err
	}
	if nginx := b.find.find("nginx"); nginx != "" && !b.GoLoad {
		for size := range sizes {
			if err := os.WriteFile(filepath.Join(dir, "files", size), content(size), 0o644); err != nil {
				return nil, err
			}
		}
		p := &place{Program: nginx, Dir: dir, Port: port, Root: os.Getuid() == 0, Files: b.files}
		if err := p.write("origin.conf"); err != nil {
			return nil, err
		}
		argv = nginxArgv(p)
	}
	p, err := start(b.cores.origin, dir, b.lib, nil, argv...)
	if err != nil {
		return nil, err
	}
	if err := gate(ctx, p, Case{}, port); err != nil {
		p.stop()
		return nil, fmt.Errorf("%w: %s", err, p.said())
	}
	return p.stop, nil
}

// asked is how many requests the origin had, but for those of asked itself.
func (b *bench) asked(ctx context.Context) (int, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+b.origin+"/count", nil)
	if err != nil {
		return 0, err
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	n, err := parseCount(string(text))
	b.counted++
	return n - b.counted, err
}

// parseCount reads what stub_status of nginx prints:
//
//	Active connections: 1
//	server accepts handled requests
//	 7 7 31
//	Reading: 0 Writing: 1 Waiting: 0
func parseCount(text string) (int, error) {
	_, after, _ := strings.Cut(text, "requests\n")
	line, _, _ := strings.Cut(after, "\n")
	if f := strings.Fields(line); len(f) == 3 {
		return strconv.Atoi(f[2])
	}
	return 0, fmt.Errorf("the origin does not count its requests: %q", text)
}

// serveContent is the origin where nginx is not to be had.
func serveContent() http.Handler {
	var requests atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := requests.Add(1)
		size := strings.TrimPrefix(r.URL.Path, "/")
		switch first, rest, _ := strings.Cut(size, "/"); first {
		case "count":
			fmt.Fprintf(w, "Active connections: 1\nserver accepts handled requests\n 1 1 %d\n", n)
			return
		case "keep":
			size = rest
			w.Header().Set("Cache-Control", lifetime)
		case "many":
			size = "1k"
			w.Header().Set("Cache-Control", lifetime)
		}
		if _, ok := sizes[size]; !ok {
			w.Header().Del("Cache-Control")
			http.NotFound(w, r)
			return
		}
		b := content(size)
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Write(b)
	})
}

// freePort is a port of 127.0.0.1 that nobody listens on now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
