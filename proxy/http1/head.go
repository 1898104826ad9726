package http1

import (
	"bytes"
	"time"

	"proxylab/proxy/message"
)

// Limits bounds a head. Head and Fields may not be zero.
type Limits struct {
	Head   int // bytes
	Line   int // bytes of a request line, without CRLF; 0 where Head alone bounds it
	Fields int // field lines
}

// Patience is how long a request head may take: Least, and a second more for each
// Rate bytes that have come, up to Most.
type Patience struct {
	Least, Most time.Duration
	Rate        int
}

// after is how long it may take of which n bytes are there.
func (p Patience) after(n int) time.Duration {
	if p.Most <= p.Least {
		return p.Least
	}
	return min(p.Most, p.Least+time.Duration(float64(n)/float64(p.Rate)*float64(time.Second)))
}

// headEnd looks for the end of a head from offset from on, and returns the
// head's length, or 0 and the offset to go on from when more bytes came. Every
// line must end in CRLF, and a line that does not is refused as soon as it is
// seen.
func headEnd(buf []byte, from int) (n, next int, err error) {
	for {
		i := bytes.IndexByte(buf[from:], '\n')
		if i < 0 {
			return 0, from, nil
		}
		line := buf[from : from+i]
		from += i + 1
		switch {
		case i == 0 || line[i-1] != '\r':
			return 0, from, errBareLF
		case i == 1 && from > 2: // an empty line, not at the very start
			return from, from, nil
		}
	}
}

// cutLine cuts the first line off a head in which each line is known to end in
// CRLF.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	return b[:i-1], b[i+1:]
}

// parseFields reads the field lines of a whole head up to its empty line into
// fields, whose room is used again.
func parseFields(fields message.Fields, b []byte, limit int) (message.Fields, error) {
	fields = fields[:0]
	for {
		var line []byte
		if line, b = cutLine(b); len(line) == 0 {
			return fields, nil
		}
		if len(fields) == limit {
			return fields, errFieldCount
		}
		name, value, err := parseField(line)
		if err != nil {
			return fields, err
		}
		fields = append(fields, message.Field{Name: name, Value: value, Known: message.NameOf(name)})
	}
}

// parseField reads a field line without its CRLF (RFC 9112 §5). No whitespace
// may stand before the colon (§5.1), and a line that begins with some would be
// a folded one (§5.2).
func parseField(line []byte) (name, value []byte, err error) {
	if line[0] == ' ' || line[0] == '\t' {
		return nil, nil, errFold
	}
	i := 0
	for i < len(line) && class[line[i]]&inToken != 0 {
		i++
	}
	switch {
	case i == len(line):
		return nil, nil, errNoColon
	case line[i] != ':' || i == 0:
		return nil, nil, errName
	}
	value = message.TrimOWS(line[i+1:])
	if hasControl(value) {
		if bytes.IndexByte(value, '\r') >= 0 {
			return nil, nil, errBareCR
		}
		return nil, nil, errValue
	}
	return line[:i], value, nil
}

// parseVersion reads "HTTP/1.0" or "HTTP/1.1" and returns the minor version.
//
// Any other is refused, 1.2 too, which RFC 9110 §6.2 would rather have read as
// 1.1 (SHOULD). That is meant for versions to come, and HTTP/1 has had its last.
// What says so today is a probe for servers that differ: nginx takes 1.10 and
// refuses 2.0, httpd and HAProxy take 2.0. Whether a connection stays open and
// whether there are chunks hangs on the version, so two that differ about it may
// differ about where the message ends. The same holds of a response.
func parseVersion(b []byte) (minor byte, err error) {
	if len(b) != len("HTTP/1.1") || string(b[:5]) != "HTTP/" || b[6] != '.' || !isDigit(b[5]) || !isDigit(b[7]) {
		return 0, errVersion
	}
	if minor = b[7] - '0'; b[5] != '1' || minor > 1 {
		return 0, errOtherVersion
	}
	return minor, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// connectionOptions marks the fields that end here, and refuses a Connection that
// can be read in two ways or takes too long to obey.
func connectionOptions(f message.Fields) (message.Options, error) {
	o := f.MarkHops()
	switch {
	case o.TooMany:
		return o, errNominations
	case o.Quoted:
		return o, errConnection
	}
	return o, nil
}
