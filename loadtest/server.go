package loadtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// ReadyBody is what GET /ready answers: proof that it is a generator that
// listens there, not something else.
const ReadyBody = "proxylab loadgen is ready\n"

// longest plan that is read.
const maxPlan = 8 << 20

// Server is the generator behind a control port.
//
//	GET  /ready   ReadyBody
//	POST /run     a Plan as JSON; answers samples as CSV, as they complete, and
//	              an End as JSON in the last line. 400 for a bad plan, with all
//	              its faults; 409 during another run
//	POST /drop    closes the kept connections: 204, or 409 during a run
//
// A client that goes away stops its run. The zero Server is ready.
type Server struct{ generator Generator }

// ServeHTTP answers on the control port.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /ready", "HEAD /ready":
		io.WriteString(w, ReadyBody)
	case "POST /run":
		s.run(w, r)
	case "POST /drop":
		if err := s.generator.Drop(); err != nil {
			refuse(w, http.StatusConflict, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusNotFound, fmt.Errorf("no %s %s here\n\thint: GET /ready, POST /run or POST /drop", r.Method, r.URL.Path))
	}
}

func (s *Server) run(w http.ResponseWriter, r *http.Request) {
	plan, err := DecodePlan(http.MaxBytesReader(w, r.Body, maxPlan))
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	// The read of the body's end has started net/http's watch for a client that
	// goes away; it ends the request's context, and so the run.
	err = s.generator.Stream(r.Context(), plan, w, http.NewResponseController(w).Flush)
	switch {
	case errors.Is(err, ErrBusy):
		refuse(w, http.StatusConflict, err)
	case err != nil:
		refuse(w, http.StatusInternalServerError, err)
	}
}

func refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, err)
}

// DecodePlan reads a plan from JSON, strictly, and validates it.
func DecodePlan(r io.Reader) (Plan, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	var p Plan
	if err := d.Decode(&p); err != nil {
		return Plan{}, Faults{{Place: "plan", What: err.Error(), Hint: "one JSON object with the keys of loadtest.Plan; lengths are in ns"}}
	}
	if _, err := d.Token(); err != io.EOF {
		return Plan{}, Faults{{Place: "plan", What: "something follows the plan", Hint: "one JSON object and nothing else"}}
	}
	return p, p.Validate()
}
