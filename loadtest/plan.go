package loadtest

import "time"

// Plan is all a generator needs for one trial. The same plan with another
// Bases makes the same schedule, which is how systems are compared.
type Plan struct {
	Bases       []string      `json:"bases"`              // http://host:port; request n goes to Bases[n % len(Bases)]
	Targets     []Target      `json:"targets"`            // chosen per request by weight, from Seed
	InTurn      int           `json:"in_turn"`            // when above 0: targets in their order instead, each so many times running
	Phases      []Phase       `json:"phases"`             // one after the other, over one pool of connections
	Arrivals    Arrivals      `json:"arrivals,omitempty"` // how requests fall around the rate; even by default
	Seed        uint64        `json:"seed"`               // of the choice of targets and items, and of Poisson arrivals
	Connections int           `json:"connections"`        // most idle connections kept per base
	Timeout     time.Duration `json:"timeout"`            // of one request, from its send, in ns
}

// Arrivals is how requests fall around the rate of the phases.
type Arrivals string

// The kinds of arrivals.
const (
	Even    Arrivals = "even"    // as far apart as the rate says; "" is the same
	Poisson Arrivals = "poisson" // each without knowledge of the others, as from many independent clients; the rate is the mean
)

// Target is one kind of request and what a right answer to it is.
//
// In Path, and in the values of Fields and Cookies, {n} stands for the request's
// place in the schedule and {item} for the item that it asks for.
type Target struct {
	Method  string            `json:"method"`            // GET by default
	Path    string            `json:"path"`              // with its query, begins with "/"
	Body    int               `json:"body,omitempty"`    // bytes of request body
	Fields  map[string]string `json:"fields,omitempty"`  // of the request's header
	Cookies map[string]string `json:"cookies,omitempty"` // sent as one Cookie field
	Weight  float64           `json:"weight"`            // share among the targets; 1 by default
	Items   int               `json:"items,omitempty"`   // different things that {item} stands for, 1 to Items
	Zipf    float64           `json:"zipf,omitempty"`    // item k is asked for in proportion to k^-Zipf; 0: all alike
	Fresh   bool              `json:"fresh,omitempty"`   // a new connection for each request
	Slow    *Slow             `json:"slow,omitempty"`    // as a slow client; nil: as fast as can be
	Status  int               `json:"status"`            // expected status; 200 by default
	Size    int64             `json:"size"`              // expected bytes of response body, -1 for any
	XXH64   string            `json:"xxh64"`             // expected xxHash64 of the response body, 16 hex digits; "" for any
}

// Slow is a client that takes its time, on a connection of its own. Each is a
// rate in bytes per second, 0 for as fast as can be. The plan's Timeout holds for
// slow clients too.
type Slow struct {
	Headers int `json:"headers,omitempty" yaml:"headers"` // at which it sends the request's header
	Body    int `json:"body,omitempty" yaml:"body"`       // at which it sends the request's body
	Read    int `json:"read,omitempty" yaml:"read"`       // at which it reads the answer
}

// filled is the target with its defaults put in.
func (t Target) filled() Target {
	if t.Method == "" {
		t.Method = "GET"
	}
	if t.Weight == 0 {
		t.Weight = 1
	}
	if t.Status == 0 {
		t.Status = 200
	}
	return t
}
