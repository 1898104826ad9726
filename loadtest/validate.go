package loadtest

import (
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"
)

// What a plan may ask at most.
const (
	MaxRate        = 1_000_000        // requests per second
	MaxHits        = 100_000_000      // of a plan
	MaxFor         = 24 * time.Hour   // of a phase
	MaxSteps       = 1000             // of stairs
	MaxPoisson     = 10_000_000       // hits of a plan with Poisson arrivals, which are drawn beforehand
	MaxTrace       = 1_000_000        // arrivals of a trace
	MaxItems       = 100_000          // of a target
	MaxClients     = 10_000           // of a closed loop
	MaxConnections = 65_536           // kept per base
	MaxTimeout     = 10 * time.Minute // of a request
	MaxBody        = 64 << 20         // bytes of a request body
)

// Validate returns a [Faults] with all that is wrong with the plan, or nil.
func (p Plan) Validate() error {
	var f faulter
	f.bases(p.Bases)
	f.need(len(p.Targets) > 0, "plan.targets", "none given", "name at least one, as {\"path\": \"/size/1024\", \"size\": 1024}")
	for i, t := range p.Targets {
		f.target(fmt.Sprintf("plan.targets[%d]", i), t.filled())
	}
	f.need(len(p.Phases) > 0, "plan.phases", "none given", "name at least one, as {\"shape\": \"constant\", \"rate\": 100, \"for\": 10000000000}")
	f.phases(p)
	f.need(p.InTurn >= 0, "plan.in_turn", fmt.Sprintf("%d is below 0", p.InTurn), "0 chooses by weight")
	f.need(p.Connections >= 1 && p.Connections <= MaxConnections, "plan.connections",
		fmt.Sprintf("%d is not between 1 and %d", p.Connections, MaxConnections), "64 suits most labs")
	f.need(p.Timeout > 0 && p.Timeout <= MaxTimeout, "plan.timeout",
		fmt.Sprintf("%v is not above 0 and at most %v", p.Timeout, MaxTimeout), "in nanoseconds: 5000000000 is 5 s")
	if len(f.faults) == 0 {
		return nil
	}
	return f.faults
}

// faulter collects faults.
type faulter struct{ faults Faults }

// need notes a fault unless ok.
func (f *faulter) need(ok bool, place, what, hint string) {
	if !ok {
		f.faults = append(f.faults, Fault{Place: place, What: what, Hint: hint})
	}
}

func (f *faulter) bases(bases []string) {
	f.need(len(bases) > 0, "plan.bases", "none given", "name at least one, as \"http://10.0.0.2:8080\"")
	for i, b := range bases {
		u, err := url.Parse(b)
		ok := err == nil && u.Scheme == "http" && u.Hostname() != "" && b == "http://"+u.Host
		f.need(ok, fmt.Sprintf("plan.bases[%d]", i), fmt.Sprintf("%q is not http://host:port", b), "no path, no slash at the end, no user")
	}
}

func (f *faulter) target(place string, t Target) {
	f.need(isToken(t.Method) && t.Method != "CONNECT", place+".method",
		fmt.Sprintf("%q is not a method that can be sent", t.Method), "GET, the default, HEAD or POST")
	path := expand(t.Path, 1, 1)
	u, err := url.ParseRequestURI(path)
	f.need(strings.HasPrefix(path, "/") && err == nil, place+".path",
		fmt.Sprintf("%q is not a path that begins with \"/\"", t.Path), "as /size/1024 or /echo?q=1")
	if err == nil && strings.HasPrefix(path, "/") {
		f.need(u.RequestURI() == path, place+".path",
			fmt.Sprintf("%q would be sent as %q", path, u.RequestURI()), "write it as it is to be sent")
	}
	f.need(t.Body >= 0 && t.Body <= MaxBody, place+".body",
		fmt.Sprintf("%d is not between 0 and %d", t.Body, MaxBody), "bytes of the request body")
	f.fields(place, t)
	f.need(t.Items >= 0 && t.Items <= MaxItems, place+".items", fmt.Sprintf("%d is not between 0 and %d", t.Items, MaxItems), "what {item} stands for, from 1 on")
	f.need(within(t.Zipf, 0, 10), place+".zipf", fmt.Sprintf("%v is not between 0 and 10", t.Zipf), "1 is the classic popularity of pages; 0 asks for all items alike")
	f.need(t.Zipf == 0 || t.Items > 0, place+".zipf", fmt.Sprintf("%v has no items to choose from", t.Zipf), "say how many: items")
	f.slow(place+".slow", t)
	f.need(within(t.Weight, 0, math.MaxFloat32), place+".weight",
		fmt.Sprintf("%v is not a positive number", t.Weight), "leave it out for 1, the default")
	f.need(t.Status >= 200 && t.Status <= 599, place+".status",
		fmt.Sprintf("%d is not between 200 and 599", t.Status), "leave it out for 200, the default")
	f.need(t.Size >= -1, place+".size", fmt.Sprintf("%d is not a size", t.Size), "-1 for any size")
	f.need(t.Method != "HEAD" || t.Size <= 0, place+".size",
		fmt.Sprintf("%d bytes cannot follow HEAD", t.Size), "an answer to HEAD has no body: 0")
	f.need(t.XXH64 == "" || isXXH64(t.XXH64), place+".xxh64",
		fmt.Sprintf("%q is not 16 hex digits in lower case", t.XXH64), "leave it out for any body")
}

// within is false for NaN too.
func within(v, low, high float64) bool { return v >= low && v <= high }

// isToken is RFC 9110 §5.6.2.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		alnum := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

func isXXH64(s string) bool {
	return len(s) == 16 && strings.Trim(s, "0123456789abcdef") == ""
}
