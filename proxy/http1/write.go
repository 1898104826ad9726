package http1

import "strconv"

// AppendStatusLine writes the first line of a response. It always says
// HTTP/1.1: the version is the sender's own (RFC 9110 §6.2).
func AppendStatusLine(dst, code, reason []byte) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = append(dst, code...)
	dst = append(dst, ' ')
	dst = append(dst, reason...)
	return append(dst, "\r\n"...)
}

// AppendLength writes a Content-Length field line.
func AppendLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, "\r\n"...)
}
