package admin

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"proxylab/proxy/balancer"
)

// balancerChange and memberChange are what a PATCH may say; what is absent stays.
type balancerChange struct {
	LBMethod *string `json:"lbmethod"`
}

type memberChange struct {
	Status     *string  `json:"status"`
	LoadFactor *float64 `json:"loadfactor"`
	LBSet      *int     `json:"lbset"`
	Route      *string  `json:"route"`
	Redirect   *string  `json:"redirect"`
	Max        *int     `json:"max"`
}

// changed is the answer to a PATCH: how it stands now, and what went wrong beside.
type changedBalancer struct {
	balancerView
	Warning string `json:"warning,omitempty"`
}

type changedMember struct {
	memberView
	Warning string `json:"warning,omitempty"`
}

// keys are the words of a change.
func keys(change any) (list []string) {
	t := reflect.TypeOf(change).Elem()
	for i := range t.NumField() {
		list = append(list, t.Field(i).Tag.Get("json"))
	}
	return list
}

func (s *Server) changeBalancer(r *http.Request) (any, error) {
	b, err := s.balancer(r)
	if err != nil {
		return nil, err
	}
	at := "balancers/" + b.Name()
	var c balancerChange
	if err := s.read(r, at, &c); err != nil {
		return nil, err
	}
	if c.LBMethod == nil {
		return nil, wrong(http.StatusBadRequest, at, `{"lbmethod": "bybusyness"}`, "nothing is to be changed")
	}
	if known := balancer.Methods(); !slices.Contains(known, *c.LBMethod) {
		return nil, wrong(http.StatusBadRequest, at+": lbmethod", "known are "+strings.Join(known, ", "), "unknown lbmethod %q", *c.LBMethod)
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	before := b.Status().Method
	if err := b.ChangeMethod(*c.LBMethod); err != nil {
		return nil, wrong(http.StatusBadRequest, at, "", "%v", err)
	}
	v := changedBalancer{viewBalancer(b), ""}
	if before != v.LBMethod {
		s.Logger.Info("balancer-manager: a balancer was changed",
			append(who(r), "balancer", b.Name(), "change", fmt.Sprintf("lbmethod %s → %s", before, v.LBMethod))...)
		v.Warning = s.changed()
	}
	return v, nil
}

func (s *Server) changeMember(r *http.Request) (any, error) {
	b, err := s.balancer(r)
	if err != nil {
		return nil, err
	}
	var c memberChange
	if err := s.read(r, place(b.Name(), r.PathValue("member")), &c); err != nil {
		return nil, err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	status := b.Status()
	i, err := member(r, status)
	if err != nil {
		return nil, err
	}
	name := status.Members[i].Name
	change, err := c.parse(place(b.Name(), name))
	if err != nil {
		return nil, err
	}
	if err := b.ChangeMember(name, change); err != nil {
		return nil, broken(place(b.Name(), name), err)
	}
	v := changedMember{viewBalancer(b).Members[i], ""}
	if m := moved(settingsOf(&status.Members[i]), v.settings); m != (moves{}) {
		s.Logger.Info("balancer-manager: a member was changed",
			append(who(r), "balancer", b.Name(), "member", name, "change", m.String())...)
		v.Warning = s.changed()
	}
	return v, nil
}

// changed counts a change and keeps it. It returns what went wrong with that. The
// caller holds changing.
func (s *Server) changed() (warning string) {
	s.count.Add(1)
	if err := s.writeState(); err != nil {
		s.Logger.Error("balancer-manager: a restart will not know of the change", "error", err)
		return "the change holds, but a restart will not know of it: " + err.Error()
	}
	return ""
}

var routeWord = regexp.MustCompile(`^[A-Za-z0-9_-]{0,63}$`)

// parse gives the change to the balancer's words.
func (c *memberChange) parse(at string) (balancer.MemberChange, error) {
	change := balancer.MemberChange{LoadFactor: c.LoadFactor, LBSet: c.LBSet, Route: c.Route, Redirect: c.Redirect, Max: c.Max}
	if *c == (memberChange{}) {
		return change, wrong(http.StatusBadRequest, at, `{"status": "+N"}, or any of `+strings.Join(keys(c), ", "), "nothing is to be changed")
	}
	for key, route := range map[string]*string{"route": c.Route, "redirect": c.Redirect} {
		if route != nil && !routeWord.MatchString(*route) {
			return change, wrong(http.StatusBadRequest, at+": "+key, `up to 63 letters, digits, "-" and "_"; "" for none`, "%q is not a route", *route)
		}
	}
	if c.Status == nil {
		return change, nil
	}
	var err error
	if change.Set, change.Clear, err = balancer.ParseFlags(*c.Status); err != nil {
		return change, wrong(http.StatusBadRequest, at+": status", `letters as in mod_proxy: "+N" drains, "-N" ends that, "-ECO" recovers`, "%v", err)
	}
	return change, nil
}

// hints say what a rule of the balancer wants, by the key that it is about.
var hints = map[string]string{
	"loadfactor": "fractions are allowed: 1.5",
	"lbset":      "the lowest that has a usable member is elected from",
	"max":        "0 is any number",
	"status":     `clear the other one in the same change: "+H-R"`,
	"route":      "give each member a route of its own",
	"redirect":   "the route of another member",
}

// broken is the rule that the balancer would not break.
func broken(at string, err error) error {
	if rule := errors.Unwrap(err); rule != nil {
		err = rule
	}
	key, _, _ := strings.Cut(err.Error(), " ")
	if hints[key] != "" {
		at += ": " + key
	}
	return wrong(http.StatusBadRequest, at, hints[key], "%v", err)
}
