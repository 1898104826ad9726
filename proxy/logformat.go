package proxy

import (
	"bytes"
	"strconv"

	"proxylab/proxy/message"
	"proxylab/proxy/site"
)

// logFormat is a LogFormat made ready: one appender for each of its pieces, so
// that nothing of it is read again for a line.
type logFormat struct {
	pieces []appender
	sent   []string // fields of the response that it has, in lower case
}

// appender writes one piece of the line of x. The mutex of l is held.
type appender func(b []byte, l *accessLog, x *exchange) []byte

func compileLogFormat(items []site.LogItem) *logFormat {
	f := new(logFormat)
	for _, item := range items {
		switch {
		case item.Word == 0:
			text := item.Text
			f.pieces = append(f.pieces, func(b []byte, _ *accessLog, _ *exchange) []byte { return append(b, text...) })
		case item.Word == 'i':
			name := lowerCase(item.Name)
			f.pieces = append(f.pieces, func(b []byte, _ *accessLog, x *exchange) []byte { return appendFields(b, x.req.Fields, name) })
		case item.Word == 'o':
			place := len(f.sent)
			f.sent = append(f.sent, lowerCase(item.Name))
			f.pieces = append(f.pieces, func(b []byte, _ *accessLog, x *exchange) []byte { return orDash(b, x.noted.value(place)) })
		case item.Word == 'e' && item.Name == site.CacheVariable:
			f.pieces = append(f.pieces, func(b []byte, _ *accessLog, x *exchange) []byte { return append(b, x.fateWord()...) })
		case item.Word == 'T':
			f.pieces = append(f.pieces, durations[item.Name])
		default:
			f.pieces = append(f.pieces, logWords[item.Word])
		}
	}
	return f
}

func lowerCase(s string) string { return string(bytes.ToLower([]byte(s))) }

// durations are %T by its unit.
var durations = map[string]appender{
	"": func(b []byte, _ *accessLog, x *exchange) []byte {
		return strconv.AppendInt(b, int64(x.took.Seconds()), 10)
	},
	"s": func(b []byte, _ *accessLog, x *exchange) []byte {
		return strconv.AppendInt(b, int64(x.took.Seconds()), 10)
	},
	"ms": func(b []byte, _ *accessLog, x *exchange) []byte {
		return strconv.AppendInt(b, x.took.Milliseconds(), 10)
	},
	"us": appendMicroseconds,
}

// logWords are the words that need nothing but the exchange (site.LogWords says
// what each means).
var logWords = map[byte]appender{
	'h': appendClient,
	'a': appendClient,
	'l': appendDash,
	'u': appendDash,
	't': func(b []byte, l *accessLog, x *exchange) []byte { return append(b, l.stampOf(x.started)...) },
	'r': func(b []byte, _ *accessLog, x *exchange) []byte { return orDash(b, x.req.Line) },
	's': func(b []byte, _ *accessLog, x *exchange) []byte { return strconv.AppendInt(b, int64(x.status), 10) },
	'b': func(b []byte, _ *accessLog, x *exchange) []byte {
		if x.bytes == 0 {
			return append(b, '-')
		}
		return strconv.AppendInt(b, x.bytes, 10)
	},
	'B': func(b []byte, _ *accessLog, x *exchange) []byte { return strconv.AppendInt(b, x.bytes, 10) },
	'O': func(b []byte, _ *accessLog, x *exchange) []byte {
		return strconv.AppendInt(b, x.c.Sent-x.sentBefore, 10)
	},
	'D': appendMicroseconds,
	'e': func(b []byte, _ *accessLog, x *exchange) []byte {
		if x.served == "" {
			return append(b, '-')
		}
		return append(b, x.served...)
	},
	'm': func(b []byte, _ *accessLog, x *exchange) []byte { return orDash(b, x.req.Method) },
	'U': func(b []byte, _ *accessLog, x *exchange) []byte { return orDash(b, x.req.Target.Path) },
	'q': func(b []byte, _ *accessLog, x *exchange) []byte { return appendEscaped(b, x.req.Target.Query) },
	'H': func(b []byte, _ *accessLog, x *exchange) []byte {
		if x.req.Method == nil {
			return append(b, '-')
		}
		return append(b, 'H', 'T', 'T', 'P', '/', '1', '.', '0'+x.req.Minor)
	},
	'v': func(b []byte, _ *accessLog, x *exchange) []byte { return orDash(b, withoutPort(x.req.Host)) },
}

func appendClient(b []byte, _ *accessLog, x *exchange) []byte { return append(b, x.c.client...) }

func appendDash(b []byte, _ *accessLog, _ *exchange) []byte { return append(b, '-') }

func appendMicroseconds(b []byte, _ *accessLog, x *exchange) []byte {
	return strconv.AppendInt(b, x.took.Microseconds(), 10)
}

// appendFields writes the values of all fields of a name, which is in lower case,
// as one list.
func appendFields(b []byte, fields message.Fields, name string) []byte {
	begin := len(b)
	for i := range fields {
		if !message.EqualFold(fields[i].Name, name) {
			continue
		}
		if len(b) > begin {
			b = append(b, ", "...)
		}
		b = appendEscaped(b, fields[i].Value)
	}
	if len(b) == begin {
		b = append(b, '-')
	}
	return b
}

// withoutPort cuts the port off an authority.
func withoutPort(host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 {
		return host[:i]
	}
	return host
}

// orDash writes v escaped, and "-" for nothing.
func orDash(b, v []byte) []byte {
	if len(v) == 0 {
		return append(b, '-')
	}
	return appendEscaped(b, v)
}

// appendEscaped writes v as httpd does it (ap_escape_logitem), so that no client
// can end a line or a string.
func appendEscaped(dst, v []byte) []byte {
	for _, c := range v {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ' || c >= 0x7f:
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// noted keeps fields of the response's head for the log line: when that is
// written, the head is gone.
type noted struct {
	values []byte // one behind the other
	ends   []int
}

func (n *noted) reset() { n.values, n.ends = n.values[:0], n.ends[:0] }

// keep takes the fields of those names out of a head as it goes to the client.
func (n *noted) keep(names []string, head []byte) {
	n.reset()
	for _, name := range names {
		begin := len(n.values)
		for rest := head; ; {
			line, after, more := bytes.Cut(rest, crlf)
			if !more || len(line) == 0 {
				break
			}
			rest = after
			i := bytes.IndexByte(line, ':')
			if i < 0 || !message.EqualFold(line[:i], name) {
				continue
			}
			if len(n.values) > begin {
				n.values = append(n.values, ", "...)
			}
			n.values = append(n.values, message.TrimOWS(line[i+1:])...)
		}
		n.ends = append(n.ends, len(n.values))
	}
}

var crlf = []byte("\r\n")

// value gives the field at a place in the names; nothing where no head was sent.
func (n *noted) value(place int) []byte {
	if place >= len(n.ends) {
		return nil
	}
	begin := 0
	if place > 0 {
		begin = n.ends[place-1]
	}
	return n.values[begin:n.ends[place]]
}
