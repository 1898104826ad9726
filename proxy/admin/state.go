package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"proxylab/proxy/balancer"
)

const (
	stateVersion = 1
	maxState     = 16 << 20
)

// state is what the file has: what people changed, from what the Site declares to
// what holds. A change is made again as long as the Site declares the same in that
// very thing.
type state struct {
	Version   int             `json:"version"`
	Balancers []balancerState `json:"balancers"`
}

type balancerState struct {
	Name     string        `json:"name"`
	LBMethod *move[string] `json:"lbmethod,omitempty"`
	Members  []memberState `json:"members,omitempty"`
}

type memberState struct {
	URL string `json:"url"`
	moves
}

// takeState makes the changes of the file again when the proxy starts, and later
// writes down what still holds.
func (s *Server) takeState(starts bool, file string) {
	if file == "" {
		return
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	if !starts {
		if err := s.writeState(); err != nil {
			s.Logger.Error("balancer-manager: the state is not written", "error", err)
		}
		return
	}
	was, err := readState(file)
	if err != nil {
		s.Logger.Warn("balancer-manager: no change of before holds, and the next one writes the file anew", "error", err)
		return
	}
	for _, b := range s.Balancers() {
		for _, bs := range was.Balancers {
			if bs.Name == b.Name() {
				s.restore(b, bs)
			}
		}
	}
}

// readState reads a state; without a file it is an empty one.
func readState(file string) (was state, err error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return was, nil
	}
	if err != nil {
		return was, err
	}
	defer f.Close()
	d := json.NewDecoder(io.LimitReader(f, maxState))
	d.DisallowUnknownFields()
	switch err := d.Decode(&was); {
	case err != nil:
		return was, fmt.Errorf("%s: not a state: %w", file, err)
	case was.Version != stateVersion:
		return was, fmt.Errorf("%s: version %d is not %d", file, was.Version, stateVersion)
	}
	return was, nil
}

// restore makes the changes of one balancer again.
func (s *Server) restore(b *balancer.Balancer, was balancerState) {
	declared := b.Declared()
	told := []any{"balancer", b.Name()}
	if m := was.LBMethod; m != nil && m.From == declared.Method {
		if err := b.ChangeMethod(m.To); err != nil {
			s.Logger.Warn("balancer-manager: a change of before does not hold", append(told, "error", err)...)
		} else {
			s.Logger.Info("balancer-manager: a change of before holds", append(told, "change", "lbmethod "+m.From+" → "+m.To)...)
		}
	}
	for _, d := range declared.Members {
		for _, m := range was.Members {
			if m.URL != d.Name {
				continue
			}
			change := m.again(declaredOf(d))
			if change == (balancer.MemberChange{}) {
				continue
			}
			told := append(told, "member", m.URL)
			if err := b.ChangeMember(m.URL, change); err != nil {
				s.Logger.Warn("balancer-manager: a change of before does not hold", append(told, "error", err)...)
				continue
			}
			s.Logger.Info("balancer-manager: a change of before holds", append(told, "change", m.moves.String())...)
		}
	}
}

// again is what is left of the moves for a member that is declared so.
func (m *memberState) again(declared settings) (c balancer.MemberChange) {
	c.LoadFactor = target(m.LoadFactor, declared.LoadFactor)
	c.LBSet = target(m.LBSet, declared.LBSet)
	c.Route = target(m.Route, declared.Route)
	c.Redirect = target(m.Redirect, declared.Redirect)
	c.Max = target(m.Max, declared.Max)
	if m.Status != nil {
		// A flag that the Site says anew is as it was changed to: there are but two ways.
		from, to := flags(m.Status.From), flags(m.Status.To)
		changed := from ^ to
		c.Set, c.Clear = to&changed, changed&^to
	}
	return c
}

// target is where a move leads that begins at what is declared; else nil.
func target[T comparable](m *move[T], declared T) *T {
	if m == nil || m.From != declared {
		return nil
	}
	return &m.To
}

// flags reads letters; those that are none say nothing.
func flags(letters string) balancer.Flags {
	set, _, _ := balancer.ParseFlags(letters)
	return set & people
}

// people is the flags that they set; the others come and go by themselves.
const people = balancer.Disabled | balancer.Stopped | balancer.HotSpare | balancer.HotStandby | balancer.Draining | balancer.IgnoreErrors

// writeState writes down what differs from the Site, if there is a file for it.
// Whoever reads the file sees the state before or the one after. The caller holds
// changing.
func (s *Server) writeState() error {
	file := s.config.Load().State
	if file == "" {
		return nil
	}
	is := state{Version: stateVersion, Balancers: []balancerState{}}
	for _, b := range s.Balancers() {
		status, declared := b.Status(), b.Declared()
		bs := balancerState{Name: b.Name(), LBMethod: between(declared.Method, status.Method)}
		for i := range status.Members {
			m := status.Members[i]
			m.Flags &= people
			if d := moved(declaredOf(declared.Members[i]), settingsOf(&m)); d != (moves{}) {
				bs.Members = append(bs.Members, memberState{m.Name, d})
			}
		}
		if bs.LBMethod != nil || bs.Members != nil {
			is.Balancers = append(is.Balancers, bs)
		}
	}
	text, err := json.MarshalIndent(is, "", "  ")
	if err != nil {
		return err
	}
	return replace(file, append(text, '\n'))
}

// replace writes a file beside the one of the name, and then gives it the name.
func replace(file string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // where it has the name already, there is none
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	return err
}
