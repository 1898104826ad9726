package acceptance

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"proxylab/labs/origin"
)

// long is a TTL that no examination outlasts.
const long = 600 * time.Second

func checkLogOutput(ctx context.Context, x *exam) (string, error) {
	return x.logged(ctx, "standard output", x.Proxy.Output)
}

func checkLogFile(ctx context.Context, x *exam) (string, error) {
	return x.logged(ctx, "the log file", x.Proxy.Log)
}

// logged asks for something and looks for it in a log, where it may take a moment.
func (x *exam) logged(ctx context.Context, where string, read func(context.Context) (string, error)) (string, error) {
	if err := x.fresh(ctx, Settings{}); err != nil {
		return "", err
	}
	if _, err := x.getSize(ctx, 1234); err != nil {
		return "", err
	}
	if _, err := x.ask(ctx, "GET", head("GET", "/no/such/log", "Connection: close")); err != nil {
		return "", err
	}
	var text string
	for end := time.Now().Add(10 * time.Second); ; {
		var err error
		if text, err = read(ctx); err != nil {
			return "", fmt.Errorf("%s cannot be read: %w", where, err)
		}
		line := lineWith(text, "/size/1234", "200")
		if line != "" && lineWith(text, "/no/such/log", "404") != "" {
			return where + " has " + strings.TrimSpace(line), nil
		}
		if time.Now().After(end) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return "", fmt.Errorf("%s has no line with /size/1234 and 200, or none with /no/such/log and 404; it has %d bytes, which end in %q",
		where, len(text), text[max(0, len(text)-200):])
}

// lineWith finds a line with all the words.
func lineWith(text string, words ...string) string {
next:
	for line := range strings.Lines(text) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue next
			}
		}
		return line
	}
	return ""
}

// kept has responses kept, and returns the sizes whose they are.
func (x *exam) kept(ctx context.Context, ttl time.Duration) ([]int64, error) {
	if err := x.fresh(ctx, Settings{TTL: ttl}); err != nil {
		return nil, err
	}
	sizes := []int64{2000, 70_001}
	for _, n := range sizes {
		if _, err := x.getSize(ctx, n); err != nil {
			return nil, err
		}
	}
	// A proxy may write its file behind the answer.
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if files, err := x.Proxy.Cached(ctx); err == nil && total(files) >= 72_001 {
			break
		}
	}
	return sizes, nil
}

func total(files map[string]int64) (sum int64) {
	for _, n := range files {
		sum += n
	}
	return sum
}

// hits asks again with all origin servers down.
func (x *exam) hits(ctx context.Context, sizes []int64, when string) (string, error) {
	if err := x.stopOrigins(ctx, 3); err != nil {
		return "", err
	}
	defer func() { x.running = false }()
	for _, n := range sizes {
		if _, err := x.getSize(ctx, n); err != nil {
			return "", fmt.Errorf("%s, with all origin servers down: %w", when, err)
		}
	}
	return fmt.Sprintf("%s, with all origin servers down: %d responses with the right bytes", when, len(sizes)), nil
}

func checkCacheHit(ctx context.Context, x *exam) (string, error) {
	sizes, err := x.kept(ctx, long)
	if err != nil {
		return "", err
	}
	return x.hits(ctx, sizes, "asked again")
}

func checkCacheTTL(ctx context.Context, x *exam) (string, error) {
	const ttl = 4 * time.Second
	if err := x.fresh(ctx, Settings{TTL: ttl}); err != nil {
		return "", err
	}
	began := time.Now()
	ask := func() error { _, err := x.getSize(ctx, 3000); return err }
	first, err := x.during(ctx, func() error {
		if err := ask(); err != nil {
			return err
		}
		return ask()
	})
	if err != nil {
		return "", err
	}
	early := time.Since(began) < ttl // a machine that stood still proves nothing
	if n := sum(first); n != 1 && early {
		return "", fmt.Errorf("CACHE_TTL=4: asked twice at once, the origin servers answered %d times, not once", n)
	}
	select {
	case <-time.After(ttl + time.Second):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	again, err := x.during(ctx, ask)
	if err != nil {
		return "", err
	}
	if n := sum(again); n != 1 {
		return "", fmt.Errorf("CACHE_TTL=4: asked again after 5 s, the origin servers answered %d times, not once: it is too old by then", n)
	}
	return "CACHE_TTL=4: one request of two at once reached an origin server, and one after 5 s", nil
}

func sum(list []int64) (n int64) {
	for _, v := range list {
		n += v
	}
	return n
}

func checkCacheRestart(ctx context.Context, x *exam) (string, error) {
	return x.outlives(ctx, x.Proxy.Stop, "stopped and started")
}

func checkCacheKill(ctx context.Context, x *exam) (string, error) {
	return x.outlives(ctx, x.Proxy.Kill, "killed and started")
}

func (x *exam) outlives(ctx context.Context, end func(context.Context) error, how string) (string, error) {
	sizes, err := x.kept(ctx, long)
	if err != nil {
		return "", err
	}
	if err := end(ctx); err != nil {
		return "", fault{err}
	}
	if err := x.Proxy.Again(ctx); err != nil {
		return "", fmt.Errorf("%s: it did not come up: %w", how, err)
	}
	return x.hits(ctx, sizes, how)
}

func checkCacheDir(ctx context.Context, x *exam) (string, error) {
	if _, err := x.kept(ctx, long); err != nil {
		return "", err
	}
	files, err := x.Proxy.Cached(ctx)
	if err != nil {
		return "", fmt.Errorf("nothing lies below CACHE_DIR: %w", err)
	}
	if n := total(files); n < 72_001 {
		return "", fmt.Errorf("two responses with bodies of 72001 bytes were fetched, and %d files below CACHE_DIR hold %d bytes", len(files), n)
	}
	return fmt.Sprintf("%d files below CACHE_DIR hold %d bytes", len(files), total(files)), nil
}

func checkConfigFile(ctx context.Context, x *exam) (string, error) {
	if err := x.fresh(ctx, Settings{InFile: true}); err != nil {
		return "", err
	}
	got, err := x.during(ctx, func() error {
		for i := range int64(6) {
			if _, err := x.getSize(ctx, 800+i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	for i, n := range got {
		if n == 0 {
			return "", fmt.Errorf("of 6 requests the origin servers in the file got %v: number %d has none", got, i+1)
		}
	}
	return fmt.Sprintf("with port and origin servers in the file alone, they got %v of 6 requests", got), nil
}

// malformed are no requests by RFC 9112 and RFC 9110 §7.2; the first ones are plain.
var malformed = []struct{ name, text string }{
	{"no request line", "nonsense\r\n\r\n"},
	{"two words", "GET /size/1\r\nHost: lab.test\r\n\r\n"},
	{"no HTTP", "GET /size/1 FTP/1.0\r\nHost: lab.test\r\n\r\n"},
	{"no target", "GET  HTTP/1.1\r\nHost: lab.test\r\n\r\n"},
	{"no Host", "GET /size/1 HTTP/1.1\r\n\r\n"},
	{"a field without a colon", "GET /size/1 HTTP/1.1\r\nHost: lab.test\r\nnonsense\r\n\r\n"},
	{"Content-Length abc", "POST /echo HTTP/1.1\r\nHost: lab.test\r\nContent-Length: abc\r\n\r\n"},
	{"Content-Length -5", "POST /echo HTTP/1.1\r\nHost: lab.test\r\nContent-Length: -5\r\n\r\n"},
	{"Content-Length 99999999999999999999999", "POST /echo HTTP/1.1\r\nHost: lab.test\r\nContent-Length: 99999999999999999999999\r\n\r\n"},
	{"binary", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"},
}

func checkBadRequest(ctx context.Context, x *exam) (string, error) { return x.refused(ctx, 3) }

// refused sends the first n malformed requests, each on a connection of its own.
func (x *exam) refused(ctx context.Context, n int) (string, error) {
	if err := x.up(ctx); err != nil {
		return "", err
	}
	for _, m := range malformed[:n] {
		a, err := x.ask(ctx, "GET", m.text)
		if err != nil {
			return "", fmt.Errorf("%s: %w", m.name, err)
		}
		if a.status != 400 {
			return "", fmt.Errorf("%s: answered %d, not 400", m.name, a.status)
		}
	}
	return fmt.Sprintf("%d kinds of what is no request: 400", n), nil
}

func checkMalformed(ctx context.Context, x *exam) (string, error) {
	seen, err := x.refused(ctx, len(malformed))
	if err != nil {
		return "", err
	}
	// Whoever sends this may get 4xx or a closed connection, and does no harm.
	for name, text := range map[string]string{
		"a target of 1 MB": head("GET", "/"+strings.Repeat("a", 1<<20)),
		"10,000 fields":    head("GET", "/size/1", strings.Fields(strings.Repeat("X-A:b ", 10_000))...),
		"a head that ends": "GET /size/1 HTTP/1.1\r\nHo",
		"nothing":          "",
	} {
		if err := x.hurl(ctx, text); err != nil {
			return "", err
		}
		if _, err := x.getSize(ctx, 64); err != nil {
			return "", fmt.Errorf("after %s: %w", name, err)
		}
	}
	// Clients that leave in the middle of an answer.
	for range 5 {
		if err := x.hurl(ctx, head("GET", "/size/4000000")); err != nil {
			return "", err
		}
	}
	if _, err := x.getSize(ctx, 65); err != nil {
		return "", fmt.Errorf("after clients that left in the middle of an answer: %w", err)
	}
	return seen + "; it serves on after overlong heads, halves of requests, and clients that left", nil
}

// hurl sends something and leaves without an answer.
func (x *exam) hurl(ctx context.Context, text string) error {
	c, err := x.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(3 * time.Second))
	_, _ = io.WriteString(c, text) // it may close before it has read all
	return nil
}

func checkKeepAlive(ctx context.Context, x *exam) (string, error) {
	if err := x.up(ctx); err != nil {
		return "", err
	}
	c, err := x.dial(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	for i := range int64(3) {
		target := fmt.Sprintf("/size/%d", 900+i)
		if _, err := io.WriteString(c, head("GET", target)); err != nil {
			return "", fmt.Errorf("request %d on one connection: %w", i+1, err)
		}
		a, err := c.receive("GET")
		if err != nil {
			return "", fmt.Errorf("request %d on one connection: %w", i+1, err)
		}
		if err := same(target, a.body, 900+i, size(900+i)); err != nil {
			return "", err
		}
	}
	return "three requests on one connection", nil
}

func checkChunked(ctx context.Context, x *exam) (string, error) {
	if err := x.up(ctx); err != nil {
		return "", err
	}
	body := string(origin.SizeBytes(5000))
	var b strings.Builder
	for rest := body; rest != ""; {
		n := min(len(rest), 999)
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	return x.echoed(ctx, head("POST", "/echo", "Connection: close", "Transfer-Encoding: chunked")+b.String()+"0\r\n\r\n", body)
}

func checkFailover(ctx context.Context, x *exam) (string, error) {
	if err := x.fresh(ctx, Settings{}); err != nil {
		return "", err
	}
	defer func() { x.running = false }()
	if err := x.stopOrigins(ctx, 1); err != nil {
		return "", err
	}
	for i := range int64(9) {
		if _, err := x.getSize(ctx, 600+i); err != nil {
			return "", fmt.Errorf("with one of three origin servers down, request %d: %w", i+1, err)
		}
	}
	return "with one of three origin servers down: 9 of 9 requests answered", nil
}
