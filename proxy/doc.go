// Package proxy is the data path: a client's connection in, a response out. It
// is a reverse proxy and load balancer for HTTP/1.1 on sockets.
//
//	declared, err := site.Load("site.yaml")
//	server, err := proxy.New(declared, proxy.Options{Access: os.Stdout, Logger: slog.Default()})
//	err = server.Serve(ctx) // until ctx ends
//
// # Sockets
//
// A server asks the kernel for a socket that listens on a port. The kernel makes
// the connections of clients by itself and queues them; accept takes the next
// one. A connection is two streams of bytes, one each way, and knows nothing of
// messages: read returns what has arrived, which may be half a request line, or
// two requests and a half. To find where a message ends is the reader's work
// (package http1), and what came behind the end belongs to the next message.
//
// Each side has buffers in the kernel. When the reader is slow they fill up, and
// then write waits: backpressure. The proxy has no queue of its own between its
// two sockets, so a slow client slows the origin server down, and memory stays
// bounded however large a body is.
//
// A side that has nothing more to send ends its stream (FIN), and the other
// reads 0 bytes: io.EOF here. The opposite stream may go on: half-close. A
// connection that is given up is reset (RST) instead, and both streams are dead.
// Where the end of a stream means the end of a body, that difference is all that
// tells a whole body from a cut one.
//
// read on a socket without data would put a thread to sleep. Sockets here are
// non-blocking: such a read fails instead, and the kernel is asked which sockets
// have become readable, thousands of them in one call (epoll).
//
// # Loops and goroutines
//
// Package net would give each connection a goroutine and wake it when there is
// something to read. That is cheap, but it is most of what an exchange costs
// beside the kernel's part. So package socket waits by itself: a loop for each
// core asks for the sockets that are ready, and runs the exchange of each up to
// where it would have to wait. What the exchanges have to write goes out together
// at the end of the round.
//
//	door.go      clients come in; each goes to the loop that has the fewest
//	conn.go      what a loop, or a goroutine, does with a client's connection
//	exchange.go  one request and its response, in phases
//
// A phase that would have to wait for a socket says so (phaseAgain) and is entered
// again when the socket is ready. One that has to wait in the middle of its work
// has the exchange go on in a goroutine (phaseApart), where the same calls wait:
// to connect to a member, to wait for a member that is free, for a small body, for
// two members at once, or while an interim response passes. Two cases take two goroutines: a request body
// that does not fit behind its head in the buffer (upload.go), since the answer may
// come before the body is over; and a tunnel, since either side may speak. When
// such an exchange is over, the loop has its connection back. All others start no
// goroutine and allocate nothing.
//
// What runs in a loop keeps all of its clients waiting. So nothing there waits for
// a lock that is held for long, resolves a name, or writes to a file, and a large
// body gives way to others now and then (stream.go).
//
// What strace -f -p shows of one exchange on connections that are open already, of
// the client (5) and of the member (11), but for the log:
//
//	epoll_pwait(8, …) = 1                                  5 has become readable
//	recvfrom(5, "GET /size/10 HTTP/1.1\r\n…", 16384) = 34   room for 16384, 34 were there
//	sendto(11, "GET /size/10 HTTP/1.1\r\n…", 125) = 125     the head, written anew
//	epoll_pwait(8, …) = 1                                  11 has
//	recvfrom(11, "HTTP/1.1 200 OK\r\n…", 16384) = 166
//	sendto(5, "HTTP/1.1 200 OK\r\n…", 183) = 183
//
// With many clients one epoll_pwait tells of many of them.
//
// # An exchange
//
// exchange.go lists the phases in their order; each is one method, which returns
// the next phase.
//
//	read     request.go  wait for a whole, valid head
//	route    route.go    first rule that matches the path; write the head anew
//	         session.go  the member that its session names, or what it hashes to
//	lookup   lookup.go   with a cache: what it has for the request; hit.go, behind.go
//	follow   follow.go   another exchange fetches the same: its answer, while it comes
//	collect  collect.go  wait for a body that fits into the buffer
//	elect    elect.go    a member of the balancer
//	connect  elect.go    a connection to it
//	send     send.go     head, and the body that is there; else upload.go
//	sent     send.go     they go out
//	receive  receive.go  the response's head
//	         hedge.go    or another member's, that was asked besides
//	interim  receive.go  1xx pass
//	tunnel   tunnel.go   after 101, bytes both ways
//	take     take.go     what the head means to the cache; fetch.go
//	relay    relay.go    the head for the client
//	stream   relay.go    it goes out, and the body (stream.go, splice.go, sides.go)
//	serve    serve.go    or a body from the cache, stored or coming
//	refuse   refuse.go   or an answer of our own; failure.go has the table
//	answer   refuse.go   it goes out
//	finish   finish.go   the access log line (accesslog.go, logformat.go)
//
// A failure before the first byte of the response leads back to elect where the
// request may be sent again: always when nothing of it was sent, else when its
// body is still in the buffer and its method is among those that the balancer
// sends again, the idempotent ones by default (RFC 9110 §9.2.2). A POST or PATCH
// that may have been seen never is.
// After the first byte nothing can be taken back; the client's connection is
// reset, so that a cut answer never looks complete. Further attempts have a budget,
// so that members which fail are not drowned in them. Only a failed connect puts a
// member into error state, unless failonstatus or failontimeout say more (package
// balancer); what it did with one request is that request's 502 or 504. A member in
// error is probed until it is back (probe.go).
//
// What comes of an answer goes on at once, so that streams stream. A member's
// flushpackets may have what comes without a length wait in the buffer for more
// (stream.go).
//
// A member with a ping gets the head of a request that has a body first, with Expect:
// 100-continue, and the body once it has said that it is there. Until then the request
// is not whole, so any method may go to another member (send.go).
//
// Where the balancer hedges, a request without a body whose answer takes longer than
// most is sent to another member besides (hedge.go): the first head wins, and the
// other connection is closed. Hedges have a budget as well.
//
// While a member computes nothing is read from the client, so that nobody would
// see it leave. Where the answer takes longer than a second, the kernel is asked
// for the state of the client's connection (pace.go): a reset says that it has
// left, and so does its FIN, unless the Site says that who ends its side may still
// wait (limits.abortonclose). Then the member's connection is closed, and the log
// has 499.
//
// Where the proxy closes a connection that the client could still be using, it
// ends its own side first and reads on for a while: a close with bytes unread is
// a reset, and the kernel then drops what it has not sent yet.
//
// # The cache
//
// With a cache (site.Cache; package cache has the rules, store what is kept) the way
// of an exchange is
//
//	route ► lookup ─┬─ hit ─────────────────────────────► serve ► client
//	                ├─ follow another that fetches it ──► serve ► client
//	                └─ elect … receive ► take ─┬─ relay ► client
//	                                           └─ fetch ► fill ─► serve ► client, and those who follow
//
// A hit from memory runs in the loop: one key, one look-up, one write, and nothing
// is allocated. Large bodies in files go out by sendfile(2): in the loop as long as the
// file is open and the kernel says that it has it in memory (cachestat(2), Linux 6.5),
// else in a goroutine, as all that reads a file.
//
// Of those who miss one key at once one fetches, and the others follow what it gets
// while it comes (store.Flights). A response that has come as a whole with its head is
// stored at once, and relayed as without a cache. Of any other a goroutine takes the
// rest from the member (fetch.go), and the client that asked follows like the others:
// it may be slow, or leave, and slows nobody. With nobody left the fetch ends, unless
// less than 256 KiB are missing; what came is kept where the rest can be asked for.
// Where the store has no room for all of a response whose length was not told, or the
// disk gets full, nothing of it is stored. A client that is alone has the rest from the
// member directly. Where several follow, all of them get all of it, at the pace of the
// slowest, who has to keep limits.minreadrate; who asks later fetches for itself.
//
// Not everybody waits for others: not for a part, nor with Authorization or a
// condition of one's own, nor for a key whose response was not for others in the last
// 10 seconds.
//
// What a client may not know of a response it cannot choose for others either: fields
// that end at this hop are not in the rules' sight, X-Forwarded-Host and -Proto are
// ours unless a trusted proxy said them, and the member gets the query that is in the
// key.
//
// Each response says in Cache-Status (RFC 9211) what the cache did, but for those
// that the proxy makes itself; the access log has a word for it, %{cache-status}e.
// Without a cache none of this runs.
//
// # Reload
//
// What a Site became hangs on one pointer (parts), and an exchange keeps what it
// found there when it began. So reload.go builds the parts of the new Site beside
// the old ones and stores the pointer: there is no moment in between, and the
// listener and the connections of clients are not touched. What of a Site holds
// from when on:
//
//	listen, socket.reuseport      not at all: the reload is refused, a restart is needed
//	socket.backlog, .deferaccept  at once
//	log                           at once
//	limits.connections            at once; those beyond a lower bound end by themselves
//	admin                         at once; another address is opened before the one before is closed
//	limits.perclient              for the next connection
//	limits.headtimeout            for a new connection's first byte: when it is accepted
//	limits.keepalivetimeout       when a connection next becomes idle
//	cache.memory, .dir, .disk     not at all, nor whether there is a cache
//	the rest of cache             at once, for what is stored too (store.SetPolicy)
//	everything else               for the next exchange; for a tunnel, the next one
//
// # Who owns which bytes
//
// What was parsed from a connection points into its read buffer and lives until
// the connection reads again. A request head must live until the log line is
// written: nothing is read from the client meanwhile, or its buffer is detached
// first (upload.go). A connection that waits for a request holds no buffer, no
// exchange and no goroutine; the first two come from pools when the first byte is
// there.
//
// What the cache answers with points into what is stored, which never changes, and
// lives as long as somebody points to it; a file that is read stays open until then.
// A fetch has the member's connection to itself. What it took from there was copied.
//
// While an upload runs, its goroutine owns the client's read side and the
// member's write side, and the exchange the other two. Stopping one means to set
// a flag and then a deadline that has passed; who arms a deadline looks at the
// flag afterwards (upload.go, stream.go, conn.go).
//
// # Bounds
//
// Limits of the Site bound heads, field lines, bodies, connections (in all and of
// one client) and silence. A body in small pieces is never silent, so it has to
// keep a rate too (sides.go); a head has a time for the whole of it, which may
// grow by a rate; and who reads an answer has to keep a rate as well (pace.go).
// limits.connections is lowered, with a warning, where the file descriptors that the
// process may have (ulimit -n) do not suffice for it and for connections to members,
// which have half of them, or 4096. Where idle connections hold those, they are closed.
// Beyond it nobody is answered 503: further clients wait in the
// kernel's queue, whose length is socket.backlog. Of the requests that a client
// sends without waiting (pipelining) one buffer is read, they are answered one by
// one, with a turn of the loop for the others in between, and the rest waits in the
// kernel, until it holds the client back; limits.pipelined says how many may come
// so in a row before the connection is closed behind an answer. A client
// connection in an exchange holds two buffers of 16 KiB, one of each side, and
// its member's connection as many; a head may grow its buffer to limits.head. A
// body of 48 KiB or more is moved by splice(2), through a pipe of the kernel.
// A member that leads back to this proxy is no endless loop (RFC 9110 §7.6): each
// round adds a Via, until the head has more than limits.fields.
// The cache keeps to cache.memory, of which what is coming may have a quarter, and to
// cache.disk, with 256 files open at once. Validations behind answers have a number
// (cache.revalidations).
// Neither the access log nor what the operator is told (notes.go) may make a
// client wait: what nobody takes is dropped beyond a bound, and counted.
//
// # What it costs
//
// CPU time of a request, in µs, beside other proxies, as make bench measures it
// (package labs/bench): one core of an AMD EPYC (a virtual machine with two, Linux
// 6.18), wrk and an nginx as origin on the other one, Reno in a network namespace of
// its own; nginx 1.22.1, HAProxy 2.6.12, Apache 2.4.71 (event), Go 1.26. Medians of 5
// interleaved runs of 1 s; behind them proxyd's ratio to that system, within a run,
// the smallest and the largest:
//
//	                         proxyd  nginx                   HAProxy                 Apache
//	1 KB, 64 connections      29.4    33.9 0.86 (0.70-0.96)   38.3 0.79 (0.73-1.01)  132 0.25 (0.20-0.26)
//	100 KB, 64 connections    61.4    86.7 0.67 (0.64-0.76)   92.4 0.65 (0.62-0.70)  248 0.26 (0.23-0.36)
//	1 MB, 16 connections       182     518 0.39 (0.34-0.44)    295 0.60 (0.59-0.69)
//	a new connection each     56.4    73.6 0.85 (0.75-0.88)   82.0 0.74 (0.65-0.89)
//	1 KB, 1 connection         119     151 0.87 (0.48-0.91)    167 0.71 (0.53-0.74)
//
// The one connection has an answer after 272 µs (p50), 0.85 (0.36-1.01) of nginx. With
// 64 httputil.ReverseProxy takes 123 µs, which is a ratio of 0.23 (0.15-0.27). 1 KB
// answers with two cores cost 1.15 (0.93-1.28) times what they cost with one. 10,000
// idle connections, each after one request, take 21 MB (nginx 25, HAProxy 28).
//
// In eleven further runs 100 KB had 0.74 (0.67-0.80) of nginx and 0.75 (0.60-0.78) of
// HAProxy, more than the 0.7 that is aimed at.
//
// The machine was slower that day than on others, when 1 KB took 27 µs and a new
// connection 40: ratios of one run can be compared, µs of two cannot. They follow what
// the others are given, too: an origin that answers 1 KB from memory, in two calls,
// feeds the proxy's core to 0.91 here, where one that read a file left it to wait; and
// nginx passes large bodies through one buffer of 128 KiB, at 0.6 of what eight of
// 64 KiB cost it.
//
// Of 1 KB with 64 connections 62 % are two sends, half of that the receiver's half of
// TCP, which loopback runs in the sender; 9 % two reads, 3 % waiting, about 23 % Go
// code, none of which has more than 1.4 %. There are no other calls and no
// packets but four a request. Profile-guided optimization, heads at differing places
// in the cache, and fewer copies of an exchange made no difference beyond that of
// one run to the next.
package proxy
