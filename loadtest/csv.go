package loadtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"
)

// Header is the first line of samples as CSV. One line is one sample; times
// are in ns since the start of the schedule.
const Header = "n,target,planned_ns,start_ns,first_byte_ns,end_ns,status,bytes,right,origin,err,item,cache"

const columns = 13

// firstHeader is that of records from before items and caches were told. They
// are read with none of both.
const (
	firstHeader  = "n,target,planned_ns,start_ns,first_byte_ns,end_ns,status,bytes,right,origin,err"
	firstColumns = 11
)

// longest line that is read: the text of an error and the origin's name are
// bounded where samples are made.
const maxLine = 64 << 10

// AppendCSV appends the sample's line and its line feed. Text with a comma or a
// quote is quoted as in RFC 4180; control characters in text become spaces, so
// that a sample is never more than one line.
func (s Sample) AppendCSV(dst []byte) []byte {
	dst = strconv.AppendUint(dst, s.N, 10)
	for _, v := range [...]int64{
		int64(s.Target), int64(s.Planned), int64(s.Start), int64(s.FirstByte), int64(s.End), int64(s.Status), s.Bytes,
	} {
		dst = append(dst, ',')
		dst = strconv.AppendInt(dst, v, 10)
	}
	dst = append(dst, ',')
	dst = strconv.AppendBool(dst, s.Right)
	dst = append(dst, ',')
	dst = appendText(dst, s.Origin)
	dst = append(dst, ',')
	dst = appendText(dst, s.Err)
	dst = append(dst, ',')
	dst = strconv.AppendInt(dst, int64(s.Item), 10)
	dst = append(dst, ',')
	dst = appendText(dst, s.Cache)
	return append(dst, '\n')
}

func appendText(dst []byte, s string) []byte {
	quote := false
	for i := range len(s) {
		quote = quote || s[i] == ',' || s[i] == '"'
	}
	if quote {
		dst = append(dst, '"')
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"':
			dst = append(dst, '"', '"')
		case c < ' ' || c == 0x7f:
			dst = append(dst, ' ')
		default:
			dst = append(dst, c)
		}
	}
	if quote {
		dst = append(dst, '"')
	}
	return dst
}

// ParseCSV reads one line as [Sample.AppendCSV] writes it, without its line
// feed. Nothing else is taken: no spaces, no sign "+", no missing column.
func ParseCSV(line []byte) (Sample, error) { return parseCSV(line, columns) }

func parseCSV(line []byte, columns int) (Sample, error) {
	fields, err := split(line, columns)
	if err != nil {
		return Sample{}, err
	}
	p := parser{fields: fields}
	s := Sample{
		N:         uint64(p.int(0)),
		Target:    int(p.int(1)),
		Planned:   time.Duration(p.int(2)),
		Start:     time.Duration(p.int(3)),
		FirstByte: time.Duration(p.int(4)),
		End:       time.Duration(p.int(5)),
		Status:    int(p.int(6)),
		Bytes:     p.int(7),
		Right:     p.bool(8),
		Origin:    fields[9],
		Err:       fields[10],
		Cache:     fields[12],
	}
	if columns > firstColumns {
		s.Item = int(p.int(11))
	}
	return s, p.err
}

// parser takes columns by their place and keeps the first fault.
type parser struct {
	fields [columns]string
	err    error
}

func (p *parser) int(i int) int64 {
	v, err := strconv.ParseInt(p.fields[i], 10, 64)
	if err != nil || v < 0 || strconv.FormatInt(v, 10) != p.fields[i] {
		p.fault(i, "a whole number from 0")
	}
	return v
}

func (p *parser) bool(i int) bool {
	if p.fields[i] != "true" && p.fields[i] != "false" {
		p.fault(i, "true or false")
	}
	return p.fields[i] == "true"
}

func (p *parser) fault(i int, rule string) {
	if p.err == nil {
		p.err = fmt.Errorf("column %d: %q is not %s", i+1, p.fields[i], rule)
	}
}

// split cuts a line at its commas, outside quotes. Columns that this line does
// not have are left empty.
func split(line []byte, want int) (fields [columns]string, err error) {
	rest := line
	for i := range want {
		var text []byte
		if len(rest) > 0 && rest[0] == '"' {
			text, rest, err = unquote(rest[1:])
			if err != nil {
				return fields, fmt.Errorf("column %d: %w", i+1, err)
			}
		} else {
			end := bytes.IndexByte(rest, ',')
			if end < 0 {
				end = len(rest)
			}
			text, rest = rest[:end], rest[end:]
			if bytes.IndexByte(text, '"') >= 0 {
				return fields, fmt.Errorf("column %d: a quote inside plain text", i+1)
			}
		}
		fields[i] = string(text)
		last := i == want-1
		if last && len(rest) > 0 {
			return fields, fmt.Errorf("more than %d columns", want)
		}
		if !last && (len(rest) == 0 || rest[0] != ',') {
			return fields, fmt.Errorf("%d columns are not %d", i+1, want)
		}
		if !last {
			rest = rest[1:]
		}
	}
	return fields, nil
}

// unquote reads up to the closing quote; rest begins behind it.
func unquote(b []byte) (text, rest []byte, err error) {
	for {
		i := bytes.IndexByte(b, '"')
		if i < 0 {
			return nil, nil, errors.New("a quote without its end")
		}
		text = append(text, b[:i]...)
		if i+1 == len(b) || b[i+1] != '"' {
			return text, b[i+1:], nil
		}
		text = append(text, '"')
		b = b[i+2:]
	}
}

// Read yields the samples of a CSV stream that begins with [Header]. It stops
// after the first error, which names the line.
func Read(r io.Reader) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		lines := newLines(r)
		if err := lines.header(); err != nil {
			yield(Sample{}, err)
			return
		}
		for {
			line, err := lines.next()
			if err == io.EOF {
				return
			}
			s := Sample{}
			if err == nil {
				s, err = lines.sample(line)
			}
			if err != nil {
				yield(Sample{}, lines.at(err))
				return
			}
			if !yield(s, nil) {
				return
			}
		}
	}
}

// lines counts the lines it reads. A line without its line feed is a stream
// that was cut.
type lines struct {
	r       *bufio.Reader
	n       int
	columns int
}

func newLines(r io.Reader) *lines {
	return &lines{r: bufio.NewReaderSize(r, maxLine), columns: columns}
}

// sample reads a line with the columns that the header named.
func (l *lines) sample(line []byte) (Sample, error) { return parseCSV(line, l.columns) }

// next is the next line, good until the following call.
func (l *lines) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	l.n++
	switch {
	case err == io.EOF && len(line) > 0:
		return nil, errors.New("cut off before the end of the line")
	case err == bufio.ErrBufferFull:
		return nil, fmt.Errorf("a line is longer than %d bytes", maxLine)
	case err != nil:
		return nil, err
	}
	return line[:len(line)-1], nil
}

func (l *lines) header() error {
	line, err := l.next()
	if err == io.EOF {
		err = errors.New("empty, not even a header line")
	}
	if err == nil && string(line) == firstHeader {
		l.columns = firstColumns
		return nil
	}
	if err == nil && string(line) != Header {
		err = fmt.Errorf("header %q is not %q", line, Header)
	}
	if err != nil {
		return l.at(err)
	}
	return nil
}

func (l *lines) at(err error) error { return fmt.Errorf("line %d: %w", l.n, err) }
