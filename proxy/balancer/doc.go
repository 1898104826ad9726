// Package balancer is mod_proxy_balancer: it elects, for each request, the
// member that shall answer it.
//
//	b, err := balancer.New(balancer.Config{
//		Name:   "origins",
//		Method: "byrequests",
//		Members: []balancer.MemberConfig{
//			{Name: "http://10.0.0.11:8080", LoadFactor: 1, Retry: 5 * time.Second},
//			{Name: "http://10.0.0.12:8080", LoadFactor: 2, Retry: 5 * time.Second},
//		},
//	})
//
//	var lease balancer.Lease
//	err := b.Elect(nil, &lease)    // ErrNoMember: answer 503
//	result := exchange(lease.Index())
//	lease.Done(result)             // once per Elect
//
// # Who is elected
//
// Whoever may be is found by a walk over the members in the order of the Site
// (roster.go), that of ap_proxy_balancer_get_best_worker: of the lowest lbset that
// has anybody, the usable members, and a hot spare for each that is not; the hot
// standbys where there is nobody else. The walk's result, the roster, stays until
// a member changes, so an election only compares. Members that this request has
// tried, and those that have their max already, are passed over.
//
// An lbmethod is what compares, a row in the map methods. byrequests, bytraffic
// and bybusyness have the arithmetic of Apache's modules, to the last unit:
// each candidate's lbstatus grows by its lbfactor, the highest is elected, and
// pays the sum of what all got. lbfactor counts hundredths of a loadfactor, as in
// Apache 2.4. byrequests of three members with loadfactor 3, 2 and 1:
//
//	request          1         2         3         4         5         6
//	after adding   3 2 1     0 4 2     3 0 3     0 2 4     3 4 -1    6 0 0
//	elected        A         B         A (tie)   C         B         A
//	after paying  -3 2 1     0 -2 2   -3 0 3     0 2 -2    3 -2 -1   0 0 0
//
// (in units of 100). A full cycle ends where it began.
//
// Beyond Apache there are leastconn, random2, ewma and hash; what they do stands
// beside them.
//
// A request of a session names its route. The member of that name is elected
// outright, draining or not; where it is not usable, the one that its redirect
// names; and else anybody, or nobody with NoFailover.
//
// # When a member fails
//
// An exchange that ends Unreachable puts the member into error state: it gets no
// request for its Retry, as mod_proxy's retry. After that it is usable like any
// other; the next request that elects it finds out. A failure told while the
// member is in error already does not lengthen the time: it belongs to an exchange
// that began before. lbstatus is kept meanwhile, as httpd does.
//
// Failed and Silent are counted, and the member stays usable, as in mod_proxy
// where failontimeout and failonstatus are not set; where they are, Silent and an
// answer of such a status are failures too. Otherwise one URL that is slow
// or broken on every member would let any client take all of them out of service.
// Canceled is for exchanges that ended by the client's doing and say nothing of
// the member.
//
// A watch (watch.go) probes members beside the elections: those that could not be
// reached, each second or so, so that one that is restarted is back long before
// its Retry; as long as these probes fail it stays in error. Checks probe every
// member, in its own way where it has one, and HealthFailed is what they find.
// Outliers, members that fail or dawdle far more than the others, are ejected for a
// while (outlier.go). A member that comes back can begin with a small share
// (SlowStart). Who has asked is told of each going and coming (Tell), and RetryAfter
// knows when the next one is to be expected.
//
// A failed attempt may be made again with another member (Request.Tried), as far
// as MayRetry allows: further attempts are bounded as a share of requests.
//
// Where Config.Hedge says so, a request whose answer takes longer than that
// percentile of the last seconds' may be sent to another member besides (Hedge):
// where answers are slow by chance, the second is quick. Hedges have a budget of
// their own, so that members which are all slow are not asked twice as often.
//
// Where all that could be elected have their max, Elect fails with ErrFull, and
// Wait queues: first come, first served, for a bounded time and in bounded number.
//
// # While it runs
//
// Status tells how all members stand, and ChangeMember and ChangeMethod change
// what people may change. A balancer of a new Site takes over from the earlier one
// of its name (TakeOver): the members that stay are the same ones, with counters,
// state and changes.
//
// # What clients notice
//
// One of three members fails, and clients send 500 GETs a second in an open loop, which
// are answered after 20 ms. With the defaults of a Site, what is declared is:
//
//   - No GET fails when a member is killed, restarted, or answers 300 ms late, before a
//     response head was relayed: it is sent again, or to another member.
//   - A member that was killed or restarted is in service 2 s after it listens, by the
//     probe of each second, of which one may have been lost to its connectiontimeout.
//   - The shares are those of elections in turn from then on, to the last request.
//
// And with timeout 1s, retry 2s, failontimeout, failonstatus 503 and outliererrors 50%
// each 500 ms:
//
//   - No GET fails when a member resets connections: outliererrors ejects it before
//     the retrybudget is used up.
//   - In a pause and in a blackhole what fails is what the member was given until its
//     first silence was over, the timeout: rate × timeout / 3, 167 GETs here. They were
//     sent, nobody knows what became of them, and the client has waited already. In a
//     blackhole it is only those that found an idle connection; where a new one is
//     tried, another member is asked after connectiontimeout.
//   - Of 503s, which are the member's own and relayed, those that were asked for before
//     the first one was seen.
//   - The member is in service again after retry.
//
// TestFaultsOnTheEngine of package labs holds proxyd to it, with all of them as
// containers: three origin servers on a network of their own, the generator, and the
// system under test with one core's worth of time. With FAULTS=3 it plays each fault
// three times against proxyd and against Apache 2.4.71 (event) with the same Site, in
// turn. What follows is the median [least, most]. A request is harmed that fails or
// waits for 250 ms. From the begin of the fault are counted: detected, until the last
// harmed request was due before the member was left alone, and outage, until the last
// one at all. From when the container was ready again: back, until the member answers,
// and even, until the first second in which each share is within 10 % of a third.
//
//	                              failed         slowest s        detected s          outage s            back s            even s
//	kill       proxyd                  0 0.05 [0.05, 0.06]                 -               0.0    1.0 [0.9, 1.0]    0.9 [0.8, 0.9]
//	kill       apache           5 [4, 5] 0.07 [0.05, 0.07]    0.0 [0.0, 0.1]    0.0 [0.0, 0.1]    2.9 [2.7, 2.9]    2.7 [2.6, 2.8]
//	restart    proxyd                  0 0.04 [0.04, 0.10]                 -               0.0    0.2 [0.1, 0.2]    0.1 [0.0, 0.1]
//	restart    apache                  0 0.05 [0.04, 0.06]                 -               0.0    4.1 [4.0, 4.2]    4.0 [3.9, 4.1]
//	slow       proxyd                  0 0.33 [0.32, 0.33]               1.5               1.5               0.0               0.0
//	slow       apache          0 [0, 35] 0.34 [0.33, 0.45]               1.5               1.5               0.0               0.0
//	pause      proxyd                167              1.14               1.0               1.0    0.5 [0.4, 0.5]    0.4 [0.3, 0.4]
//	pause      apache     128 [124, 168] 1.39 [1.09, 1.61]    1.4 [1.2, 1.4]    1.9 [1.4, 2.2]    1.4 [1.0, 1.5]    1.3 [0.9, 1.4]
//	blackhole  proxyd           9 [8, 9] 1.16 [1.15, 1.17]               1.1               1.1               0.5               0.4
//	blackhole  apache        78 [57, 78] 1.10 [1.08, 1.17]    1.6 [1.5, 1.6]    1.6 [1.5, 1.6]    1.2 [1.1, 1.3]    1.1 [1.0, 1.2]
//	resets     proxyd                  0 0.04 [0.03, 0.05]                 -               0.0    0.8 [0.8, 1.1]    0.7 [0.7, 1.0]
//	resets     apache           5 [3, 6] 0.05 [0.03, 0.07]               0.0               0.0               0.5               0.4
//	503s       proxyd                  1 0.04 [0.03, 0.05]               0.0               0.0               0.5               0.4
//	503s       apache                  1 0.05 [0.04, 0.06]               0.0               0.0               0.5               0.4
//
// That was Docker 20.10.24 on Linux 6.18, in a virtual machine with 2 cores of an AMD
// EPYC, with nothing else to do. In 11 of the 42 trials the generator sent more than
// 1 % of its requests 10 ms late or more, which stretches their times a little. What
// a probe each second does for proxyd, httpd without mod_proxy_hcheck leaves to retry:
// 2.9 s and 4 s where proxyd takes 1 s at most. In a pause httpd lost fewer in two of
// three trials, and had its last loss later; why it gives a silent member less was not
// looked into.
// TestFaultsUnderLoad of package proxy does the same to processes.
//
// # Concurrency
//
// All methods may be called at once from any number of goroutines. Elections by
// the exact lbmethods are serial under one mutex: the exact sequence is what they
// promise. The others take no lock while the roster is right. Elect does not
// allocate.
//
// All that an election of these writes is the line of who is elected (busy, elected),
// and with hash's bound one of eight stripes of the number that run. hash without a
// bound reads no member's figures. leastconn, random2 and ewma read those of two or
// more, for they compare what runs at this moment on all cores: a line that another
// core wrote last has to come from there, and then be had alone to be counted up.
//
// BenchmarkElectParallel of 32 members with -cpu 1,2 gave, as ns for an Elect and its
// Done, the median [least, most] of five runs of 40 ms with nothing else to do:
//
//	                  1 core             2 cores
//	hash             145 [124, 152]     83 [82, 84]
//	hash, bounded    151 [121, 183]    105 [103, 106]
//	ewma             106 [76, 110]      56 [49, 104]
//	leastconn         61 [58, 103]      94 [56, 119]
//	random2           96 [87, 97]      108 [96, 112]
//
// That was a virtual machine with 2 cores of an AMD EPYC. So hash and ewma gain by the
// second core; leastconn and random2 do not, and what sets them apart from ewma, which
// reads and writes as much, is not known.
package balancer
