package apache

import (
	_ "embed"
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

// Lang is a language of the handout.
type Lang string

// The languages.
const (
	English Lang = "en"
	Spanish Lang = "es"
)

// Step is one step of the script.
type Step struct {
	Name     string // install: the word that calls it
	Commands string // as they stand in the script; "$1" is the site's file
	Try      []string
	Undo     []string // none where the step changes nothing
	Page     map[Lang]Page
}

// Page is what the handout says about a step.
type Page struct {
	Title   string // install Apache
	Changes string // what it changes
	Look    string // how to see that it worked
	Fails   string // what is seen when it did not: real messages in "quotes"
}

// stepMark begins a step's comment in the script.
const stepMark = "# Step "

// AllSteps reads the steps out of the script, in their order. A label that a
// comment lacks is an empty field.
func AllSteps() []Step {
	var steps []Step
	for part := range strings.SplitSeq(string(script), "\n"+stepMark) {
		comment, body, found := strings.Cut(part, "\nstep_")
		if !found {
			continue
		}
		name, body, _ := strings.Cut(body, "() {\n")
		body, _, _ = strings.Cut(body, "\n}")
		s := Step{Name: name, Commands: strings.ReplaceAll(strings.TrimPrefix(body, "\t"), "\n\t", "\n")}
		s.read(stepMark + comment)
		steps = append(steps, s)
	}
	return steps
}

// read takes a step's comment apart: "# Label: text", where lines of three
// spaces go on with the text.
func (s *Step) read(comment string) {
	var en, es Page
	field := map[string]*string{
		"Changes": &en.Changes, "Look": &en.Look, "Fails": &en.Fails,
		"Cambia": &es.Changes, "Mira": &es.Look, "Falla": &es.Fails,
	}
	comment = strings.ReplaceAll(comment, "\n#   ", " ")
	for line := range strings.SplitSeq(comment, "\n") {
		label, text, _ := strings.Cut(strings.TrimPrefix(line, "# "), ": ")
		switch word, _, _ := strings.Cut(label, " "); word {
		case "Step":
			en.Title = text
		case "Paso":
			es.Title = text
		case "Try":
			s.Try = append(s.Try, text)
		case "Undo":
			if text != "none" {
				s.Undo = append(s.Undo, text)
			}
		default:
			if f := field[word]; f != nil {
				*f = text
			}
		}
	}
	s.Page = map[Lang]Page{English: en, Spanish: es}
}

// Quoted are the messages that a text of Page.Fails quotes.
func Quoted(text string) []string {
	var list []string
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 1 {
			list = append(list, part)
		}
	}
	return list
}
