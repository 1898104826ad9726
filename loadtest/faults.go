package loadtest

import "strings"

// Fault is one thing wrong with a plan.
type Fault struct {
	Place string // plan.phases[0].rate
	What  string // value first, then the rule
	Hint  string // what to do; "" for none
}

// Faults is all that is wrong with a plan, in its order.
type Faults []Fault

// Error has one line for each fault, with its hint on a line of its own.
func (f Faults) Error() string {
	var b strings.Builder
	for i, one := range f {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(one.Place + ": " + one.What)
		if one.Hint != "" {
			b.WriteString("\n\thint: " + one.Hint)
		}
	}
	return b.String()
}
