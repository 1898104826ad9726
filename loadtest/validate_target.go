package loadtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ownFields are written by the generator itself, in lower case.
var ownFields = []string{"connection", "content-length", "cookie", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}

func (f *faulter) fields(place string, t Target) {
	uses := strings.Contains(t.Path, "{item}")
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		at, value := place+".fields."+name, t.Fields[name]
		f.need(isToken(name), at, fmt.Sprintf("%q is not the name of a field", name), "letters, digits and hyphens, as Accept-Language")
		f.need(!slices.Contains(ownFields, strings.ToLower(name)), at, name+" is written by the generator",
			"cookies have a key of their own; body, fresh and slow say the rest")
		f.need(isFieldValue(value), at, fmt.Sprintf("%q cannot stand in a field", value), "no control characters, no space at the ends")
		uses = uses || strings.Contains(value, "{item}")
	}
	for _, name := range slices.Sorted(maps.Keys(t.Cookies)) {
		at, value := place+".cookies."+name, t.Cookies[name]
		f.need(isToken(name), at, fmt.Sprintf("%q is not the name of a cookie", name), "letters, digits and hyphens, as session")
		f.need(isFieldValue(value) && !strings.ContainsAny(value, " \",;\\"), at, fmt.Sprintf("%q cannot stand in a cookie", value),
			"no spaces, quotes, commas, semicolons or backslashes")
		uses = uses || strings.Contains(value, "{item}")
	}
	f.need(!uses || t.Items > 0, place+".items", "{item} is used, and there are none", "say how many there are: items")
}

// isFieldValue is RFC 9110 §5.5, for what is visible US-ASCII.
func isFieldValue(s string) bool {
	for _, c := range []byte(s) {
		if c != '\t' && (c < ' ' || c >= 0x7f) {
			return false
		}
	}
	return strings.Trim(s, " \t") == s
}

func (f *faulter) slow(place string, t Target) {
	if t.Slow == nil {
		return
	}
	for _, one := range []struct {
		name  string
		value int
	}{{"headers", t.Slow.Headers}, {"body", t.Slow.Body}, {"read", t.Slow.Read}} {
		f.need(one.value >= 0, place+"."+one.name, fmt.Sprintf("%d is below 0", one.value), "bytes per second; 0 is as fast as can be")
	}
	f.need(*t.Slow != Slow{}, place, "nothing of it is slow", "headers, body or read: bytes per second")
	f.need(t.Slow.Body == 0 || t.Body > 0, place+".body", "there is no body to be slow with", "body says how many bytes it has")
}
