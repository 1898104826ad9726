package loadtest

import (
	"net/http"
	"strings"
)

// The longest words of an answer that a sample keeps.
const (
	maxOrigin = 64
	maxCache  = 24
)

func origin(h http.Header) string {
	o := h.Get("X-Origin")
	return o[:min(len(o), maxOrigin)]
}

// cacheStatus is what the cache nearest to the client says of the answer: "hit",
// or why it was forwarded ("uri-miss", "stale", …) as Cache-Status has it
// (RFC 9211 §2); else the first word of X-Cache; else "hit" for an answer with an
// Age, which one that comes from the origin does not have (RFC 9111 §5.1).
func cacheStatus(h http.Header) string {
	if lines := h["Cache-Status"]; len(lines) > 0 {
		last := lines[len(lines)-1]
		for i, c := range splitOutside(last, ',') {
			if i == 0 || c != "" {
				last = c
			}
		}
		for _, p := range splitOutside(last, ';')[1:] {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			switch {
			case name == "hit" && value != "?0":
				return "hit"
			case name == "fwd":
				return cut(value)
			}
		}
	}
	if x := strings.Fields(h.Get("X-Cache")); len(x) > 0 {
		return cut(strings.ToLower(x[0]))
	}
	if h.Get("Age") != "" {
		return "hit"
	}
	return ""
}

func cut(s string) string { return s[:min(len(s), maxCache)] }

// splitOutside splits at sep where it is not inside a quoted string.
func splitOutside(s string, sep byte) []string {
	var parts []string
	quoted, from := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}
