// Package origin is the origin server of the labs: it answers what its path
// asks for, the same bytes every time, and counts what it served.
//
//	/size/4096                   4096 bytes of text, up to 64 MiB; GET, HEAD, and
//	                             POST, whose body is read and dropped
//	/delay/20ms                  waits, then says so; GET, HEAD
//	/delay/20ms/size/100         waits, then answers as the rest of the path says
//	/status/503                  that status, 200 to 599; any method
//	/cache/max-age=60,public     1024 bytes with this Cache-Control, an ETag and a
//	                             Last-Modified; answers conditional and range requests
//	/cache/max-age=60/size/4096  the same with 4096 bytes
//	/echo                        method, target, fields and body of the request, as
//	                             JSON ([Echo]); any method
//	/pages/1 … /pages/4          the four test pages: one image; many images; one
//	                             file of about 1 MB; many files of about 1 MB together
//
// Every answer has X-Origin with the server's name, so that a client can tell
// who answered through a proxy. Anything else is 404, a bad number 400, another
// method 405. The bytes do not depend on the name: all origins serve the same.
//
// What is right is exported for checks: [SizeBytes] and [SizeXXH64] for /size,
// /cache and what follows a delay, [Pages] for the pages and all their parts.
//
// An origin can be told to fail for a while, whatever it is asked for: see [Fault].
//
// The control listener has a port of its own, so that asking it is never
// counted: see [Server.Control]. Requests are counted when their answer begins, so
// that a client which has seen an answer also finds it counted.
package origin
