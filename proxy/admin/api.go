package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"proxylab/proxy/balancer"
)

// fault is what the API answers where it does not do what was asked.
type fault struct {
	Place string `json:"place"`          // what of the request it is about
	Text  string `json:"text"`           // the value, then the rule it breaks
	Hint  string `json:"hint,omitempty"` // what to do instead
}

// refusal is a fault with its status.
type refusal struct {
	status int
	fault
	after time.Duration // when it may be tried again; 0 for never as it is
}

func (r *refusal) Error() string { return r.Place + ": " + r.Text }

func wrong(status int, place, hint, format string, args ...any) *refusal {
	return &refusal{status: status, fault: fault{place, fmt.Sprintf(format, args...), hint}}
}

// answer is what a resource says to a method; an error that is no refusal is our
// own failure.
type answer func(*http.Request) (any, error)

// routes is the whole of what the listener serves.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/{$}", s.page())
	mux.Handle("/metrics", only(s.metrics(), http.MethodGet, http.MethodHead))
	mux.Handle("/api/balancers", s.resource(answers{http.MethodGet: s.list}))
	mux.Handle("/api/balancers/{balancer}", s.resource(answers{http.MethodGet: s.showBalancer, http.MethodPatch: s.changeBalancer}))
	mux.Handle("/api/balancers/{balancer}/members/{member}", s.resource(answers{http.MethodGet: s.showMember, http.MethodPatch: s.changeMember}))
	mux.Handle("/api/cache", s.resource(answers{http.MethodGet: s.showCache}))
	mux.Handle("/api/cache/entries", s.resource(answers{http.MethodGet: s.listEntries}))
	mux.Handle("/api/cache/entry", s.resource(answers{http.MethodGet: s.showEntry}))
	mux.Handle("/api/cache/purge", s.resource(answers{http.MethodPost: s.purge}))
	mux.Handle("/api/cache/purges", s.resource(answers{http.MethodGet: s.listPurges}))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, fault{r.URL.Path, "nothing is here", "there are /, /metrics, /api/balancers, /api/balancers/{name}, /api/balancers/{name}/members/{route or escaped url}, /api/cache, /api/cache/entries, /api/cache/entry, /api/cache/purge and /api/cache/purges"})
	})
	return s.guard(mux)
}

// only answers what the methods do not include.
func only(next http.Handler, methods ...string) http.Handler {
	allow := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", allow)
			refuse(w, http.StatusMethodNotAllowed, fault{r.URL.Path, r.Method + " is not for this", "it takes " + allow})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// answers are what a resource says to each method.
type answers map[string]answer

// resource answers the methods that there is an answer for; HEAD as GET.
func (s *Server) resource(acts answers) http.Handler {
	if get := acts[http.MethodGet]; get != nil {
		acts[http.MethodHead] = get
	}
	methods := slices.Sorted(maps.Keys(acts))
	return only(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		act := acts[r.Method]
		body, err := act(r)
		if refused := (*refusal)(nil); errors.As(err, &refused) {
			if refused.after > 0 {
				w.Header().Set("Retry-After", seconds(refused.after))
			}
			refuse(w, refused.status, refused.fault)
			return
		}
		if err != nil {
			refuse(w, http.StatusInternalServerError, fault{r.URL.Path, err.Error(), "the log may say more"})
			return
		}
		w.Header().Set(csrfField, s.csrf)
		reply(w, http.StatusOK, body)
	}), methods...)
}

func refuse(w http.ResponseWriter, status int, f fault) {
	reply(w, status, map[string]fault{"error": f})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	e.Encode(body) // who does not read it to the end has gone
}

func (s *Server) list(*http.Request) (any, error) {
	l := listView{Time: time.Now(), Balancers: []balancerView{}}
	for _, b := range s.Balancers() {
		l.Balancers = append(l.Balancers, viewBalancer(b))
	}
	return l, nil
}

func (s *Server) showBalancer(r *http.Request) (any, error) {
	b, err := s.balancer(r)
	if err != nil {
		return nil, err
	}
	return viewBalancer(b), nil
}

func (s *Server) showMember(r *http.Request) (any, error) {
	b, err := s.balancer(r)
	if err != nil {
		return nil, err
	}
	i, err := member(r, b.Status())
	if err != nil {
		return nil, err
	}
	return viewBalancer(b).Members[i], nil
}

// balancer finds the one that the path names.
func (s *Server) balancer(r *http.Request) (*balancer.Balancer, error) {
	name := r.PathValue("balancer")
	var known []string
	for _, b := range s.Balancers() {
		if b.Name() == name {
			return b, nil
		}
		known = append(known, b.Name())
	}
	return nil, wrong(http.StatusNotFound, "balancers/"+name, "there are "+strings.Join(known, ", "), "no balancer %q", name)
}

// member finds the one that the path names, by its route or its URL.
func member(r *http.Request, b balancer.Status) (int, error) {
	name := r.PathValue("member")
	var known []string
	for i, m := range b.Members {
		if m.Name == name || m.Route != "" && m.Route == name {
			return i, nil
		}
		known = append(known, m.Name)
	}
	return 0, wrong(http.StatusNotFound, place(b.Name, name), "a route, or an escaped URL; there are "+strings.Join(known, ", "), "no member %q", name)
}

func place(balancer, member string) string {
	return "balancers/" + balancer + "/members/" + member
}

// read takes the JSON object that a change consists of.
func (s *Server) read(r *http.Request, at string, into any) error {
	if !s.genuine(r) {
		return wrong(http.StatusForbidden, csrfField, "load the page again; who is no browser leaves Origin out", "a change from a page has the token of an earlier answer")
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/merge-patch+json" {
		return wrong(http.StatusUnsupportedMediaType, "Content-Type", "application/json", "%q is not how a change is written", r.Header.Get("Content-Type"))
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err = d.Decode(into); err == nil {
		if _, more := d.Token(); more != io.EOF {
			return wrong(http.StatusBadRequest, at, "send one object", "something stands behind the object")
		}
		return nil
	}
	var large *http.MaxBytesError
	var kindOf *json.UnmarshalTypeError
	switch {
	case errors.As(err, &large):
		return wrong(http.StatusRequestEntityTooLarge, at, "send what shall be otherwise, and no more", "the change is larger than %d bytes", maxBody)
	case errors.As(err, &kindOf) && kindOf.Field != "":
		return wrong(http.StatusBadRequest, at+": "+kindOf.Field, "GET shows how it is written", "a %s is not its value", kindOf.Value)
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		key := strings.Trim(strings.TrimPrefix(err.Error(), "json: unknown field "), `"`)
		return wrong(http.StatusBadRequest, at+": "+key, "known are "+strings.Join(keys(into), ", "), "unknown key")
	}
	return wrong(http.StatusBadRequest, at, "send an object of "+strings.Join(keys(into), ", "), "not JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
}
