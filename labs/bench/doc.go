// Package bench compares reverse proxies as bare processes pinned to cores: what
// does a request cost the proxy, in CPU time?
//
//	make bench                                   # .build/bench
//	.build/bench --install                       # fetch what is missing into .build/bench-root
//	.build/bench --systems=proxyd,nginx --cases=case=1k/conns=64 --runs=10
//
// The system under test has one core to itself. The load (wrk) and the origin
// (nginx with static files) run on another one:
//
//	core 1: wrk ──► core 0: proxyd, nginx, haproxy, apache or httputil ──► core 1: origin
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
// Every process has a process group of its own that is killed when its trial
// ends, however it ends, and the whole has a time limit. Without wrk or nginx a
// small load generator and origin in Go take their place, and the output says
// so. Linux only.
package bench
