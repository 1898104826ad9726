// Package bench compares reverse proxies, and their caches, as bare processes
// pinned to cores: what does a request cost the proxy, in CPU time?
//
//	make bench                                   # .build/bench
//	make bench BENCH="--cases=hit"               # the caches only
//	.build/bench --install                       # fetch what is missing into .build/bench-root
//	.build/bench --systems=proxyd,nginx --cases=1k/conns=64 --runs=10
//
// The system under test has one core to itself. The load (wrk) and the origin
// (nginx with static files) run on another one:
//
//	core 1: wrk ──► core 0: proxyd, nginx, haproxy, varnish, apache or httputil ──► core 1: origin
//
// Where root runs it, all of this is in a network namespace that has a loopback
// device alone: no firewall rules, which a container engine has for each packet, and
// Reno as everybody's congestion control. With --host it is the host's network.
//
// Around the load the bench reads the CPU clock of every process of the system,
// workers and ended threads included, with the nanoseconds that the kernel
// keeps (clock_gettime of a process's clock). That time divided by the answered
// requests is the figure; it hardly depends on what else the machine does.
// Throughput and median latency stand beside it and do depend on it.
//
// A trial is one system in one case: the system is started anew, must answer
// with the right bytes for every size, is loaded for a moment to warm up, and
// then measured. Trials are interleaved: each run plays every case, and in each
// case every system, in an order that rotates from run to run. Figures are
// medians over the runs with their interval; ratios are taken within a run.
//
// Each system has its best documented settings, and all do alike work:
// keep-alive on both sides, no access log, the same added fields
// (X-Forwarded-*, Via). The configurations are in configs/, with the reason of
// each setting.
//
// # Hits
//
// In case=hit/… one object is asked for again and again. That each answer comes
// from the cache is proved: the origin counts its requests, and has none from
// before the load until after the last answer. This one, and the ones before the
// load, are compared by hash. The object lies in memory: for caches that keep
// files (nginx, mod_cache_disk) these are on a file system in memory (/dev/shm).
// In case=hit/size=10m it lies on disk, and in the pages that the kernel keeps of
// it.
//
// case=memory stores many objects of 1 KB, and reads what memory the system holds
// before and after: resident memory of its processes, and the blocks of files
// that lie in memory. What each object takes beside its body is the figure.
//
// case=start has proxyd fill a directory with a million files, and starts it anew,
// once after an orderly stop and once after kill -9. The figure is the time from
// the start of the process until it has answered a request from the cache. From
// then until two seconds after the start it is asked for objects at random: each
// must be a hit with the right bytes.
//
// These two, and case=idle, are played once, not in each run: they take long and
// hardly vary. All of a run by default takes about 12 minutes on two cores, of which
// the million files have two.
//
// What came of it stands in package proxylab/proxy/cache.
//
// # What cannot be measured
//
// A system that cannot play a case is left out of it, and the table says why. One
// that cannot be started, answers wrongly or fails under load has no figure in
// that case: the table has the reason, the claims against it are not judged, and
// the bench ends with an error.
//
// # What the machine adds
//
// With --host the congestion control is the machine's. Where that is BBR, each
// segment of a large write but the first waits for a timer: a hit of 10 MB cost
// nginx 1.6 times, and one of 100 KB 1.25 times what it costs in a namespace.
//
// On a busy machine figures of all systems grow, and not alike: small shares of a
// core mean small batches, cold caches, and fewer requests for what a runtime does
// by the clock.
//
// Tried for 100 KB answers, as ratios to a splice that moves one whole (package
// proxy, splice.go), without BBR: read and written through one buffer of 128 KiB
// 1.15, through 16 KiB 1.9, spliced in pieces of 64 KiB 1.4 to 1.8. Where the time
// of such a request goes (perf record -e cpu-clock): 26 % two splices, 16 % two
// sends, 14 % three reads, which includes 20 % for the receiver's half of TCP that
// loopback runs in the sender; 6 % entering the kernel, about 15 % Go code.
//
// # Processes
//
// Every process has a process group of its own that is killed when its trial
// ends, however it ends, and the whole has a time limit. Without wrk or nginx a
// small load generator and origin in Go take their place, and the output says
// so. Linux only.
package bench
