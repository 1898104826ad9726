package site

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong with a declaration.
type Fault struct {
	Line   int    // in the file, from 1; 0 for flags
	Column int    // in the line, from 1; 0 where the whole value is meant
	Place  string // balancers[0].members[1].loadfactor, or --backend
	Text   string // the value, then the rule it breaks
	Hint   string // what to write instead; may be empty
}

// Faults is the error of [Load], [Parse] and [FromFlags]: everything that is
// wrong, in the order of the file.
type Faults struct {
	File string
	List []Fault
}

// Error writes a line a fault, and its hint on the next:
//
//	site.yaml:14: balancers[0].members[1].loadfactor: 0.5 is not between 1 and 100
//		hint: leave it out for 1, the default
func (f *Faults) Error() string {
	var b strings.Builder
	for i, fault := range f.List {
		if i > 0 {
			b.WriteByte('\n')
		}
		if fault.Line > 0 {
			fmt.Fprintf(&b, "%s:%d:", f.File, fault.Line)
			if fault.Column > 0 {
				fmt.Fprintf(&b, "%d:", fault.Column)
			}
			b.WriteByte(' ')
		}
		if fault.Place != "" {
			b.WriteString(fault.Place + ": ")
		}
		b.WriteString(fault.Text)
		if fault.Hint != "" {
			b.WriteString("\n\thint: " + fault.Hint)
		}
	}
	return b.String()
}

// asError is nil when there is no fault.
func asError(file string, list []Fault) error {
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	return &Faults{File: file, List: list}
}

// problem is a fault whose place is not known yet; nil is none.
type problem struct{ text, hint string }

func wrong(hint, format string, args ...any) *problem {
	return &problem{text: fmt.Sprintf(format, args...), hint: hint}
}
