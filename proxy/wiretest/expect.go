package wiretest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// listing shows bytes by line, a dozen at most, each behind a label.
func listing(label string, b []byte) string {
	const most = 12
	text := ""
	for i := 0; len(b) > 0; i++ {
		if i == most {
			return text + fmt.Sprintf("\n\t…    and %d bytes more", len(b))
		}
		end := bytes.IndexByte(b, '\n') + 1
		if end == 0 {
			end = len(b)
		}
		text += "\n\t" + label + show(b[:end])
		label, b = "then ", b[end:]
	}
	return text
}

// lull is a silence after which what was sent together has come together.
const lull = 50 * time.Millisecond

// got says what there is in place of what was expected, with what follows it.
func (c *conn) got() string {
	for end := c.limit(); time.Now().Before(end) && c.fill(time.Now().Add(lull)); {
	}
	text := listing("got  ", c.buffer)
	if c.ended != nil {
		return text + "\n\tgot  " + ending(c.ended)
	}
	if text == "" {
		return fmt.Sprintf("\n\tgot  nothing within %s", c.patience)
	}
	return text
}

func ending(err error) string {
	if errors.Is(err, io.EOF) {
		return "the end of the connection"
	}
	return "a broken connection: " + err.Error()
}

func (c *conn) expectLine(s step) error {
	fail := func() error {
		return fmt.Errorf("another line came\n\twant %s %s%s", s.arrow(), s.text, c.got())
	}
	if !s.want.wild() {
		if !c.takeExactly(s.want.bytes()) {
			return fail()
		}
		return nil
	}
	line, ok := c.peekLine()
	if !ok || !s.want.match(line) {
		return fail()
	}
	c.buffer = c.buffer[len(line)+2:]
	return nil
}

// takeExactly takes want off the stream. It stops at the first other byte, so
// that a wrong answer that is shorter costs no patience.
func (c *conn) takeExactly(want []byte) bool {
	limit := c.limit()
	for {
		n := min(len(c.buffer), len(want))
		if !bytes.Equal(c.buffer[:n], want[:n]) {
			return false
		}
		if n == len(want) {
			c.buffer = c.buffer[n:]
			return true
		}
		if !c.fill(limit) {
			return false
		}
	}
}

// peekLine waits for a line that ends with \r\n and returns it without that.
func (c *conn) peekLine() ([]byte, bool) {
	limit := c.limit()
	for {
		if end := bytes.IndexByte(c.buffer, '\n'); end >= 0 {
			return bytes.CutSuffix(c.buffer[:end], []byte("\r"))
		}
		if !c.fill(limit) {
			return nil, false
		}
	}
}

// expectSet takes the lines up to an empty one, which stays.
func (c *conn) expectSet(s step) error {
	var lines [][]byte
	for {
		line, ok := c.peekLine()
		if !ok {
			return fmt.Errorf("the fields do not end with an empty line%s%s", listing("got  ", bytes.Join(lines, []byte("\r\n"))), c.got())
		}
		if len(line) == 0 {
			break
		}
		lines = append(lines, bytes.Clone(line))
		c.buffer = c.buffer[len(line)+2:]
	}
	return s.set.compare(s.arrow(), lines)
}

// compare finds every difference between a set and the lines that came.
func (f fieldSet) compare(arrow string, lines [][]byte) error {
	text := ""
	used := make([]bool, len(lines))
	folded := make([][]byte, len(lines))
	for i, line := range lines {
		folded[i] = foldName(line)
	}
	for _, m := range f.none {
		for i := range lines {
			if m.want.match(folded[i]) {
				used[i] = true
				text += fmt.Sprintf("\n\twant %s %s\t(line %d)\n\tgot  %s %s", arrow, m.text, m.line, arrow, show(append(lines[i], "\r\n"...)))
			}
		}
	}
	for _, m := range f.some {
		i := 0
		for i < len(lines) && (used[i] || !m.want.match(folded[i])) {
			i++
		}
		if i == len(lines) {
			text += fmt.Sprintf("\n\twant %s %s\t(line %d)\n\tgot  no such line", arrow, m.text, m.line)
			continue
		}
		used[i] = true
	}
	for i := range lines {
		if !used[i] && !f.others {
			text += fmt.Sprintf("\n\twant no other line\n\tgot  %s %s", arrow, show(append(lines[i], "\r\n"...)))
		}
	}
	if text == "" {
		return nil
	}
	all := ""
	for _, line := range lines {
		all += "\n\t     " + arrow + " " + show(append(line, "\r\n"...))
	}
	return fmt.Errorf("the fields differ%s\n\tof all%s", text, all)
}

func (c *conn) expectClose() error {
	limit := c.limit()
	for len(c.buffer) == 0 && c.fill(limit) {
	}
	if len(c.buffer) > 0 {
		return fmt.Errorf("bytes came where the end was expected%s", c.got())
	}
	if c.ended == nil {
		return fmt.Errorf("the connection is still open after %s", c.patience)
	}
	return nil
}

// drain takes whatever comes up to the end of the connection.
func (c *conn) drain() error {
	limit := c.limit()
	for c.ended == nil && time.Now().Before(limit) && c.ctx.Err() == nil {
		c.buffer = c.buffer[:0]
		c.fill(limit)
	}
	c.buffer = nil
	if c.ended == nil {
		return fmt.Errorf("the connection is still open after %s", c.patience)
	}
	return nil
}

func (c *conn) expectOpen(watch time.Duration) error {
	if len(c.buffer) == 0 {
		c.fill(time.Now().Add(watch))
	}
	if len(c.buffer) > 0 {
		return fmt.Errorf("bytes came where silence was expected%s", c.got())
	}
	if c.ended != nil {
		return fmt.Errorf("the connection is not open\n\tgot  %s", ending(c.ended))
	}
	return nil
}
