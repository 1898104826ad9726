package check

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"proxylab/reports/record"
)

// Rule is one entry of checks in lab.yaml.
type Rule struct {
	Claim  string `yaml:"claim"`  // what is true where it passes
	Points int    `yaml:"points"` // 1 to 100
	Expr   string `yaml:"expr"`
	Shows  string `yaml:"shows"`
	Reason string `yaml:"reason"` // why it is so
	Hint   string `yaml:"hint"`   // what to look at where it is not
}

// Mistake is an expression that cannot be evaluated. Line and Column count from 1
// within the expression.
type Mistake struct {
	Line, Column int
	Text         string
}

func (m *Mistake) Error() string { return fmt.Sprintf("%d:%d: %s", m.Line, m.Column, m.Text) }

// compile holds an expression to the observations; boolean ones must give true or
// false. Its error is a *Mistake.
func compile(source string, boolean bool) (*vm.Program, error) {
	options := append(functions(), expr.Env(Observations{}))
	if boolean {
		options = append(options, expr.AsBool())
	}
	program, err := expr.Compile(source, options...)
	if err == nil {
		return program, nil
	}
	var at *file.Error
	if errors.As(err, &at) && at.Line > 0 {
		return nil, &Mistake{Line: at.Line, Column: at.Column + 1, Text: at.Message}
	}
	return nil, &Mistake{Line: 1, Column: 1, Text: err.Error()}
}

// Compile says what is wrong with the rule's expression, and with what it shows; each
// is nil or a *Mistake.
func (r Rule) Compile() (inExpr, inShows error) {
	_, inExpr = compile(r.Expr, true)
	if r.Shows != "" {
		_, inShows = compile(r.Shows, false)
	}
	return inExpr, inShows
}

// Evaluate holds each rule against a run. A rule that cannot be evaluated on it, as one
// about a system that was not played, does not pass, and says why.
func Evaluate(rules []Rule, o Observations) record.Checks {
	c := record.Checks{Lab: o.Lab}
	for _, r := range rules {
		one := record.Check{Claim: r.Claim, Of: r.Points, Expr: r.Expr, Reason: r.Reason, Hint: r.Hint}
		v, err := run(r.Expr, true, o)
		switch passed, _ := v.(bool); {
		case err != nil:
			one.Shows = append(one.Shows, "cannot be told: "+err.Error())
		case passed:
			one.Passed, one.Points = true, r.Points
		}
		if err == nil && r.Shows != "" {
			shown, err := run(r.Shows, false, o)
			if err != nil {
				shown = "cannot be shown: " + err.Error()
			}
			one.Shows = lines(shown)
		}
		c.Points, c.Of = c.Points+one.Points, c.Of+one.Of
		c.Checks = append(c.Checks, one)
	}
	return c
}

func run(source string, boolean bool, o Observations) (any, error) {
	program, err := compile(source, boolean)
	if err != nil {
		return nil, err
	}
	v, err := expr.Run(program, o)
	var at *file.Error
	if errors.As(err, &at) {
		return v, errors.New(at.Message) // without the drawing of the place
	}
	return v, err
}

// lines is what an expression gave, for a reader: a line an element.
func lines(v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []string
	for _, e := range list {
		out = append(out, strings.Join(strings.Fields(fmt.Sprint(e)), " ")) // toJSON writes many lines
	}
	return out
}
