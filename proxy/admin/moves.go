package admin

import (
	"fmt"
	"strings"
)

// move is one value that went from one to another; nil pointers are none.
type move[T comparable] struct {
	From T `json:"from"`
	To   T `json:"to"`
}

// between gives the move, or nil where there is none.
func between[T comparable](from, to T) *move[T] {
	if from == to {
		return nil
	}
	return &move[T]{from, to}
}

// moves are those of a member.
type moves struct {
	Status     *move[string]  `json:"status,omitempty"`
	LoadFactor *move[float64] `json:"loadfactor,omitempty"`
	LBSet      *move[int]     `json:"lbset,omitempty"`
	Route      *move[string]  `json:"route,omitempty"`
	Redirect   *move[string]  `json:"redirect,omitempty"`
	Max        *move[int]     `json:"max,omitempty"`
}

func moved(from, to settings) moves {
	return moves{
		between(from.Status, to.Status), between(from.LoadFactor, to.LoadFactor), between(from.LBSet, to.LBSet),
		between(from.Route, to.Route), between(from.Redirect, to.Redirect), between(from.Max, to.Max),
	}
}

// String tells the moves for the log: loadfactor 1 → 2, status "" → "N".
func (m moves) String() string {
	var parts []string
	tell(&parts, "status", "%q", m.Status)
	tell(&parts, "loadfactor", "%v", m.LoadFactor)
	tell(&parts, "lbset", "%v", m.LBSet)
	tell(&parts, "route", "%q", m.Route)
	tell(&parts, "redirect", "%q", m.Redirect)
	tell(&parts, "max", "%v", m.Max)
	return strings.Join(parts, ", ")
}

func tell[T comparable](parts *[]string, key, verb string, m *move[T]) {
	if m != nil {
		*parts = append(*parts, fmt.Sprintf("%s "+verb+" → "+verb, key, m.From, m.To))
	}
}
