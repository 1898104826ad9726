package loadtest

import (
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

// pool keeps the Transports for the last bases and number of connections.
type pool struct {
	bases       []string
	connections int
	kept        *http.Transport // of persistent connections
	single      *http.Transport // of those that serve one request
}

func (p *pool) get(plan Plan) *pool {
	if p.kept == nil || p.connections != plan.Connections || !slices.Equal(p.bases, plan.Bases) {
		p.drop()
		*p = pool{bases: slices.Clone(plan.Bases), connections: plan.Connections, kept: newTransport(), single: newTransport()}
		p.kept.MaxIdleConnsPerHost = plan.Connections
		p.single.DisableKeepAlives = true
		p.single.DialContext = dialSlow
	}
	return p
}

func (p *pool) drop() {
	if p.kept != nil {
		p.kept.CloseIdleConnections()
	}
	*p = pool{}
}

var dialer = &net.Dialer{Timeout: dialTimeout}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // whatever HTTP_PROXY says
		DialContext:            dialer.DialContext,
		DisableCompression:     true, // else Accept-Encoding is added and bodies unpacked
		MaxResponseHeaderBytes: 64 << 10,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 only
	}
}

// shooter is the http.RoundTripper below vegeta. It throws vegeta's request away
// but for its number, sends the schedule's in its place, and returns when the
// last byte of the answer is in and checked.
type shooter struct {
	ctx      context.Context // of the run
	schedule *Schedule
	pool     *pool
	timeout  time.Duration
	zero     time.Time
	shots    [][]shot // by base, target
	samples  collector
}

func newShooter(ctx context.Context, plan Plan, schedule *Schedule, pool *pool) *shooter {
	s := &shooter{ctx: ctx, schedule: schedule, pool: pool, timeout: plan.Timeout}
	for _, base := range plan.Bases {
		var shots []shot
		for _, t := range plan.Targets {
			shots = append(shots, newShot(base, t.filled()))
		}
		s.shots = append(s.shots, shots)
	}
	return s
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
	h := hit{zero: s.zero, Sample: Sample{N: n, Target: target, Item: s.schedule.Item(n)}}
	if s.schedule.clients == 0 {
		h.Planned = s.schedule.At(n)
	}
	err = s.send(&h, sh)
	if s.schedule.clients > 0 {
		h.Planned = h.Start // nobody planned it
	}
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
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: h.gotConn, GotFirstResponseByte: h.gotFirstByte})
	transport := s.pool.kept
	if sh.alone() {
		transport, ctx = s.pool.single, context.WithValue(ctx, slowKey{}, sh.want.Slow)
	}
	r := sh.arm(ctx, h.N, h.Item)
	h.Start = time.Since(s.zero)
	resp, err := transport.RoundTrip(r)
	h.FirstByte = h.firstByteAt()
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	h.Status = resp.StatusCode
	h.Origin = origin(resp.Header)
	h.Cache = cacheStatus(resp.Header)
	digest := digests.Get().(*xxhash.Digest)
	defer digests.Put(digest)
	digest.Reset()
	body := io.Reader(resp.Body)
	if sh.want.Slow != nil && sh.want.Slow.Read > 0 {
		body = &slowReader{r: body, pace: pace{ctx: ctx, rate: sh.want.Slow.Read}}
	}
	h.Bytes, err = drain(body, digest)
	h.right = h.Status == sh.want.Status && (sh.want.Size < 0 || h.Bytes == sh.want.Size) &&
		(sh.want.XXH64 == "" || digest.Sum64() == sh.hash)
	return err
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
