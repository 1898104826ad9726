package cache

import (
	"bytes"

	"proxylab/proxy/message"
)

// Nominated is a request field that the Vary of a stored response names, as it
// was in the request that the response answered.
type Nominated struct {
	Name  []byte // in lower case
	Lines int    // field lines there were; 0 for an absent field, which an empty one does not match
	Value []byte // all lines as one, normalised
	known message.Name
	plain []byte // of a single line, as it came
}

// ours are the request fields that this proxy writes, or may write: what the
// origin server saw of them is not what the client sent, and a response that
// varies by them is for nobody else.
var ours = message.SetOf(message.Forwarded, message.XForwardedFor, message.Via, message.Connection,
	message.KeepAlive, message.ProxyConnection, message.TE, message.TransferEncoding, message.Upgrade,
	message.MaxForwards, message.Expect, message.Range) | conditions

// nominate reads the Vary fields of a response to q. ok is false where no other
// request can match: a star, a field of ours, or what is no field name.
func nominate(q *Request, res message.Fields) (list []Nominated, ok bool) {
	for i := range res {
		if res[i].Known != message.Vary {
			continue
		}
		for e, rest := message.NextElement(res[i].Value); e != nil; e, rest = message.NextElement(rest) {
			known := message.NameOf(e)
			if string(e) == "*" || !isToken(e) || ours.Has(known) {
				return nil, false
			}
			if list = appendNominated(list, q, e, known); len(list) > maxNominations {
				return nil, false
			}
		}
	}
	return list, true
}

func appendNominated(list []Nominated, q *Request, name []byte, known message.Name) []Nominated {
	lower := bytes.ToLower(name)
	for i := range list {
		if bytes.Equal(list[i].Name, lower) {
			return list
		}
	}
	n := Nominated{Name: lower, known: known}
	n.Value, n.Lines = n.read(nil, q.Fields)
	n.setPlain(q.Fields)
	return append(list, n)
}

func (n *Nominated) setPlain(fields message.Fields) {
	if n.Lines != 1 {
		return
	}
	for i := range fields {
		if n.names(&fields[i]) {
			n.plain = bytes.Clone(fields[i].Value)
			if n.plain == nil {
				n.plain = []byte{}
			}
		}
	}
}

// names says whether f is the nominated field.
func (n *Nominated) names(f *message.Field) bool {
	return f.Known == n.known && (n.known != message.Unknown || bytes.EqualFold(f.Name, n.Name))
}

// read writes the normalised value of the field behind dst.
func (n *Nominated) read(dst []byte, fields message.Fields) (value []byte, lines int) {
	from := len(dst)
	for i := range fields {
		if !n.names(&fields[i]) {
			continue
		}
		if lines++; lines > 1 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, fields[i].Value...)
	}
	if lines > 0 {
		switch n.known {
		case message.AcceptEncoding:
			dst = normalWeighted(dst, from, codings)
		case message.AcceptLanguage:
			dst = normalWeighted(dst, from, languages)
		case message.Accept:
			dst = normalList(dst, from)
		}
	}
	return dst, lines
}

// matches says whether q has the field as the stored request had it (RFC 9111
// §4.1). One line that is the same byte by byte is the common case.
func (n *Nominated) matches(q *Request) bool {
	if n.plain != nil {
		same, lines := false, 0
		for i := range q.Fields {
			if n.names(&q.Fields[i]) {
				lines++
				same = bytes.Equal(q.Fields[i].Value, n.plain)
			}
		}
		if lines == 1 && same {
			return true
		}
	}
	value, lines := n.read(q.scratch[:0], q.Fields)
	q.scratch = value[:0]
	return (lines == 0) == (n.Lines == 0) && bytes.Equal(value, n.Value)
}

// fits says whether e is for requests like q: the Site's key fields, and those
// that Vary nominates.
func (e *Entry) fits(q *Request) bool {
	if !bytes.Equal(e.Second, q.second) {
		return false
	}
	for i := range e.Vary {
		if !e.Vary[i].matches(q) {
			return false
		}
	}
	return true
}
