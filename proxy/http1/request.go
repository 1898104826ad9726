package http1

import (
	"bytes"

	"proxylab/proxy/message"
)

// Request is the head of a request. Its slices point into the bytes it was
// parsed from.
type Request struct {
	Line      []byte // the request line as it came, without CRLF
	Method    []byte
	Target    Target
	Host      []byte // authority of the target: of an absolute target, else of Host; nil in HTTP/1.0 without either
	Minor     byte   // HTTP/1.Minor, 0 or 1
	Fields    message.Fields
	Body      Body
	Close     bool // the client wants no further exchange on this connection
	Upgrades  bool // Upgrade says what the client would change to (RFC 9110 §7.8)
	Trailers  bool // the client takes trailer fields (RFC 9110 §10.1.4)
	Continues bool // it waits for 100 Continue before it sends the body
}

// Reset forgets the message and keeps the room of Fields.
func (r *Request) Reset() { *r = Request{Fields: r.Fields[:0]} }

// ParseRequest reads the head of a request from the start of buf and returns
// its length; 0 when the head is not whole yet. On an error, what was read up
// to there stays in r, for the log.
//
// One empty line before the request line is passed over (RFC 9112 §2.2).
func ParseRequest(r *Request, buf []byte, lim Limits) (n int, err error) {
	n, _, err = parseRequest(r, buf, 0, lim)
	return n, err
}

// parseRequest is ParseRequest for a head whose first bytes, up to scanned, are
// known to have no end of the head. It returns that offset for the next call.
func parseRequest(r *Request, buf []byte, scanned int, lim Limits) (n, next int, err error) {
	skip := 0
	if len(buf) >= 2 && buf[0] == '\r' && buf[1] == '\n' {
		skip = 2
	}
	head := buf[skip:]
	n, next, err = headEnd(head, max(scanned-skip, 0))
	next += skip
	if err == nil && n == 0 {
		return 0, next, r.partial(head, scanned, lim)
	}
	if err != nil {
		return 0, next, err
	}
	if n > lim.Head {
		return 0, next, r.tooLarge(head[:n], lim)
	}
	line, rest := cutLine(head[:n])
	if err = r.parseLine(line, lim); err != nil {
		return 0, next, err
	}
	if r.Fields, err = parseFields(r.Fields, rest, lim.Fields); err != nil {
		return 0, next, err
	}
	if err = r.finish(); err != nil {
		return 0, next, err
	}
	return n + skip, next, nil
}

// partial refuses early what more bytes cannot mend: a head that is too large,
// and a first line that is no request line.
func (r *Request) partial(head []byte, scanned int, lim Limits) error {
	if len(head) > lim.Head {
		return r.tooLarge(head, lim)
	}
	if scanned > 2 {
		return nil
	}
	if bytes.IndexByte(head, '\n') < 0 {
		if lim.Line > 0 && len(head) > lim.Line+len("\r") {
			return errTargetSize
		}
		return nil
	}
	line, _ := cutLine(head)
	return r.parseLine(line, lim)
}

// tooLarge tells a long target from many fields.
func (r *Request) tooLarge(head []byte, lim Limits) error {
	if i := bytes.IndexByte(head, '\n'); i < 0 || i > lim.Head {
		return errTargetSize
	}
	r.Line, _ = cutLine(head)
	return errHeadSize
}

// parseLine reads a request line: method SP target SP version, with one space
// each (RFC 9112 §3).
func (r *Request) parseLine(line []byte, lim Limits) error {
	r.Line = line
	if lim.Line > 0 && len(line) > lim.Line {
		return errTargetSize
	}
	i := bytes.IndexByte(line, ' ')
	j := bytes.LastIndexByte(line, ' ')
	if i < 0 || j == i {
		return errRequestLine
	}
	if !isToken(line[:i]) {
		return errMethod
	}
	r.Method = line[:i]
	var err error
	if r.Minor, err = parseVersion(line[j+1:]); err != nil {
		return err
	}
	r.Target, err = parseTarget(r.Method, line[i+1:j])
	return err
}

// finish applies the rules that need all fields.
func (r *Request) finish() error {
	if err := r.findHost(); err != nil {
		return err
	}
	if err := r.refuseVariables(); err != nil {
		return err
	}
	o, err := connectionOptions(r.Fields)
	if err != nil {
		return err
	}
	r.Close = o.Close || r.Minor == 0 && !o.KeepAlive
	if r.Body, err = requestBody(r.Fields, r.Minor); err != nil {
		return err
	}
	// A server must ignore Upgrade in HTTP/1.0. Behind a body the two sides could
	// differ about where the new protocol begins.
	r.Upgrades = o.Upgrade && r.Minor > 0 && r.Body.Kind == NoBody
	r.Trailers = o.Trailers && r.Minor > 0
	return r.findExpectation()
}

// findHost wants exactly one Host in HTTP/1.1 and at most one in HTTP/1.0. An
// absolute target decides over it (RFC 9112 §3.2.2).
func (r *Request) findHost() error {
	switch r.Fields.Count(message.Host) {
	case 0:
		if r.Minor > 0 {
			return errNoHost
		}
	case 1:
		r.Host, _ = r.Fields.Get(message.Host)
		if !validAuthority(r.Host) {
			return errHost
		}
	default:
		return errTwoHosts
	}
	if r.Target.Authority != nil {
		r.Host = r.Target.Authority
	}
	return nil
}

// vouched are the fields that the member must have from the proxy alone: what
// frames the body, and who the client is.
var vouched = message.SetOf(
	message.ContentLength, message.TransferEncoding,
	message.XForwardedFor, message.XForwardedHost, message.XForwardedProto,
)

// refuseVariables refuses a field that a program behind the member could not tell
// from one of vouched.
func (r *Request) refuseVariables() error {
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Known == message.Unknown && bytes.IndexByte(f.Name, '_') >= 0 && vouched.Has(message.VariableOf(f.Name)) {
			return errVariable
		}
	}
	return nil
}

// findExpectation knows 100-continue alone; RFC 9110 §10.1.1 gives 417 for
// others and says to ignore it in HTTP/1.0 and without a body.
func (r *Request) findExpectation() error {
	if r.Minor == 0 {
		return nil
	}
	for i := range r.Fields {
		if r.Fields[i].Known != message.Expect {
			continue
		}
		if !message.EqualFold(r.Fields[i].Value, "100-continue") {
			return errExpectation
		}
		r.Continues = r.Body.Kind != NoBody
	}
	return nil
}
