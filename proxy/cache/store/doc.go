// Package store keeps the responses of a shared cache: in memory, and in files
// below a directory. What may be stored and what answers a request is said by
// package cache; here is where it lies.
//
//	s, err := store.Open(store.Options{Memory: 256 << 20, Dir: "cache", Disk: 10 << 30})
//	defer s.Close()
//
// # An exchange
//
//	var v store.Variants                    // of the connection, used again
//	if s.Get(key, &v) == store.OnDisk {     // memory only: a hit allocates nothing
//		s.Load(key, &v)                 // reads files: not on a loop that others wait for
//	}
//	d := cache.Lookup(q, v.Entries, policy, now)
//
// for a hit:
//
//	b, err := s.Body(&v, d.Entry)           // ErrGone: s.Remove(key), and Lookup without entries; ErrBusy: likewise, but stay
//	defer b.Close()                         // b.Bytes; or b.File from b.At on, for sendfile; b.Part(span) for a range
//
// and when a response has come:
//
//	t := d.Take(q, response, v.Entries, policy, requested, received)
//	fill := s.Take(key, &v, &t)             // updates; nil: nothing to store
//	fill.Write(p)                           // as it comes; never waits for readers; ErrTooLarge: fill.Pass(p)
//	fill.Commit(fill.Entry)                 // or what Sized or Cut makes of it; Abort
//
// # One fetch for many (flight.go, fill.go, follow.go, pass.go)
//
// [Flights] has one of those who miss a key at once fetch it. The others follow
// its [Fill] as it comes, each at its own pace. The fetch writes to the Fill only,
// and its own client is a reader like the others: a slow one slows nobody.
//
//	seat := flights.Join(key, now, wake)    // after a miss; wake is called when there is more to do
//	defer seat.Leave()
//	switch seat.Role() {
//	case store.Lead:                        // fetch; then seat.Stream(fill), or seat.Release
//	case store.Wait:                        // until wake
//	case store.Follow:                      // piece, err := seat.Reader().Next(); ErrWait: until wake
//	case store.Again:                       // Get, and Lookup
//	case store.Alone:                       // fetch, for this client only
//	}
//
// Who follows asks cache.Lookup whether seat.Fill().Entry is for its request, since
// the response may vary; if not, it leaves and fetches by itself. A reader that hears
// of an end before its first byte goes on in the same way.
//
// A content for which there is no room after all is not stored, but Fill.Pass brings
// it to those who follow, through a window of 128 KiB (pass.go). Then it does wait for
// the slowest of them: the other choice would be to cut that one off.
//
// # A response is a run of bytes (object.go, variants.go)
//
// The record of an entry (cache.Entry.AppendRecord) and its body are two byte
// slices, in memory as on disk, which never change. A hit makes entries of the
// record in the caller's [Variants]: they point into it, nothing is copied or
// allocated, and the garbage collector has two pointers to follow for each object.
//
// In memory otter decides who stays, by W-TinyLFU: a newcomer takes the place of
// another only when it is asked for more often. So who asks for many URLs once each
// evicts little. On traces by Zipf's law it hits more often than an LRU of the same
// bytes (trace_test.go). All variants of a key come and go together; their number is
// bounded, and the oldest leaves.
//
// # Files (disk.go, file.go, load.go, writer.go, temp.go, handle.go, scan.go)
//
// Each object has a file, whose path follows from the SHA-256 of the key. So what a
// former process has written is found at once: nothing has to be read before the
// first request. Meanwhile the directory is scanned for what its files take up
// together; then it is known without a system call what is not there.
//
// Small objects are in memory and are written behind the answer, by one goroutine.
// Larger bodies go to a file as they come, in aligned runs of 64 KiB, and are only
// there. The run that is not whole yet is in memory: besides what Options.Memory bounds,
// 64 KiB for each fetch, and at most Options.Files of them. A file is written under another name and then
// renamed. It is not synced (see writeNow).
//
// The head of a file has a checksum that is compared whenever it is read. So is the
// body's where it goes to memory. The body of a large file is compared before its
// first use by this process; then it is trusted, so that sendfile can send what
// nobody has looked at. What is not as it was written counts as a miss and is
// removed. Files of large bodies stay open for a while after their use, and those
// who read one share its descriptor: it has no position of its own to rely on.
//
// A disk that is full, or read-only, costs hits and nothing else. It is said once,
// and tried again every few seconds.
//
// # Purging (purge.go, sweep.go)
//
//	n, err := s.PurgeKey(key, soft)         // all variants of one URL
//	err := s.Purge(store.Match{Tag: "news"}, soft)
//
// One key is purged where it lies. Any other purge is a rule about all that was
// requested before it, so it is in force at once, also for what is on its way. The
// sweeper then removes what it concerns. Such a purge is written down, with fsync,
// until all files have been swept.
//
// # Looking (look.go)
//
//	list := s.Look(key)                     // all variants, where they lie
//	w := s.Walk(store.Match{Prefix: "http://example.com/"})
//	found, more := w.Next(50)               // of so many keys
//	w.Close()
//
// This is for people: it counts as no use and takes nothing from those who answer
// requests. A step of a [Walk] is bounded, however much is stored. Files are found
// in their folders, not in the index that a lookup may wait for.
//
// # Clocks
//
// What was requested before or after an invalidation is told by Options.Now and
// the times of entries, so these have to be of one clock.
package store
