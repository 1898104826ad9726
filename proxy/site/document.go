package site

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds what Parse looks at. Two thousand members fit; on what is no
// declaration at all the parser can take time that grows with the square.
const maxFile = 256 << 10

// reader walks over a YAML document, takes values out of it and gathers what
// is wrong. It goes on after a fault, so that all are told at once.
type reader struct {
	faults []Fault
	lines  map[string]int // of each place that was read
}

// field is a value and where it stands.
type field struct {
	node  ast.Node
	line  int
	place string
}

// document parses data and gives its root, or nil after a fault.
func (r *reader) document(data []byte) ast.Node {
	if len(data) > maxFile {
		r.faults = append(r.faults, Fault{Line: 1, Text: fmt.Sprintf("%d bytes are more than %s", len(data), writeSize(maxFile))})
		return nil
	}
	// The parser refuses duplicate keys one at a time; mapping tells them all.
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.faults = append(r.faults, syntaxFault(err))
		return nil
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			r.faults = append(r.faults, Fault{Line: nodeLine(doc.Body, 1), Text: "a second document", Hint: `one file declares one site; remove the "---"`})
			return nil
		}
		root = doc.Body
	}
	if root == nil {
		r.faults = append(r.faults, Fault{Line: 1, Text: "the file declares nothing", Hint: "a site has at least a balancer with a member"})
	}
	return root
}

func syntaxFault(err error) Fault {
	f := Fault{Line: 1, Text: "not YAML: " + err.Error()}
	var at yaml.Error
	if errors.As(err, &at) {
		f.Text = "not YAML: " + at.GetMessage()
		if t := at.GetToken(); t != nil && t.Position != nil {
			f.Line = t.Position.Line
		}
	}
	return f
}

func nodeLine(n ast.Node, otherwise int) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return otherwise
	}
	return n.GetToken().Position.Line
}

// add notes a problem, if there is one, at f.
func (r *reader) add(f field, p *problem) {
	if p != nil {
		r.faults = append(r.faults, Fault{Line: f.line, Place: f.place, Text: p.text, Hint: p.hint})
	}
}

// at is the field of a place that was read, for what can only be said later.
func (r *reader) at(place string) field {
	line, ok := r.lines[place]
	if !ok {
		line = 1
	}
	return field{line: line, place: place}
}

// mapping calls the handler of each key in f. later lists the keys that are
// known but not supported.
func (r *reader) mapping(f field, handlers map[string]func(field), later []string) {
	m, ok := f.node.(ast.MapNode)
	if !ok {
		r.add(f, wrong("write it as \"key: value\" lines", "%s is not a mapping", kind(f.node)))
		return
	}
	seen := make(map[string]int)
	for entries := m.MapRange(); entries.Next(); {
		name, ok := keyName(entries.Key())
		key := field{line: nodeLine(entries.Key(), f.line), place: join(f.place, name)}
		handle := handlers[name]
		switch {
		case !ok:
			r.add(key, wrong("keys are plain words", "%s is not a key", name))
		case seen[name] > 0:
			r.add(key, wrong("keep one of them", "the key stands in line %d already", seen[name]))
		case handle != nil:
			seen[name] = key.line
			r.value(key, entries.Value(), handle)
		case slices.Contains(later, name):
			seen[name] = key.line
			hint := "leave it out"
			if h := instead[name]; h != "" {
				hint = h
			}
			r.add(key, wrong(hint, "not supported by this version"))
		default:
			seen[name] = key.line
			known := slices.Sorted(maps.Keys(handlers))
			r.add(key, wrong(didYouMean(name, known), "unknown key"))
		}
	}
}

// value hands a value to its handler, unless there is none.
func (r *reader) value(key field, n ast.Node, handle func(field)) {
	r.lines[key.place] = key.line
	if n == nil || n.Type() == ast.NullType {
		r.add(key, wrong("give it a value, or leave the key out", "has no value"))
		return
	}
	handle(field{node: n, line: nodeLine(n, key.line), place: key.place})
}

// list calls each for the entries of f and gives their number.
func (r *reader) list(f field, each func(field)) int {
	s, ok := f.node.(*ast.SequenceNode)
	if !ok {
		r.add(f, wrong(`begin each entry with "- "`, "%s is not a list", kind(f.node)))
		return 0
	}
	for i, n := range s.Values {
		key := field{line: nodeLine(n, f.line), place: fmt.Sprintf("%s[%d]", f.place, i)}
		if _, isMap := n.(ast.MapNode); isMap {
			key.line = firstLine(n, key.line)
		}
		r.value(key, n, each)
	}
	return len(s.Values)
}

// firstLine is the line of a mapping's first key; its own token is a colon.
func firstLine(n ast.Node, otherwise int) int {
	if entries := n.(ast.MapNode).MapRange(); entries.Next() {
		return nodeLine(entries.Key(), otherwise)
	}
	return otherwise
}

// text takes a scalar that YAML reads as a string.
func (r *reader) text(f field) (string, bool) {
	s, ok := f.node.(*ast.StringNode)
	if !ok {
		hint := ""
		if _, scalar := f.node.(ast.ScalarNode); scalar {
			hint = fmt.Sprintf("write it in quotes: %q", f.node.GetToken().Value)
		}
		r.add(f, wrong(hint, "%s is not a string", kind(f.node)))
		return "", false
	}
	return s.Value, true
}

// scalar takes any scalar as it stands in the file, for values with a syntax of
// their own: a bare 8080 then meets the rule of addresses, not of strings.
func (r *reader) scalar(f field, what string) (string, bool) {
	switch n := f.node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, true
	}
	r.add(f, wrong("", "%s is not %s", kind(f.node), what))
	return "", false
}

// whole takes a whole number.
func (r *reader) whole(f field) (int, bool) {
	if n, ok := f.node.(*ast.IntegerNode); ok {
		switch v := n.Value.(type) {
		case int64:
			return int(v), true
		case uint64:
			if v < 1<<62 {
				return int(v), true
			}
		}
	}
	r.add(f, wrong("", "%s is not a whole number", kind(f.node)))
	return 0, false
}

// number takes a whole number or a fraction.
func (r *reader) number(f field) (float64, bool) {
	if n, ok := f.node.(*ast.FloatNode); ok {
		return n.Value, true
	}
	if _, ok := f.node.(*ast.IntegerNode); ok {
		n, ok := r.whole(f)
		return float64(n), ok
	}
	r.add(f, wrong("", "%s is not a number", kind(f.node)))
	return 0, false
}

func keyName(k ast.MapKeyNode) (string, bool) {
	if s, ok := k.(*ast.StringNode); ok {
		return s.Value, true
	}
	return kind(k), false
}

// kind says what a node is, with its value where that is short.
func kind(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return fmt.Sprintf("%q", n.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value
	case *ast.SequenceNode:
		return "a list"
	case *ast.LiteralNode:
		return "a block of text"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		return "an anchor, alias or tag"
	case ast.MapNode:
		return "a mapping"
	}
	return "this"
}

func join(place, key string) string {
	if place == "" {
		return key
	}
	return place + "." + key
}
