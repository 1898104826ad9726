package origin

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
)

// ReadyBody is what GET /ready answers on the control listener.
const ReadyBody = "proxylab origin is ready\n"

// Counts is what an origin served since its start or the last reset.
type Counts struct {
	Name     string           `json:"name"`
	Requests int64            `json:"requests"` // whose answer has begun
	Bytes    int64            `json:"bytes"`    // of response bodies
	Active   int64            `json:"active"`   // requests under way now; a reset leaves them
	Statuses map[string]int64 `json:"statuses"` // requests by status, as "200"
	Kinds    map[string]int64 `json:"kinds"`    // requests by first segment of the path, as "size"

	StalledSeconds float64 `json:"stalled_s"` // for which the process could not run, where it watches: see [Server.Watch]
}

const statuses = 600

// counters are kept one by one: an answer adds to a few of them without a lock,
// so that Counts taken during a load may be a few requests apart.
type counters struct {
	active   atomic.Int64
	stalled  atomic.Int64 // ns
	bytes    atomic.Int64
	byStatus [statuses]atomic.Int64
	byKind   [16]atomic.Int64 // as kinds
}

// Counts reads the counters.
func (s *Server) Counts() Counts { return s.collect((*atomic.Int64).Load) }

// Reset sets the counters to zero and returns what they were.
func (s *Server) Reset() Counts {
	return s.collect(func(c *atomic.Int64) int64 { return c.Swap(0) })
}

func (s *Server) collect(take func(*atomic.Int64) int64) Counts {
	c := Counts{Name: s.name[0], Statuses: map[string]int64{}, Kinds: map[string]int64{}}
	c.Active = s.counts.active.Load()
	c.Bytes = take(&s.counts.bytes)
	c.StalledSeconds = float64(take(&s.counts.stalled)) / 1e9
	for i := range s.counts.byStatus {
		if n := take(&s.counts.byStatus[i]); n > 0 {
			c.Statuses[strconv.Itoa(i)] = n
			c.Requests += n
		}
	}
	for i, kind := range kinds {
		if n := take(&s.counts.byKind[i]); n > 0 {
			c.Kinds[kind] = n
		}
	}
	return c
}

// counted is the ResponseWriter of one request. A request is counted when its
// answer begins: its client cannot have seen the end of it before.
type counted struct {
	http.ResponseWriter
	counts *counters
	kind   int
	head   bool
	begun  bool
}

// WriteHeader counts the request, once.
func (c *counted) WriteHeader(code int) {
	if !c.begun {
		c.begun = true
		c.counts.byStatus[code].Add(1)
		c.counts.byKind[c.kind].Add(1)
	}
	c.ResponseWriter.WriteHeader(code)
}

// Write counts bytes before they leave, and takes back those that did not.
func (c *counted) Write(p []byte) (int, error) {
	if !c.begun {
		c.WriteHeader(http.StatusOK)
	}
	if c.head {
		return c.ResponseWriter.Write(p) // net/http sends none of it
	}
	c.counts.bytes.Add(int64(len(p)))
	n, err := c.ResponseWriter.Write(p)
	if n < len(p) {
		c.counts.bytes.Add(int64(n - len(p)))
	}
	return n, err
}

// Control is the handler of the control listener.
//
//	GET  /ready         ReadyBody
//	GET  /counts        Counts as JSON
//	POST /counts/reset  sets them to zero and answers what they were
//	GET  /fault         the Fault at present as JSON
//	PUT  /fault         another one: {"status": 503}; {} ends it
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, ReadyBody) })
	mux.HandleFunc("GET /counts", func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, s.Counts()) })
	mux.HandleFunc("POST /counts/reset", func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, s.Reset()) })
	mux.HandleFunc("GET /fault", s.sendFault)
	mux.HandleFunc("PUT /fault", s.setFault)
	return mux
}

func sendJSON(w http.ResponseWriter, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(body, '\n'))
}
