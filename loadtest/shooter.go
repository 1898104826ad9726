package loadtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
)

// dialTimeout bounds connect(2); net/http goes on dialling after the request
// that wanted the connection has been given up.
const dialTimeout = 5 * time.Second

// longest X-Origin that a sample keeps.
const maxOrigin = 64

// pool keeps one Transport for the last bases and number of connections.
type pool struct {
	bases       []string
	connections int
	transport   *http.Transport
}

func (p *pool) get(plan Plan) *http.Transport {
	if p.transport == nil || p.connections != plan.Connections || !slices.Equal(p.bases, plan.Bases) {
		p.drop()
		*p = pool{bases: slices.Clone(plan.Bases), connections: plan.Connections, transport: newTransport(plan.Connections)}
	}
	return p.transport
}

func (p *pool) drop() {
	if p.transport != nil {
		p.transport.CloseIdleConnections()
	}
	*p = pool{}
}

func newTransport(connections int) *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // whatever HTTP_PROXY says
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		MaxIdleConnsPerHost:    connections,
		DisableCompression:     true, // else Accept-Encoding is added and bodies unpacked
		MaxResponseHeaderBytes: 64 << 10,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 only
	}
}

// shooter is the http.RoundTripper below vegeta. It throws vegeta's request away
// but for its number, sends the schedule's in its place, and returns when the
// last byte of the answer is in and checked.
type shooter struct {
	ctx       context.Context // of the run
	schedule  *Schedule
	transport *http.Transport
	timeout   time.Duration
	zero      time.Time
	shots     [][]shot // by base, target
	samples   collector
}

// shot is a request that is the same each time, and the right answer to it.
type shot struct {
	request *http.Request
	body    []byte
	want    Target
	hash    uint64
}

func newShooter(ctx context.Context, plan Plan, schedule *Schedule, transport *http.Transport) *shooter {
	s := &shooter{ctx: ctx, schedule: schedule, transport: transport, timeout: plan.Timeout}
	for _, base := range plan.Bases {
		var shots []shot
		for _, t := range plan.Targets {
			shots = append(shots, newShot(base, t.filled()))
		}
		s.shots = append(s.shots, shots)
	}
	return s
}

// newShot takes a base and target that Validate has passed.
func newShot(base string, t Target) shot {
	r, err := http.NewRequest(t.Method, base+t.Path, nil)
	if err != nil {
		panic("a validated target makes no request: " + err.Error())
	}
	r.Header.Set("User-Agent", "proxylab-loadgen")
	sh := shot{request: r, want: t}
	if t.Body > 0 {
		sh.body = bytes.Repeat([]byte("0123456789abcdef"), t.Body/16+1)[:t.Body]
		r.ContentLength = int64(t.Body)
	}
	if t.XXH64 != "" {
		sh.hash, _ = strconv.ParseUint(t.XXH64, 16, 64) // Validate has seen 16 hex digits
	}
	return sh
}

// arm makes the request of one hit.
func (sh *shot) arm(ctx context.Context) *http.Request {
	r := sh.request.WithContext(ctx)
	if sh.body != nil {
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(sh.body)), nil }
		r.Body, _ = r.GetBody()
	}
	return r
}

// noFields is what vegeta gets for the answer's fields, so that it follows none
// of them.
var noFields = http.Header{}

// RoundTrip is one hit, recorded whole.
func (s *shooter) RoundTrip(fromVegeta *http.Request) (*http.Response, error) {
	n, err := strconv.ParseUint(fromVegeta.Header.Get("X-Vegeta-Seq"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("vegeta gave no number: %w", err)
	}
	target := s.schedule.Target(n)
	sh := &s.shots[n%uint64(len(s.shots))][target]
	h := hit{zero: s.zero, Sample: Sample{N: n, Target: target, Planned: s.schedule.At(n)}}
	err = s.send(&h, sh)
	h.End = time.Since(s.zero)
	switch {
	case err == nil && h.resent():
		err = errResent
	case err != nil && s.ctx.Err() != nil:
		err = errStopped
	}
	if err != nil {
		h.Err = reason(err, s.timeout)
	}
	h.Right = h.Err == "" && h.right
	s.samples.add(h.Sample)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: h.Status, Header: noFields, Body: http.NoBody, Request: fromVegeta}, nil
}

// hit is a sample in the making.
type hit struct {
	Sample
	zero        time.Time // of the schedule
	right       bool
	mu          sync.Mutex // net/http calls the trace from goroutines of its own
	connections int        // guarded by mu
	firstByte   time.Duration
}

func (h *hit) gotConn(httptrace.GotConnInfo) {
	h.mu.Lock()
	h.connections++
	h.mu.Unlock()
}

func (h *hit) gotFirstByte() {
	t := time.Since(h.zero)
	h.mu.Lock()
	h.firstByte = t
	h.mu.Unlock()
}

func (h *hit) resent() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.connections > 1
}

func (h *hit) firstByteAt() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.firstByte
}

// send sends the shot and reads its answer to the last byte.
func (s *shooter) send(h *hit, sh *shot) error {
	ctx, cancel := context.WithTimeout(s.ctx, s.timeout)
	defer cancel()
	r := sh.arm(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: h.gotConn, GotFirstResponseByte: h.gotFirstByte}))
	h.Start = time.Since(s.zero)
	resp, err := s.transport.RoundTrip(r)
	h.FirstByte = h.firstByteAt()
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	h.Status = resp.StatusCode
	h.Origin = origin(resp.Header)
	digest := digests.Get().(*xxhash.Digest)
	defer digests.Put(digest)
	digest.Reset()
	h.Bytes, err = drain(resp.Body, digest)
	h.right = h.Status == sh.want.Status && (sh.want.Size < 0 || h.Bytes == sh.want.Size) &&
		(sh.want.XXH64 == "" || digest.Sum64() == sh.hash)
	return err
}

func origin(h http.Header) string {
	o := h.Get("X-Origin")
	return o[:min(len(o), maxOrigin)]
}

var (
	digests = sync.Pool{New: func() any { return xxhash.New() }}
	buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}
)

// drain reads to the end and hashes what it reads.
func drain(body io.Reader, digest *xxhash.Digest) (int64, error) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	var total int64
	for {
		n, err := body.Read(*buf)
		total += int64(n)
		digest.Write((*buf)[:n]) // never fails
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}
