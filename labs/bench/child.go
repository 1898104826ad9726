package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// childMark as first argument makes the program one of those that the bench
// brings along, since a process is what is pinned and measured.
const childMark = "bench-child"

// Child does what the arguments of a program that the bench started itself ask
// for. It returns false at once where they do not.
func Child(args []string) bool {
	if len(args) < 2 || args[0] != childMark {
		return false
	}
	var err error
	switch mode, rest := args[1], args[2:]; {
	case mode == "httputil" && len(rest) == 2:
		err = http.ListenAndServe(rest[0], reverseProxy(rest[1]))
	case mode == "origin" && len(rest) == 1:
		err = http.ListenAndServe(rest[0], serveContent())
	case mode == "load" && len(rest) == 4:
		err = childLoad(rest)
	default:
		err = fmt.Errorf("no child is started with %q", args)
	}
	if err != nil {
		log.Fatal(err)
	}
	return true
}

// reverseProxy is httputil's, with what its documentation offers: buffers that
// are used again, and as many idle connections to the origin as clients load
// (two by default).
func reverseProxy(origin string) http.Handler {
	target := &url.URL{Scheme: "http", Host: origin}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
			r.Out.Header.Add("Via", "1.1 httputil")
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Add("Via", "1.1 httputil")
			return nil
		},
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
			DisableCompression:  true,
			MaxIdleConnsPerHost: 256,
			IdleConnTimeout:     10 * time.Minute,
			ReadBufferSize:      16 << 10,
			WriteBufferSize:     16 << 10,
		},
		BufferPool: new(buffers),
	}
}

// buffers is a httputil.BufferPool.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if v, ok := b.pool.Get().(*[]byte); ok {
		return *v
	}
	return make([]byte, 64<<10)
}

func (b *buffers) Put(v []byte) { b.pool.Put(&v) }

// childLoad is the load where wrk is not to be had: closed loop, as wrk's.
func childLoad(args []string) error {
	conns, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	length, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: conns, DisableCompression: true, DisableKeepAlives: args[3] == "close"}
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	var (
		mu    sync.Mutex
		sum   load
		times []time.Duration
		wait  sync.WaitGroup
	)
	begin := time.Now()
	for range conns {
		wait.Go(func() {
			var mine []time.Duration
			failed := 0
			for time.Since(begin) < length {
				sent := time.Now()
				if err := get(client, args[0]); err != nil {
					failed++
					continue
				}
				mine = append(mine, time.Since(sent))
			}
			mu.Lock()
			defer mu.Unlock()
			sum.Errors += failed
			times = append(times, mine...)
		})
	}
	wait.Wait()
	sum.Requests, sum.Seconds = len(times), time.Since(begin).Seconds()
	if slices.Sort(times); len(times) > 0 {
		sum.P50 = times[len(times)/2]
	}
	return json.NewEncoder(os.Stdout).Encode(sum)
}

func get(client *http.Client, url string) error {
	r, err := client.Get(url)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	if r.StatusCode != 200 {
		return fmt.Errorf("status %d", r.StatusCode)
	}
	return nil
}
