package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// load is what a load generator says of one go.
type load struct {
	Requests int // answered whole with 200
	Errors   int
	Seconds  float64
	P50      time.Duration
}

// loadFor plays a case's load against a port, on the load's core, and returns
// what the generator said: wrk, or without one the bench's own.
func (b *bench) loadFor(ctx context.Context, wrk string, c Case, port int, length time.Duration) (load, error) {
	url := fmt.Sprintf("http://127.0.0.1:%d/%s", port, c.path())
	out, err := os.Create(filepath.Join(b.dir, "load"))
	if err != nil {
		return load{}, err
	}
	defer out.Close()
	argv := []string{b.self, childMark, "load", url, strconv.Itoa(c.Conns), length.String(), "keep"}
	if wrk != "" {
		argv = []string{wrk, "-t1", fmt.Sprintf("-c%d", c.Conns), "-d", fmt.Sprintf("%ds", int(length.Seconds())), "--latency", "--timeout", "5s"}
		if c.Close {
			argv = append(argv, "-H", "Connection: close")
		}
		argv = append(argv, url)
	} else if c.Close {
		argv[len(argv)-1] = "close"
	}
	p, err := start(b.cores.load, b.dir, b.lib, out, argv...)
	if err != nil {
		return load{}, err
	}
	defer p.stop()
	// wrk waits at its end for answers, at most for its timeout.
	late := time.NewTimer(length + 15*time.Second)
	defer late.Stop()
	select {
	case <-p.done:
	case <-late.C:
		return load{}, fmt.Errorf("%s does not end", argv[0])
	case <-ctx.Done():
		return load{}, context.Cause(ctx)
	}
	if p.err != nil {
		return load{}, fmt.Errorf("%s: %w: %s", argv[0], p.err, p.said())
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		return load{}, err
	}
	if wrk != "" {
		return parseWrk(string(text))
	}
	var l load
	return l, json.Unmarshal(text, &l)
}

// parseWrk reads what wrk --latency prints:
//
//	Running 3s test @ http://127.0.0.1:8080/1k
//	  1 threads and 64 connections
//	...
//	  Latency Distribution
//	     50%    1.23ms
//	...
//	  100023 requests in 3.00s, 122.07MB read
//	  Socket errors: connect 0, read 3, write 0, timeout 0
//	  Non-2xx or 3xx responses: 7
func parseWrk(text string) (load, error) {
	var l load
	found := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		var a, b, c, d int
		if n, _ := fmt.Sscanf(line, "Socket errors: connect %d, read %d, write %d, timeout %d", &a, &b, &c, &d); n == 4 {
			l.Errors += a + b + c + d
			continue
		}
		if n, _ := fmt.Sscanf(line, "Non-2xx or 3xx responses: %d", &a); n == 1 {
			l.Errors += a
			l.Requests -= a
			continue
		}
		if f := strings.Fields(line); len(f) == 2 && f[0] == "50%" {
			p50, err := time.ParseDuration(f[1])
			if err != nil {
				return load{}, fmt.Errorf("wrk: %q is no latency: %w", line, err)
			}
			l.P50 = p50
			found++
			continue
		}
		if before, after, ok := strings.Cut(line, " requests in "); ok {
			length, _, _ := strings.Cut(after, ",")
			n, err1 := strconv.Atoi(before)
			took, err2 := time.ParseDuration(length)
			if err1 != nil || err2 != nil {
				return load{}, fmt.Errorf("wrk: %q is no count of requests", line)
			}
			l.Requests += n
			l.Seconds = took.Seconds()
			found++
		}
	}
	if found != 2 {
		return load{}, fmt.Errorf("wrk: neither count nor latency in %q", text)
	}
	return l, nil
}
