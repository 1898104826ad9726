package labs

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/token"

	"proxylab/labs/check"
	"proxylab/proxy/site"
	"proxylab/reports/record"
)

const checksHint = "`go doc proxylab/labs/check` lists what an expression sees"

// SelfCheck holds the run in the folder dir to the lab's checks.
func (l *Lab) SelfCheck(dir string) (record.Checks, error) {
	if len(l.Checks) == 0 {
		return record.Checks{Lab: l.Name}, nil
	}
	o, err := check.Observe(dir, l.weights())
	if err != nil {
		return record.Checks{}, err
	}
	return check.Evaluate(l.Checks, o), nil
}

// weights are the load factors of the first balancer's members that serve, by origin.
func (l *Lab) weights() map[string]int {
	w := map[string]int{}
	if len(l.Site.Balancers) == 0 {
		return w
	}
	for _, m := range l.Site.Balancers[0].Members {
		if n, err := originNumber(m.URL, l.Origins); err == nil && m.Status == "" {
			w[fmt.Sprintf("origin-%d", n)] = int(m.LoadFactor)
		}
	}
	return w
}

// checkRules says what is wrong with the checks; in expressions, line and column.
func (l *Lab) checkRules(data []byte) []site.Fault {
	var faults []site.Fault
	for i, r := range l.Checks {
		at := fmt.Sprintf("checks[%d].", i)
		bad := func(key, text, hint string) {
			faults = append(faults, site.Fault{Line: lineOf(data, at+key), Place: at + key, Text: text, Hint: hint})
		}
		for key, text := range map[string]string{"claim": r.Claim, "expr": r.Expr, "reason": r.Reason, "hint": r.Hint} {
			if text == "" {
				bad(key, "missing", "every check says claim, points, expr, reason and hint")
			}
		}
		if r.Points < 1 || r.Points > 100 {
			bad("points", fmt.Sprintf("%d is not between 1 and 100", r.Points), "a lab's points add up to 40 in the rubric")
		}
		if r.Expr == "" {
			continue
		}
		inExpr, inShows := r.Compile()
		for key, err := range map[string]error{"expr": inExpr, "shows": inShows} {
			var m *check.Mistake
			if errors.As(err, &m) {
				f := site.Fault{Place: at + key, Text: m.Text, Hint: checksHint}
				f.Line, f.Column = within(data, at+key, m)
				if strings.Contains(m.Text, "EOF") {
					f.Hint = "in YAML a # behind a space begins a comment: write the expression on a line of its own, after " + key + ": |"
				}
				faults = append(faults, f)
			}
		}
	}
	return faults
}

// within is the line and column of a mistake in the file: of a text on the line of its
// key exactly, of a block of lines as the block is indented. What quotes or folding have
// moved is told by the line alone.
func within(data []byte, key string, m *check.Mistake) (line, column int) {
	p, err := yaml.PathString("$." + key)
	if err != nil {
		return lineOf(data, key), 0
	}
	n, err := p.ReadNode(bytes.NewReader(data))
	if err != nil || n == nil {
		return lineOf(data, key), 0
	}
	at := n.GetToken()
	switch at.Type {
	case token.StringType:
		if m.Line == 1 {
			return at.Position.Line, at.Position.Column + m.Column - 1
		}
		return at.Position.Line, 0
	case token.LiteralType:
		lines := bytes.Split(data, []byte("\n"))
		first := at.Position.Line // the index of the line behind the |
		if first < len(lines) && first+m.Line-1 < len(lines) {
			text := lines[first]
			return first + m.Line, len(text) - len(bytes.TrimLeft(text, " ")) + m.Column
		}
	}
	return at.Position.Line, 0
}
