package labs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"proxylab/proxy/site"
)

const keysHint = "`go doc proxylab/labs` shows every key of a lab"

// decode reads the one document of a lab.yaml, strictly.
func decode(data []byte, l *Lab) *site.Fault {
	d := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	err := d.Decode(l)
	if err == nil {
		var more any
		if err = d.Decode(&more); errors.Is(err, io.EOF) {
			return nil
		}
		return &site.Fault{Line: 1, Text: "something follows the lab's document", Hint: "one file is one lab: no --- in it"}
	}
	if errors.Is(err, io.EOF) {
		return &site.Fault{Line: 1, Text: "the file declares nothing", Hint: keysHint}
	}
	return syntaxFault(data, err)
}

// syntaxFault turns an error of the YAML library into a fault with its place.
func syntaxFault(data []byte, err error) *site.Fault {
	var y yaml.Error
	if !errors.As(err, &y) || y.GetToken() == nil {
		return &site.Fault{Line: 1, Text: err.Error(), Hint: keysHint}
	}
	at := y.GetToken()
	f := &site.Fault{Line: at.Position.Line, Place: placeOf(data, at), Text: y.GetMessage(), Hint: keysHint}
	var wrongType *yaml.TypeError
	if errors.As(err, &wrongType) {
		f.Text = fmt.Sprintf("%q is not %s", at.Value, inWords(wrongType.DstType))
	}
	var tooMuch *yaml.OverflowError
	if errors.As(err, &tooMuch) {
		f.Text = fmt.Sprintf("%s is too much", at.Value)
	}
	return f
}

// inWords is what a value of a Go type is to who writes a lab.
func inWords(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 5s or 1500ms"
	case t.Kind() == reflect.Struct || t.Kind() == reflect.Map:
		return "a mapping of keys to values"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.String:
		return "a text"
	case t.Kind() == reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// placeOf finds the key, such as load.phases[0].rate, at which a token stands;
// "" where the file cannot be read that far.
func placeOf(data []byte, at *token.Token) string {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return ""
	}
	v := finder{line: at.Position.Line, column: at.Position.Column}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			ast.Walk(&v, doc.Body)
		}
	}
	return strings.TrimPrefix(strings.TrimPrefix(v.path, "$"), ".")
}

// finder is a walk for the node of one token.
type finder struct {
	line, column int
	path         string
}

// Visit keeps the path of the deepest node that begins there.
func (v *finder) Visit(n ast.Node) ast.Visitor {
	if p := n.GetToken().Position; p.Line == v.line && p.Column == v.column {
		v.path = n.GetPath()
	}
	return v
}

// lineOf finds the line of a key such as load.phases[0].rate, or of the
// nearest key above it that is there.
func lineOf(data []byte, key string) int {
	for key != "" {
		if p, err := yaml.PathString("$." + key); err == nil {
			if n, err := p.ReadNode(bytes.NewReader(data)); err == nil && n != nil {
				return n.GetToken().Position.Line
			}
		}
		cut := max(strings.LastIndexByte(key, '.'), strings.LastIndexByte(key, '['))
		key = key[:max(cut, 0)]
	}
	return 1
}

// parseSite gives package site the lines of the site section alone, at their
// own place in the file, so that its faults name the right lines.
func parseSite(file string, data []byte, declared bool) (*site.Site, error) {
	var section bytes.Buffer
	inside, found := false, false
	for line := range bytes.Lines(data) {
		if first := line[0]; first > ' ' && first != '#' {
			inside = bytes.HasPrefix(line, []byte("site:"))
			found = found || inside
			line = []byte("\n")
		}
		if !inside {
			line = []byte("\n")
		}
		section.Write(line)
	}
	if !declared || !found {
		text, hint := "missing", "what the systems serve, as proxyd's site.yaml has it: a balancer with the origins, and a route to it"
		if declared {
			text, hint = "must be a section of its own", "begin a line with site: and indent what belongs to it"
		}
		return nil, &site.Faults{File: file, List: []site.Fault{{Line: lineOf(data, "site"), Place: "site", Text: text, Hint: hint}}}
	}
	return site.Parse(file, section.Bytes())
}
