package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// cleanLimit is the time that cleaning up may take, whatever the caller's
// context says.
const cleanLimit = 30 * time.Second

// Run is one run's networks and containers. Start may be called from several
// goroutines.
type Run struct {
	engine *Engine
	id     string
	tag    string // tells names apart where two runs have one id
	labels map[string]string
	nets   map[Network]runNetwork
}

type runNetwork struct {
	name, id string
	subnet   netip.Prefix
}

var runID = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,100}$`)

// NewRun makes the two networks of a run. The id enters names and labels. Two
// processes may have a run of the same id: they started within one second, and
// ids are made of the time.
func (e *Engine) NewRun(ctx context.Context, id string) (*Run, error) {
	if !runID.MatchString(id) {
		return nil, fmt.Errorf("run id %q: must be letters, digits, dots, hyphens and underscores, at most 101", id)
	}
	r := &Run{engine: e, id: id, tag: strings.ToLower(rand.Text()[:6]), labels: runLabels(id), nets: map[Network]runNetwork{}}
	for _, n := range []Network{Front, Back} {
		name := r.name(string(n))
		nid, p, err := e.createNetwork(ctx, name, n, networkLabels(r.labels))
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		r.nets[n] = runNetwork{name: name, id: nid, subnet: p}
	}
	return r, nil
}

// name is what the engine knows a part of the run by.
func (r *Run) name(part string) string { return "proxylab-" + r.id + "-" + r.tag + "-" + part }

// Address is the address of a host number on the back network.
func (r *Run) Address(number int) string { return host(r.nets[Back].subnet, number).String() }

// Close removes all containers and networks that this process made for the run. It has its own time
// limit and may be called more than once.
func (r *Run) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanLimit)
	defer cancel()
	_, err := r.engine.clean(ctx, r.own())
	if err != nil {
		return fmt.Errorf("cleaning up run %s: %w\n\thint: make clean", r.id, err)
	}
	return nil
}
