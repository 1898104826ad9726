package docker

import "strings"

// lastLines is the end of a text: at most n lines, without empty ones behind.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\r\n \t"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// indent puts a tab before each line, as error texts have their parts.
func indent(text string) string {
	if text == "" {
		return "\t(nothing)"
	}
	return "\t" + strings.ReplaceAll(text, "\n", "\n\t")
}
