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
// 500 requests a second in an open loop, answered after 20 ms by three members, of
// which one fails for 1.5 s and then no more. The Site has retry 2s, failontimeout and
// failonstatus 503, outliererrors 50% (which httpd has not), and timeout 1s where
// silence is the fault, else 15s. The same Site obeyed by proxyd and by Apache 2.4
// (event). All processes and the clients shared a virtual machine with 2 cores of an
// AMD EPYC that did other work besides. Failed of about 2750 requests, the slowest
// one, and how long after the end of the fault the member answers again:
//
//	                 proxyd                     Apache
//	kill -9, started   0   243 ms  after 0.5 s    4   134 ms  after 0.5 s
//	restart (TERM)     0   184 ms  after 0.0 s    0   130 ms  after 0.5 s
//	pause (STOP)      72  1165 ms  after 1.5 s  171  1112 ms  after 2.0 s
//	blackhole         14  1289 ms  after 1.4 s   87  1286 ms  after 2.4 s
//	resets             0   229 ms  after 1.0 s   71   673 ms  after 0.2 s
//	503s               4   246 ms  after 0.5 s   15   185 ms  after 0.5 s
//	300 ms later       0   359 ms  after 0.0 s    1   328 ms  after 0.0 s
//
// It is one run, and those before it differed: in a blackhole proxyd failed up to 123
// requests and Apache 43, in resets Apache as few as 4, after kill none to 7. What
// held in each is that no request failed by kill, restart or 300 ms with proxyd.
//
// A request that a paused member has taken and does not answer is a 504 after
// timeout, and is not sent again: nobody knows what became of it. Such requests, at a
// third of the rate until the first timeout, are what fails in a pause. A blackhole
// is a member that is stopped with a full queue: new connections to it are not
// answered, while those that were idle still take a request. The
// 503s are a member's own, relayed until the first of them is over. With httpd's
// default, retry=60, a member is out for a minute. TestFaultsUnderLoad of package
// proxy makes these figures, and with FAULTS=apache those of httpd.
//
// # What an election costs
//
// Elect alone, in ns, while 3, 10 or 100 exchanges run, with loadfactors from 1 to 5.
// It is the least of 40 short runs on the same kind of virtual machine, one core, which
// did much other work meanwhile: what counts is how the figures compare
// (BenchmarkElect). A Done takes 20, with ewma 73.
//
//	members                3    10  1000
//	byrequests            36    42   684
//	bybusyness            37    40  1657
//	bytraffic             37    37    38
//	leastconn             39    44    48
//	random2               48    52    49
//	ewma                  63    61    67
//	hash                  64    76   859
//	hash with a bound     75    95   877
//
// byrequests, bybusyness and hash look at each candidate. While a member is in error, or
// in a slow start, an election asks for the time besides, which took 34 here.
//
// # Concurrency
//
// All methods may be called at once from any number of goroutines. Elections by
// the exact lbmethods are serial under one mutex: the exact sequence is what they
// promise. The others take no lock while the roster is right. Elect does not
// allocate.
package balancer
