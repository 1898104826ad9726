package http1

import (
	"math"

	"proxylab/proxy/message"
)

// Kind says how the end of a body is known.
type Kind uint8

// The kinds of framing (RFC 9112 §6.3).
const (
	NoBody     Kind = iota
	Sized           // Content-Length
	InChunks        // Transfer-Encoding: chunked
	UntilClose      // by the end of the connection; responses only
)

// Body is the framing of a message's body.
type Body struct {
	Kind   Kind
	Length int64 // of a Sized body, above 0
}

// requestBody decides where a request ends (RFC 9112 §6.3).
func requestBody(f message.Fields, minor byte) (Body, error) {
	length, chunked, err := framing(f, minor)
	switch {
	case err != nil:
		return Body{}, err
	case chunked:
		return Body{Kind: InChunks}, nil
	case length > 0:
		return Body{Kind: Sized, Length: length}, nil
	}
	return Body{}, nil
}

// responseBody decides where a response ends. The fields are looked at even
// where there cannot be a body: who sends two lengths there is not trusted with
// a connection either. 1xx has no framing fields (RFC 9112 §6.1, RFC 9110 §8.6);
// behind one that announces a body, that body may come, and would be taken for
// the final response.
func responseBody(r *Response, toHEAD bool) (Body, error) {
	length, chunked, err := framing(r.Fields, r.Minor)
	switch {
	case err != nil:
		return Body{}, err
	case r.Interim() && (chunked || length > 0):
		return Body{}, errInterimBody
	case r.Status == 204 && (chunked || length > 0):
		r.Close = true // many servers err here; what they send behind it is not read
		return Body{}, nil
	case toHEAD || r.Interim() || r.Status == 204 || r.Status == 304:
		return Body{}, nil
	case chunked:
		return Body{Kind: InChunks}, nil
	case length < 0:
		return Body{Kind: UntilClose}, nil
	case length > 0:
		return Body{Kind: Sized, Length: length}, nil
	}
	return Body{}, nil
}

// framing reads Content-Length (-1 without) and Transfer-Encoding. At most one
// of them may be there, once: equal lengths twice are legal to merge, but that
// is repairing what the next parser may read otherwise.
func framing(f message.Fields, minor byte) (length int64, chunked bool, err error) {
	length = -1
	for i := range f {
		switch f[i].Known {
		case message.ContentLength:
			if length >= 0 {
				return 0, false, errTwoLengths
			}
			if length, err = parseLength(f[i].Value); err != nil {
				return 0, false, err
			}
		case message.TransferEncoding:
			if chunked {
				return 0, false, errTwoTE
			}
			if err = parseCoding(f[i].Value); err != nil {
				return 0, false, err
			}
			chunked = true
		}
	}
	switch {
	case chunked && length >= 0:
		return 0, false, errLengthAndTE // RFC 9112 §6.1: an attempt at smuggling
	case chunked && minor == 0:
		return 0, false, errTE10 // RFC 9112 §6.1: faulty framing
	}
	return length, chunked, nil
}

// parseLength reads 1*DIGIT: no sign, no space, no list (RFC 9110 §8.6). More
// digits than the largest number has would be zeros, which a reader with less
// room may cut.
func parseLength(b []byte) (int64, error) {
	if len(b) == 0 || len(b) > len("9223372036854775807") {
		return 0, errLength
	}
	var n int64
	for _, c := range b {
		if !isDigit(c) {
			return 0, errLength
		}
		d := int64(c - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, errLength
		}
		n = n*10 + d
	}
	return n, nil
}

// parseCoding accepts "chunked" alone. Another coding below it is one we do not
// understand (501, RFC 9112 §6.1); without chunked at the end the length of a
// request is not known (400, §6.3).
func parseCoding(b []byte) error {
	if message.EqualFold(b, "chunked") {
		return nil
	}
	var last []byte
	others := 0
	for e, rest := message.NextElement(b); e != nil; e, rest = message.NextElement(rest) {
		if message.EqualFold(e, "chunked") && others > 0 && message.EqualFold(last, "chunked") {
			return errTwoTE
		}
		last = e
		others++
	}
	if others > 1 && message.EqualFold(last, "chunked") {
		return errTE
	}
	return errNotChunked
}
