package wiretest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A pattern is a line of a dialogue: literal parts with a wildcard between each
// two. What is sent has one part.
type pattern struct {
	parts [][]byte
	eol   bool // \r\n follows
}

const maxRepeat = 64 << 20 // bytes that \(…*n) may make

// parseText reads the text behind an arrow. wild says whether "*" is a wildcard.
func parseText(s string, wild bool) (pattern, error) {
	p := pattern{eol: true}
	var part []byte
	for len(s) > 0 {
		switch {
		case s == `\`:
			p.eol, s = false, ""
		case s[0] == '\\':
			b, rest, err := escape(s)
			if err != nil {
				return p, err
			}
			part, s = append(part, b...), rest
		case s[0] == '*' && wild:
			p.parts = append(p.parts, part)
			part, s = nil, s[1:]
		case len(s) == 1 && (s[0] == ' ' || s[0] == '\t'):
			return p, errors.New("the line ends in white space: write \\x20 or \\t")
		default:
			part, s = append(part, s[0]), s[1:]
		}
	}
	p.parts = append(p.parts, part)
	if p.wild() && !p.eol {
		return p, errors.New("a wildcard in a line without end: there is nothing it could stop at")
	}
	return p, nil
}

var shortEscapes = map[byte]string{'r': "\r", 'n': "\n", 't': "\t", '0': "\x00", '\\': `\`, '*': "*"}

// escape reads one escape, which s begins with and is longer than a backslash.
func escape(s string) (b []byte, rest string, err error) {
	if short, ok := shortEscapes[s[1]]; ok {
		return []byte(short), s[2:], nil
	}
	switch s[1] {
	case 'x':
		if len(s) >= 4 {
			if n, err := strconv.ParseUint(s[2:4], 16, 8); err == nil {
				return []byte{byte(n)}, s[4:], nil
			}
		}
		return nil, "", errors.New(`\x wants two hex digits`)
	case '(':
		inside, rest, ok := strings.Cut(s[2:], ")")
		star := strings.LastIndexByte(inside, '*')
		if !ok || star < 1 {
			return nil, "", errors.New(`a repetition is written \(text*1000)`)
		}
		n, err := strconv.Atoi(inside[star+1:])
		if err != nil || n < 1 || n*star > maxRepeat || n > maxRepeat {
			return nil, "", fmt.Errorf("%q is no number of repetitions up to %d bytes", inside[star+1:], maxRepeat)
		}
		return bytes.Repeat([]byte(inside[:star]), n), rest, nil
	}
	return nil, "", fmt.Errorf("unknown escape %q", s[:2])
}

func (p pattern) wild() bool { return len(p.parts) > 1 }

// bytes are what a pattern without wildcard stands for.
func (p pattern) bytes() []byte {
	if p.eol {
		return append(bytes.Clone(p.parts[0]), "\r\n"...)
	}
	return p.parts[0]
}

// match compares a line without its end.
func (p pattern) match(line []byte) bool {
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	if !p.wild() {
		return bytes.Equal(line, first)
	}
	line, ok := bytes.CutPrefix(line, first)
	if !ok {
		return false
	}
	for _, part := range p.parts[1 : len(p.parts)-1] {
		i := bytes.Index(line, part)
		if i < 0 {
			return false
		}
		line = line[i+len(part):]
	}
	return bytes.HasSuffix(line, last)
}

// foldName lowers the name of a field line, up to its colon.
func foldName(line []byte) []byte {
	i := bytes.IndexByte(line, ':')
	if i < 0 {
		return line
	}
	return append(bytes.ToLower(line[:i]), line[i:]...)
}

// show writes bytes as a dialogue would, at most one line and 200 bytes of it.
func show(b []byte) string {
	const most = 200
	var s strings.Builder
	eol := bytes.HasSuffix(b, []byte("\r\n"))
	if eol {
		b = b[:len(b)-2]
	}
	for i, c := range b {
		if i == most {
			fmt.Fprintf(&s, "… (%d bytes)", len(b))
			break
		}
		switch {
		case c == '\r':
			s.WriteString(`\r`)
		case c == '\n':
			s.WriteString(`\n`)
		case c == '\t':
			s.WriteString(`\t`)
		case c == '\\':
			s.WriteString(`\\`)
		case c < ' ' || c > '~' || c == ' ' && i == len(b)-1:
			fmt.Fprintf(&s, `\x%02x`, c)
		default:
			s.WriteByte(c)
		}
	}
	if !eol {
		s.WriteByte('\\')
	}
	return s.String()
}
