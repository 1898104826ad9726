package http1

import (
	"bytes"

	"proxylab/proxy/message"
)

// Response is the head of a response. Its slices point into the bytes it was
// parsed from.
type Response struct {
	Status   int
	Code     []byte // the three digits
	Reason   []byte // may be empty
	Minor    byte   // HTTP/1.Minor, 0 or 1
	Fields   message.Fields
	Body     Body
	Upgrades bool // Connection says that Upgrade is meant
	Close    bool // the origin server keeps the connection no longer
}

// Reset forgets the message and keeps the room of Fields.
func (r *Response) Reset() { *r = Response{Fields: r.Fields[:0]} }

// Interim says that another response follows this one (RFC 9110 §15.2).
func (r *Response) Interim() bool { return r.Status < 200 }

// ParseResponse reads the head of a response from the start of buf and returns
// its length; 0 when the head is not whole yet. toHEAD says that the request
// was a HEAD, whose answers have no body.
func ParseResponse(r *Response, buf []byte, toHEAD bool, lim Limits) (n int, err error) {
	n, _, err = parseResponse(r, buf, 0, toHEAD, lim)
	return n, err
}

// parseResponse is to ParseResponse what parseRequest is to ParseRequest.
func parseResponse(r *Response, buf []byte, scanned int, toHEAD bool, lim Limits) (n, next int, err error) {
	n, next, err = headEnd(buf, scanned)
	switch {
	case err != nil:
		return 0, next, err
	case n > lim.Head || n == 0 && len(buf) > lim.Head:
		return 0, next, errHeadSize
	case n == 0:
		return 0, next, r.partial(buf, scanned)
	}
	line, rest := cutLine(buf[:n])
	if err = r.parseLine(line); err != nil {
		return 0, next, err
	}
	if r.Fields, err = parseFields(r.Fields, rest, lim.Fields); err != nil {
		return 0, next, err
	}
	o, err := connectionOptions(r.Fields)
	if err != nil {
		return 0, next, err
	}
	r.Close, r.Upgrades = false, o.Upgrade
	if r.Body, err = responseBody(r, toHEAD); err != nil {
		return 0, next, err
	}
	// HTTP/1.0 servers close unless they say otherwise (RFC 9112 §9.3).
	r.Close = r.Close || o.Close || r.Minor == 0 && !o.KeepAlive || r.Body.Kind == UntilClose
	return n, next, nil
}

// partial refuses early a first line that is no status line.
func (r *Response) partial(buf []byte, scanned int) error {
	if scanned > 0 || bytes.IndexByte(buf, '\n') < 0 {
		return nil
	}
	line, _ := cutLine(buf)
	return r.parseLine(line)
}

// parseLine reads a status line: version SP code SP reason (RFC 9112 §4). The
// space before an empty reason may be missing, as many servers have it.
func (r *Response) parseLine(line []byte) error {
	const code, reason = len("HTTP/1.1 "), len("HTTP/1.1 200")
	if len(line) < reason || line[code-1] != ' ' {
		return errStatusLine
	}
	var err error
	if r.Minor, err = parseVersion(line[:code-1]); err != nil {
		return err
	}
	r.Code = line[code:reason]
	r.Status = 0
	for _, c := range r.Code {
		if !isDigit(c) {
			return errStatusLine
		}
		r.Status = r.Status*10 + int(c-'0')
	}
	r.Reason = nil
	if len(line) > reason {
		if line[reason] != ' ' {
			return errStatusLine
		}
		r.Reason = line[reason+1:]
	}
	if r.Status < 100 || hasControl(r.Reason) {
		return errStatusLine
	}
	return nil
}
