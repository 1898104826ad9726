package http1

import "errors"

// Error is a message that is refused. It knows the status to answer with.
type Error struct {
	Status int
	Reason string
}

func (e *Error) Error() string { return e.Reason }

// StatusOf returns the status that err carries, or otherwise where it carries
// none.
func StatusOf(err error, otherwise int) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return otherwise
}

// What a head is refused for.
var (
	errBareLF        = &Error{400, "line ends in a bare LF"}
	errBareCR        = &Error{400, "bare CR in a line"}
	errRequestLine   = &Error{400, "malformed request line"}
	errMethod        = &Error{400, "method is not a token"}
	errTarget        = &Error{400, "malformed request target"}
	errVersion       = &Error{400, "malformed HTTP version"}
	errOtherVersion  = &Error{505, "HTTP version is not 1.0 or 1.1"}
	errStatusLine    = &Error{400, "malformed status line"}
	errFold          = &Error{400, "folded field line"}
	errNoColon       = &Error{400, "field line without a colon"}
	errName          = &Error{400, "field name is not a token"}
	errVariable      = &Error{400, "underscores in the name of a field that frames or forwards"}
	errValue         = &Error{400, "control byte in a field value"}
	errHeadSize      = &Error{431, "head is too large"}
	errFieldCount    = &Error{431, "too many field lines"}
	errNominations   = &Error{431, "too many options in Connection"}
	errConnection    = &Error{400, "quote in Connection"}
	errTargetSize    = &Error{414, "request line is too long"}
	errNoHost        = &Error{400, "no Host field"}
	errTwoHosts      = &Error{400, "more than one Host field"}
	errHost          = &Error{400, "malformed Host"}
	errTwoLengths    = &Error{400, "more than one Content-Length"}
	errLength        = &Error{400, "malformed Content-Length"}
	errLengthAndTE   = &Error{400, "Content-Length together with Transfer-Encoding"}
	errTwoTE         = &Error{400, "more than one Transfer-Encoding"}
	errNotChunked    = &Error{400, "Transfer-Encoding does not end in chunked"}
	errTE            = &Error{501, "transfer coding other than chunked"}
	errInterimBody   = &Error{400, "body announced in an interim response"}
	errTE10          = &Error{400, "Transfer-Encoding in HTTP/1.0"}
	errExpectation   = &Error{417, "expectation other than 100-continue"}
	errChunkSize     = &Error{400, "malformed chunk size"}
	errChunkExt      = &Error{400, "malformed or over-long chunk extension"}
	errChunkEnd      = &Error{400, "chunk data is not followed by CRLF"}
	errTrailerFields = &Error{400, "trailer section is too large"}
)
