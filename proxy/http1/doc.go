// Package http1 is RFC 9112: bytes to messages and back. It reads heads, decides
// where a body ends, decodes chunks, and holds the connection those bytes come
// from.
//
// # Parsing is a function over bytes
//
// [ParseRequest], [ParseResponse] and [Chunked.Next] look at the bytes there are
// and return how many they used. None used and no error means that more are
// needed; that is an ordinary answer and not an error:
//
//	n, err := http1.ParseRequest(&req, buf, limits)
//	switch {
//	case err != nil: // answer StatusOf(err, 400) and close
//	case n == 0:     // read more behind buf, ask again
//	default:         // req points into buf[:n]; the body begins at buf[n:]
//	}
//
// So every message can be tested whole, one byte at a time, and with bytes of
// the next message trailing, and the result is the same.
//
// # Strict
//
// A message that two parsers could read differently is refused, never repaired
// and passed on: bare LF and CR, folded lines, space before the colon, control
// bytes, two lengths, a length and chunks, a version that is not 1.0 or 1.1, a Host
// that is neither a name of the DNS nor an address, a field that a CGI program
// would take for one that frames. Being refused is an [Error], and an
// Error carries the status to answer with. The same rules hold for responses;
// there the answer to the client is 502, whatever the rule.
//
// # Connections and their buffers
//
// A [Conn] is a TCP connection with one buffer of bytes that were read and not
// used yet, and one of bytes to be written. Buffers come from a pool. A Conn
// that waits for the first byte of a message holds none: it asks the socket
// without waiting, gives its buffer back when there is nothing, and takes one
// again when the kernel says that bytes came. What Request, Response and Chunked
// return points into the read buffer and lives until the Conn reads again
// ([Conn.Fill]), or for a detached head ([Conn.Detach]) until that is freed.
package http1
