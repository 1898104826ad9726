package origin

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Server is one origin. It is safe for use by many goroutines.
type Server struct {
	name   []string // the value of X-Origin, shared by all answers
	counts counters
	fault  atomic.Pointer[Fault] // never nil
}

// New returns an origin that calls itself name. It makes the bodies ready, so
// that the first request costs no more than the others.
func New(name string) *Server {
	block()
	loaded()
	s := &Server{name: []string{name}}
	s.fault.Store(new(Fault))
	return s
}

// endpoint answers a request whose path goes on with rest behind the kind.
type endpoint func(s *Server, w http.ResponseWriter, r *http.Request, rest string)

// kinds are the first segments of the paths there are, in the order of counting.
var kinds = []string{"size", "delay", "status", "cache", "echo", "pages", "other"}

func endpointOf(kind string) endpoint {
	switch kind {
	case "size":
		return size
	case "delay":
		return delay
	case "status":
		return status
	case "cache":
		return cache
	case "echo":
		return echo
	case "pages":
		return page
	}
	return unknown
}

var serverField = []string{"proxylab-origin"}

// ServeHTTP answers, as long as no fault has it otherwise, and counts.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.counts.active.Add(1)
	defer s.counts.active.Add(-1)
	f := s.Fault()
	if f.Delay > 0 {
		wait(r, time.Duration(f.Delay))
	}
	if f.Reset {
		reset(w)
		return
	}
	h := w.Header()
	h["X-Origin"] = s.name
	h["Server"] = serverField
	c := countedPool.Get().(*counted)
	*c = counted{ResponseWriter: w, counts: &s.counts, kind: kindOf(r.URL.Path), head: r.Method == http.MethodHead}
	if f.Status != 0 {
		text(c, f.Status, fmt.Sprintf("%d %s\n", f.Status, http.StatusText(f.Status)))
	} else {
		s.answer(c, r, r.URL.Path)
	}
	if !c.begun {
		c.WriteHeader(http.StatusOK)
	}
	*c = counted{}
	countedPool.Put(c)
}

// answer is also where the path behind a delay goes.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, path string) {
	kind, rest := cut(path)
	endpointOf(kind)(s, w, r, rest)
}

// cut takes the first segment off: "/size/10" is "size" and "10".
func cut(path string) (segment, rest string) {
	segment, rest, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return segment, rest
}

func kindOf(path string) int {
	segment, _ := cut(path)
	for i, k := range kinds[:len(kinds)-1] {
		if k == segment {
			return i
		}
	}
	return len(kinds) - 1
}

// allow answers 405 unless the method is one of those given.
func allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	for _, m := range methods {
		if r.Method == m {
			return true
		}
	}
	list := strings.Join(methods, ", ")
	w.Header().Set("Allow", list) // RFC 9110 §15.5.6
	refuse(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s is not allowed here", r.Method), "use "+list)
	return false
}

func unknown(_ *Server, w http.ResponseWriter, r *http.Request, _ string) {
	refuse(w, http.StatusNotFound, fmt.Sprintf("nothing at %q", r.URL.Path),
		"there are /size/N /delay/D /status/N /cache/max-age=N /echo /pages/1 to /pages/4")
}

func refuse(w http.ResponseWriter, code int, what, hint string) {
	text(w, code, "error: "+what+"\nhint: "+hint+"\n")
}

func text(w http.ResponseWriter, code int, body string) {
	w.Header()["Content-Type"] = textField
	send(w, code, []byte(body))
}

var countedPool = sync.Pool{New: func() any { return new(counted) }}
