package acceptance

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"proxylab/labs/origin"
)

// checks are all, in the order in which they are played.
var checks = []check{
	{name: "get", points: 4, run: checkGet, demand: "GET gives the origin server's 200 with its bytes",
		hint: "connect to an origin server, send the request on, and copy what comes back until its end: recv may return a part"},
	{name: "head", points: 4, run: checkHead, demand: "HEAD gives the fields of GET, and no body",
		hint: "a response to HEAD has no body whatever its Content-Length says (RFC 9110 §9.3.2): do not wait for one"},
	{name: "post", points: 4, run: checkPost, demand: "POST brings its body to the origin server, every byte",
		hint: "read as many bytes of the body as Content-Length says, and send them on; send may take a part only"},
	{name: "not-found", points: 4, run: checkNotFound, demand: "what the origin server does not have is 404",
		hint: "hand the origin server's status on as it came"},
	{name: "bad-request", points: 4, run: checkBadRequest, demand: "what is no request is 400",
		hint: "a request line is METHOD SP target SP HTTP/1.1 (RFC 9112 §3); answer 400 to any other before an origin server is asked"},
	{name: "bad-gateway", points: 4, run: checkBadGateway, demand: "with no origin server up, 502, 503 or 504",
		hint: "when connect fails at every origin server, answer 502 instead of closing"},
	{name: "concurrency", points: 8, run: checkConcurrency, demand: "others are served while some requests hang",
		hint: "one thread, process or event loop entry a connection: nobody may wait for another one's answer"},
	{name: "round-robin", points: 8, run: checkRoundRobin, demand: "three origin servers take turns",
		hint: "keep one counter for all connections, under a lock or atomic, and take backend number counter mod 3"},
	{name: "pages", points: 8, run: checkPages, demand: "the four test pages and all their parts, byte for byte",
		hint: "bodies are bytes, not strings: strlen ends at the first zero; large ones come in many parts"},
	{name: "log-output", points: 4, run: checkLogOutput, demand: "each request and its status stand in a line on standard output",
		hint: "write a line with target and status when the response is done, and flush: stdout is buffered when it is no terminal"},
	{name: "log-file", points: 4, run: checkLogFile, demand: "the same in the file LOG_FILE",
		hint: "open LOG_FILE for appending, make it when it is not there, and flush each line"},
	{name: "cache-hit", points: 5, run: checkCacheHit, demand: "a response that was kept is answered with all origin servers dead",
		hint: "with CACHE_TTL set, keep responses to GET and look there before an origin server is asked; the key is the whole target"},
	{name: "cache-ttl", points: 5, run: checkCacheTTL, demand: "a kept response is used for CACHE_TTL seconds and no longer",
		hint: "store the time with the response, and ask the origin server again when now - stored >= CACHE_TTL"},
	{name: "cache-restart", points: 5, run: checkCacheRestart, demand: "the cache outlives a stop by SIGTERM and a start",
		hint: "keep responses in files, and look for the file when a request comes, not in a table in memory"},
	{name: "cache-kill", points: 5, run: checkCacheKill, demand: "the cache outlives kill -9",
		hint: "write each response when it comes, to a temporary name, and rename it: an end without warning leaves whole files only"},
	{name: "cache-dir", points: 5, run: checkCacheDir, demand: "what is kept lies in files below CACHE_DIR",
		hint: "make the folder CACHE_DIR when it is not there, and put each response with its body into a file below it"},
	{name: "config-file", points: 5, run: checkConfigFile, demand: "port and origin servers can be given in a configuration file",
		hint: "read them from a file, and say in system.yaml, under config, where it lies and how it is written"},
	{name: "malformed", points: 7, run: checkMalformed, demand: "malformed requests are 400, and it stays up",
		hint: "bound the head, check every number before you use it, ignore SIGPIPE, and never trust a length"},
	{name: "load", points: 7, run: checkLoad, demand: "200 connections at once, and nothing is lost",
		hint: "listen with a long backlog, close every descriptor, and check what accept, recv and send return"},
	{name: "keep-alive", points: 5, harder: true, run: checkKeepAlive, demand: "several requests on one connection",
		hint: "after a response, go on to read the next request: bytes of it may be in your buffer already"},
	{name: "chunked", points: 5, harder: true, run: checkChunked, demand: "a request body in chunks arrives whole",
		hint: "read chunks until the one of size 0 (RFC 9112 §7.1), and send the body on in chunks or with its length"},
	{name: "failover", points: 5, harder: true, run: checkFailover, demand: "a dead origin server is noticed by no client",
		hint: "when connect fails, try the next origin server before you answer 502"},
}

func size(n int64) string { return origin.SizeXXH64(n) }

func checkGet(ctx context.Context, x *exam) (string, error) {
	if err := x.up(ctx); err != nil {
		return "", err
	}
	for _, n := range []int64{0, 1, 4096, 300_000} {
		if _, err := x.getSize(ctx, n); err != nil {
			return "", err
		}
	}
	return "200 with the right 0, 1, 4096 and 300000 bytes", nil
}

func checkHead(ctx context.Context, x *exam) (string, error) {
	if err := x.up(ctx); err != nil {
		return "", err
	}
	c, err := x.dial(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.Write([]byte(head("HEAD", "/size/4096", "Connection: close"))); err != nil {
		return "", err
	}
	a, err := c.receive("HEAD")
	if err != nil {
		return "", fmt.Errorf("HEAD /size/4096: %w", err)
	}
	if a.status != http.StatusOK {
		return "", fmt.Errorf("HEAD /size/4096: answered %d, not 200", a.status)
	}
	if n := a.header.Get("Content-Length"); n != "4096" {
		return "", fmt.Errorf("HEAD /size/4096: Content-Length is %q, not that of GET, 4096", n)
	}
	if b, err := c.r.ReadByte(); err == nil {
		return "", fmt.Errorf("HEAD /size/4096: behind the head came more, first %q", b)
	}
	return "200, Content-Length 4096, nothing behind the head", nil
}

func checkPost(ctx context.Context, x *exam) (string, error) {
	if err := x.up(ctx); err != nil {
		return "", err
	}
	const n = 100_000
	body := origin.SizeBytes(n)
	return x.echoed(ctx, head("POST", "/echo", "Connection: close", "Content-Length: "+strconv.Itoa(n))+string(body), string(body))
}

// echoed sends a POST to /echo and compares what the origin server got.
func (x *exam) echoed(ctx context.Context, text, body string) (string, error) {
	a, err := x.ask(ctx, "POST", text)
	if err != nil {
		return "", fmt.Errorf("POST /echo: %w", err)
	}
	if a.status != http.StatusOK {
		return "", fmt.Errorf("POST /echo: answered %d, not 200", a.status)
	}
	var e origin.Echo
	if err := json.Unmarshal(a.body, &e); err != nil {
		return "", fmt.Errorf("POST /echo: the answer is not the origin server's: %w", err)
	}
	if e.Method != http.MethodPost || e.Body != body {
		return "", fmt.Errorf("POST /echo with %d bytes: the origin server got %s with %d bytes, or others", len(body), e.Method, len(e.Body))
	}
	return fmt.Sprintf("the origin server got the %d bytes", len(body)), nil
}

func checkNotFound(ctx context.Context, x *exam) (string, error) {
	if err := x.up(ctx); err != nil {
		return "", err
	}
	a, err := x.ask(ctx, "GET", head("GET", "/no/such/thing", "Connection: close"))
	if err != nil {
		return "", fmt.Errorf("GET /no/such/thing: %w", err)
	}
	if a.status != http.StatusNotFound {
		return "", fmt.Errorf("GET /no/such/thing: answered %d, not 404", a.status)
	}
	return "GET /no/such/thing: 404", nil
}

func checkBadGateway(ctx context.Context, x *exam) (string, error) {
	if err := x.fresh(ctx, Settings{}); err != nil {
		return "", err
	}
	defer func() { x.running = false }() // it may hold members in error
	if err := x.stopOrigins(ctx, 3); err != nil {
		return "", err
	}
	a, err := x.ask(ctx, "GET", head("GET", "/size/17", "Connection: close"))
	if err != nil {
		return "", fmt.Errorf("with all origin servers down: %w", err)
	}
	if a.status < 502 || a.status > 504 {
		return "", fmt.Errorf("with all origin servers down: answered %d, not 502, 503 or 504", a.status)
	}
	return fmt.Sprintf("with all origin servers down: %d", a.status), nil
}

// checkConcurrency holds requests at the origin servers and asks beside them.
func checkConcurrency(ctx context.Context, x *exam) (string, error) {
	if err := x.up(ctx); err != nil {
		return "", err
	}
	const hanging = 4
	for range hanging {
		c, err := x.dial(ctx)
		if err != nil {
			return "", err
		}
		defer c.Close()
		if _, err := c.Write([]byte(head("GET", "/delay/60s", "Connection: close"))); err != nil {
			return "", fmt.Errorf("could not send the request: %w", err)
		}
	}
	for range 6 {
		if _, err := x.getSize(ctx, 512); err != nil {
			return "", fmt.Errorf("while %d requests wait for slow answers: %w", hanging, err)
		}
	}
	return fmt.Sprintf("6 requests served while %d others waited for an answer that takes 60 s", hanging), nil
}

func checkRoundRobin(ctx context.Context, x *exam) (string, error) {
	if err := x.fresh(ctx, Settings{}); err != nil {
		return "", err
	}
	var names []string
	got, err := x.during(ctx, func() error {
		for i := range int64(12) {
			a, err := x.getSize(ctx, 700+i)
			if err != nil {
				return err
			}
			names = append(names, a.header.Get("X-Origin"))
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	for i, n := range got {
		if n != 4 {
			return "", fmt.Errorf("of 12 requests the origin servers got %v; number %d should have 4", got, i+1)
		}
	}
	for i := range names[3:] {
		if names[i] != names[i+3] || names[i] == names[i+1] {
			return "", fmt.Errorf("they did not take turns: %v", names)
		}
	}
	return fmt.Sprintf("12 requests: %v, then the same order again", names[:3]), nil
}

func checkPages(ctx context.Context, x *exam) (string, error) {
	if err := x.up(ctx); err != nil {
		return "", err
	}
	parts, total := origin.Pages(), int64(0)
	for _, p := range parts {
		a, err := x.get(ctx, p.Path)
		if err != nil {
			return "", err
		}
		if err := same(p.Path, a.body, p.Size, p.XXH64); err != nil {
			return "", err
		}
		if t := a.header.Get("Content-Type"); t != p.Type {
			return "", fmt.Errorf("GET %s: Content-Type %q, not %q", p.Path, t, p.Type)
		}
		total += p.Size
	}
	return fmt.Sprintf("%d files, %d bytes, each with the right hash and type", len(parts), total), nil
}

// checkLoad has 200 connections open at once, and then asks on all of them.
func checkLoad(ctx context.Context, x *exam) (string, error) {
	if err := x.up(ctx); err != nil {
		return "", err
	}
	const connections, rounds = 200, 5
	var all sync.WaitGroup
	var mu sync.Mutex
	var lost []string
	for range rounds {
		open := make([]*conn, connections)
		for i := range open {
			c, err := x.dial(ctx)
			if err != nil {
				return "", fmt.Errorf("connection %d of %d: %w", i+1, connections, err)
			}
			defer c.Close()
			open[i] = c
		}
		for i, c := range open {
			all.Go(func() {
				if err := c.exchange(int64(1000 + i)); err != nil {
					mu.Lock()
					defer mu.Unlock()
					lost = append(lost, err.Error())
				}
			})
		}
		all.Wait()
		for _, c := range open {
			c.Close()
		}
	}
	if len(lost) > 0 {
		slices.Sort(lost)
		return "", fmt.Errorf("%d of %d requests had no right answer; one: %s", len(lost), connections*rounds, lost[0])
	}
	return fmt.Sprintf("%d requests, %d connections open at a time: all answered with the right bytes", connections*rounds, connections), nil
}

// exchange asks for /size/n and closes.
func (c *conn) exchange(n int64) error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	target := fmt.Sprintf("/size/%d", n)
	if _, err := c.Write([]byte(head("GET", target, "Connection: close"))); err != nil {
		return err
	}
	a, err := c.receive("GET")
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("GET %s: answered %d, not 200", target, a.status)
	}
	return same(target, a.body, n, size(n))
}
