// Package wiretest plays a dialogue of clients and origin servers, byte by byte,
// with whatever proxy stands between them.
//
//	d, err := wiretest.Parse("get.txt", data)
//	err = d.Play(ctx, proxyAddr, originListener)
//
// It knows nothing of the proxy but its address, and of HTTP nothing but the
// end of lines: a dialogue may be as wrong as an attacker's.
//
// # A dialogue
//
//	# The proxy forwards a request and its answer.
//	client:
//	> GET /a HTTP/1.1
//	> Host: example.test
//	>
//	origin:
//	> GET /a HTTP/1.1
//	> + Host: *
//	> + Via: 1.1 *
//	> - Connection: keep-alive
//	> ...
//	>
//	< HTTP/1.1 200 OK
//	< Content-Length: 5
//	<
//	< hello\
//	client:
//	< HTTP/1.1 200 OK
//	< + Content-Length: 5
//	< ...
//	<
//	< hello\
//	expect-open
//
// The arrow is the way the bytes go: ">" from client to origin, "<" back. So in
// a client's part ">" is sent and "<" is expected; in an origin's part ">" is
// expected and "<" is sent. Steps are played one after the other, whoever's
// they are. Empty lines and lines that begin with # mean nothing.
//
// "client:" names a connection to the proxy, opened where it is first named;
// "origin:" names one that the proxy opened: the next that was not named before.
// "client two:" and "origin b:" are further ones. To name a connection again
// goes on with it. What the proxy opens beyond the dialogue's origins is a
// failure, found at the end; so are bytes left over that were read already.
//
// # Lines
//
// One space after the arrow belongs to the dialogue; then come the bytes, and
// \r\n at the end. In them a backslash begins an escape:
//
//	\           at the end of the line: no \r\n here
//	\r \n \t \0 \\ \*
//	\x7f        any byte
//	\(ab*1000)  "ab", a thousand times
//
// A line that ends in white space is refused, since nobody sees it; write \x20.
//
// # Expectations
//
// An expected line is compared byte by byte with what arrives, but "*" stands
// for any bytes within the line.
//
// Field lines whose order and number are the proxy's business are expected as a
// set: lines that begin with "+ ", "- " or are "..." stand, together, for all
// lines up to the next empty one. "+" wants one such line, each a line of its
// own; "-" wants none; "..." lets there be others, which otherwise fail. Each "+"
// takes the first line that fits, so the narrower stands first. Names of fields
// compare without regard to case.
//
// # Other steps
//
//	close         close the connection
//	half-close    send no more, go on receiving
//	reset         close the connection with RST
//	expect-close  the peer closes (or resets) and sends nothing before
//	expect-open   for 50 ms the peer neither closes nor sends; "expect-open 1s"
//	drain         whatever the peer sends, and then closes: the text of an error,
//	              which each proxy writes in its own words
//	split         from here on, each byte this connection sends is a write of its
//	              own (of each line the first 4 KiB)
//
// [Dialogue.Split] makes a copy in which all clients split. A proxy's answer must
// not depend on it.
//
// A send does not wait for the peer to read up to 32 KiB; beyond that it goes on
// beside the steps that follow. Errors of writing are no failure by themselves,
// because a proxy may refuse before it has read all; what was expected then and
// does not come is. All connections are closed at the end.
package wiretest
