package apache

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed setup.sh
var script []byte

//go:embed proxylab.conf
var example []byte

// Script is setup.sh.
func Script() []byte { return script }

// Example is the course's site, proxylab.conf beside setup.sh: three origin
// servers on this machine, flavour stock. It is complete; put in your own
// servers' addresses.
func Example() []byte { return example }

// Step is one step of the script.
type Step struct {
	Name     string // install: the word that calls it
	Title    string // install Apache
	Changes  string // what it changes
	Look     string // how to see that it worked
	Commands string // as they stand in the script; "$1" is the site's file
}

// stepMark begins a step's comment in the script.
const stepMark = "# Step "

// AllSteps reads the steps out of the script, in their order.
func AllSteps() []Step {
	var steps []Step
	for part := range strings.SplitSeq(string(script), "\n"+stepMark) {
		title, rest, ok := strings.Cut(part, "\n")
		_, title, numbered := strings.Cut(title, ": ")
		comment, body, found := strings.Cut(rest, "\nstep_")
		if !ok || !numbered || !found {
			continue
		}
		name, body, _ := strings.Cut(body, "() {\n")
		body, _, _ = strings.Cut(body, "\n}")
		changes, look, _ := strings.Cut(comment, "\n# Look: ")
		steps = append(steps, Step{
			Name:     name,
			Title:    title,
			Changes:  unwrap(strings.TrimPrefix(changes, "# Changes: ")),
			Look:     unwrap(look),
			Commands: strings.ReplaceAll(strings.TrimPrefix(body, "\t"), "\n\t", "\n"),
		})
	}
	return steps
}

// unwrap joins the lines of a comment.
func unwrap(comment string) string {
	lines := strings.Split(comment, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(strings.TrimPrefix(lines[i], "#"))
	}
	return strings.Join(lines, " ")
}

// Steps is the script for reading in a terminal: numbered steps with their
// commands, and the site's file where it is to be written.
func Steps() string {
	var b strings.Builder
	b.WriteString("Apache httpd as a reverse proxy with a load balancer, on Debian.\n")
	b.WriteString("Type the lines behind # as root (sudo -i). They are the steps that built the\n")
	b.WriteString("Apache of the lab.\n")
	for i, s := range AllSteps() {
		fmt.Fprintf(&b, "\n%d. %s\n\n", i+1, s.Title)
		for line := range strings.SplitSeq(strings.ReplaceAll(s.Commands, `"$1"`, "proxylab.conf"), "\n") {
			fmt.Fprintf(&b, "   # %s\n", strings.ReplaceAll(line, "\t", "    "))
		}
		fmt.Fprintf(&b, "\n%s%s", wrap("changes: ", s.Changes), wrap("look:    ", s.Look))
		if s.Name == "site" {
			b.WriteString("\n   proxylab.conf, with the addresses of your origin servers:\n\n")
			for line := range strings.Lines(string(example)) {
				b.WriteString(strings.TrimRight("       "+line, " \n") + "\n")
			}
		}
	}
	return b.String()
}

// wrap writes text in lines of at most 80 columns behind a label.
func wrap(label, text string) string {
	const width = 80
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column == 0:
			b.WriteString("   " + label)
			column = 3 + len(label)
		case column+1+len(word) > width:
			b.WriteString("\n   " + strings.Repeat(" ", len(label)))
			column = 3 + len(label)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	b.WriteByte('\n')
	return b.String()
}
