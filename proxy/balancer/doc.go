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
//	m, err := b.Elect(nil)    // ErrNoMember: answer 503
//	outcome := exchange(m)    // with the connections of member m.Index()
//	m.Done(outcome)           // once per Elect
//
// # Who is elected
//
// Elect walks over the members in the order of the Site. A member is usable
// when it is not in error and not among those this request has tried already.
// Each usable member's lbstatus grows by its lbfactor; the lbmethod compares;
// the elected member's lbstatus shrinks by the sum of the usable members'
// lbfactors. That is the arithmetic of mod_lbmethod_byrequests.c, and the walk
// is that of ap_proxy_balancer_get_best_worker. lbfactor counts hundredths of
// a loadfactor, as in Apache 2.4. Three members with loadfactor 3, 2 and 1:
//
//	request          1         2         3         4         5         6
//	after adding   3 2 1     0 4 2     3 0 3     0 2 4     3 4 -1    6 0 0
//	elected        A         B         A (tie)   C         B         A
//	after paying  -3 2 1     0 -2 2   -3 0 3     0 2 -2    3 -2 -1   0 0 0
//
// (in units of 100). A full cycle ends where it began.
//
// An lbmethod is a comparison of two members in a file of its own
// (byrequests.go), entered in the map methods.
//
// # When a member fails
//
// Done(Unreachable) puts the member into error state: it gets no request for its
// Retry, as mod_proxy's retry. After that it is usable like any other; the
// next request that elects it finds out. A failure told while the member is
// in error already does not lengthen the time: it belongs to an exchange that
// began before. lbstatus is kept meanwhile, as httpd does.
//
// Done(Failed) is counted, and the member stays usable, as in mod_proxy where
// failontimeout and failonstatus are not set. Otherwise one URL that is slow or
// broken on every member would let any client take all of them out of service.
// Done(Canceled) is for exchanges that ended by the client's doing and say
// nothing of the member.
//
// # Concurrency
//
// All methods may be called at once from any number of goroutines. Elections
// of one balancer are serial under one mutex: the exact sequence is what the
// lbmethod promises. Elect does not allocate.
package balancer
