// Package upstream holds the connections to one member: it dials, keeps idle
// connections for the next exchange, and notices those that the origin server
// has closed meanwhile.
//
//	p := upstream.New(upstream.Config{Addr: "10.0.0.11:8080", ConnectTimeout: time.Second})
//	c, err := p.Get()   // an idle connection, or else a new one
//	…                   // one exchange
//	p.Put(c)            // both messages are over: to be used again
//	p.Drop(c)           // anything else
//
// Idle connections are a stack: the one used last is used next, so that those
// which a quiet time leaves over grow old at the bottom, where they are closed
// after IdleTimeout. An idle connection holds no buffer.
//
// # Names
//
// A member's host may be a name with several addresses (address.go). They are kept
// for AddressTTL and then looked up again, beside the connections and not before
// one; when the resolver fails, the old answer stays. Each new connection tries
// another address first, and the others where that fails. When a name has moved,
// connections to where it was serve no further exchange.
//
// # Closed while idle
//
// An origin server may close an idle connection at any time (RFC 9112 §9.5), and
// may have done so when the next request comes. Get asks the kernel about each
// idle connection before it hands it out; one that was ended, or that has bytes
// nobody asked for, is closed instead. What remains is the moment between that
// and the arrival of the request. Conn.Reused tells the caller that a failure
// may be of this kind.
package upstream
