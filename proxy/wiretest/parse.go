package wiretest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Dialogue is a parsed dialogue. It is not changed by playing it.
type Dialogue struct {
	// Patience is the longest wait for one expectation; 5s from Parse.
	Patience time.Duration

	name  string
	steps []step
}

// Sent is what the clients send, or the origins: one slice a connection, in the
// order in which they are named. Without the connections that send nothing.
func (d *Dialogue) Sent(origins bool) (all [][]byte) {
	place := make(map[who]int)
	for _, s := range d.steps {
		if s.do != send || s.who.origin != origins {
			continue
		}
		if _, known := place[s.who]; !known {
			place[s.who] = len(all)
			all = append(all, nil)
		}
		i := place[s.who]
		all[i] = append(all[i], s.want.bytes()...)
	}
	return all
}

// Glob parses the files that the pattern names, of which there must be some.
func Glob(pattern string) (all []*Dialogue, err error) {
	files, err := filepath.Glob(pattern)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s names no dialogues", pattern)
	}
	for _, file := range files {
		data, failed := os.ReadFile(file)
		if failed != nil {
			return nil, failed
		}
		d, failed := Parse(file, data)
		err = errors.Join(err, failed)
		all = append(all, d)
	}
	return all, err
}

// who names a connection.
type who struct {
	origin bool
	label  string
}

func (w who) String() string {
	name := "client"
	if w.origin {
		name = "origin"
	}
	if w.label != "" {
		name += " " + w.label
	}
	return name
}

type action int

const (
	open action = iota // the connection is named: dial or accept when it is new
	send
	expectLine
	expectSet
	expectClose
	expectOpen
	drain
	closeBoth
	closeWrite
	reset
	split
)

var commands = map[string]action{
	"close":        closeBoth,
	"half-close":   closeWrite,
	"reset":        reset,
	"expect-close": expectClose,
	"expect-open":  expectOpen,
	"drain":        drain,
	"split":        split,
}

// quiet is how long expect-open watches.
const quiet = 50 * time.Millisecond

// step is one thing to do on one connection.
type step struct {
	line  int
	who   who
	do    action
	text  string        // as it stands in the file, without the arrow
	want  pattern       // of send and expectLine
	set   fieldSet      // of expectSet
	watch time.Duration // of expectOpen
}

// fieldSet expects the lines up to an empty one in any order.
type fieldSet struct {
	some   []member // "+": each a line of its own
	none   []member // "-"
	others bool     // "..."
}

type member struct {
	line int
	text string
	want pattern
}

// arrow is the way this step's bytes go.
func (s step) arrow() string {
	if s.who.origin == (s.do == send) {
		return "<"
	}
	return ">"
}

// Parse reads a dialogue. name stands for the file in errors, which name every
// faulty line.
func Parse(name string, data []byte) (*Dialogue, error) {
	p := &parser{d: &Dialogue{Patience: 5 * time.Second, name: name}}
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		if err := p.line(n, strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")); err != nil {
			p.faults = append(p.faults, fmt.Errorf("%s:%d: %w", name, n, err))
		}
	}
	if len(p.d.steps) == 0 && len(p.faults) == 0 {
		return nil, fmt.Errorf("%s: nothing is said in it\n\thint: begin with \"client:\"", name)
	}
	if err := errors.Join(p.faults...); err != nil {
		return nil, err
	}
	return p.d, nil
}

type parser struct {
	d      *Dialogue
	now    *who // whose part this is; nil at the beginning
	faults []error
}

func (p *parser) line(n int, text string) error {
	switch {
	case strings.TrimSpace(text) == "" || text[0] == '#':
		return nil
	case strings.HasSuffix(text, ":") && (strings.HasPrefix(text, "client") || strings.HasPrefix(text, "origin")):
		label := text[len("client") : len(text)-1]
		if label != "" && (label[0] != ' ' || strings.TrimSpace(label) == "") {
			return fmt.Errorf("%q names no connection\n\thint: \"client:\" or \"client two:\"", text)
		}
		p.now = &who{origin: text[0] == 'o', label: strings.TrimSpace(label)}
		p.add(step{line: n, do: open})
		return nil
	case p.now == nil:
		return errors.New("nobody is named yet\n\thint: begin with \"client:\"")
	case text[0] == '>' || text[0] == '<':
		return p.bytes(n, text[0] == '>', text[1:])
	}
	return p.command(n, text)
}

func (p *parser) add(s step) {
	s.who = *p.now
	p.d.steps = append(p.d.steps, s)
}

func (p *parser) command(n int, text string) error {
	word, argument, _ := strings.Cut(text, " ")
	do, ok := commands[word]
	if !ok {
		return fmt.Errorf("%q is no step\n\thint: lines of bytes begin with > or <; others are close, half-close, reset, expect-close, expect-open, drain, split", text)
	}
	s := step{line: n, do: do, text: text, watch: quiet}
	if argument != "" {
		d, err := time.ParseDuration(argument)
		if do != expectOpen || err != nil || d <= 0 {
			return fmt.Errorf("%q takes no %q\n\thint: only expect-open takes a duration: expect-open 1s", word, argument)
		}
		s.watch = d
	}
	p.add(s)
	return nil
}

// bytes reads a line with an arrow. up is ">".
func (p *parser) bytes(n int, up bool, text string) error {
	if text != "" {
		if text[0] != ' ' {
			return errors.New("a space is missing behind the arrow")
		}
		text = text[1:]
	}
	if up != p.now.origin {
		want, err := parseText(text, false)
		if err != nil {
			return err
		}
		p.add(step{line: n, do: send, text: text, want: want})
		return nil
	}
	if text == "..." || strings.HasPrefix(text, "+ ") || strings.HasPrefix(text, "- ") {
		return p.setLine(n, text)
	}
	want, err := parseText(text, true)
	if err != nil {
		return err
	}
	last := p.d.steps[len(p.d.steps)-1]
	if last.do == expectSet && text != "" {
		return errors.New("an expected line behind a set\n\thint: a set ends with an empty line; write this line with \"+ \" or before the set")
	}
	p.add(step{line: n, do: expectLine, text: text, want: want})
	return nil
}

// setLine adds to the set that the step before is, or begins one.
func (p *parser) setLine(n int, text string) error {
	last := &p.d.steps[len(p.d.steps)-1]
	if last.do != expectSet || last.who != *p.now {
		p.add(step{line: n, do: expectSet, text: text})
		last = &p.d.steps[len(p.d.steps)-1]
	}
	if text == "..." {
		last.set.others = true
		return nil
	}
	want, err := parseText(text[2:], true)
	if err != nil {
		return err
	}
	if !want.eol {
		return errors.New("a line of a set has an end")
	}
	want.parts[0] = foldFirst(want)
	m := member{line: n, text: text, want: want}
	if text[0] == '+' {
		last.set.some = append(last.set.some, m)
	} else {
		last.set.none = append(last.set.none, m)
	}
	return nil
}

// foldFirst lowers the name in a pattern: its first part up to a colon, or all
// of it where a wildcard stands in the name.
func foldFirst(p pattern) []byte {
	if p.wild() && !strings.Contains(string(p.parts[0]), ":") {
		return []byte(strings.ToLower(string(p.parts[0])))
	}
	return foldName(p.parts[0])
}

// Split is d with all clients sending each byte in a write of its own.
func (d *Dialogue) Split() *Dialogue {
	c := &Dialogue{Patience: d.Patience, name: d.name + " (split)"}
	var seen []who
	for _, s := range d.steps {
		c.steps = append(c.steps, s)
		if s.do == open && !s.who.origin && !slices.Contains(seen, s.who) {
			seen = append(seen, s.who)
			s.do = split
			c.steps = append(c.steps, s)
		}
	}
	return c
}
