// Package admin is the balancer-manager: a page, a JSON API and metrics, on a
// listener of its own. It shows how members stand, and changes them while the
// proxy runs, in the words of mod_proxy_balancer.
//
//	manager := admin.New(admin.Options{Balancers: server.Balancers, Logger: slog.Default()})
//	err := manager.Configure(admin.Config{Listen: "127.0.0.1:9090"}, nil)
//	defer manager.Close()
//
// Nothing of it runs on the data path: who asks has the balancers asked
// (balancer.Status), and a request that is proxied costs nothing more.
//
// # Resources
//
//	GET   /                                       the page
//	GET   /metrics                                for Prometheus
//	GET   /api/balancers                          all balancers with their members
//	GET   /api/balancers/{name}                   one
//	PATCH /api/balancers/{name}                   {"lbmethod": "bybusyness"}
//	GET   /api/balancers/{name}/members/{member}  one member, by its route or its escaped URL
//	PATCH /api/balancers/{name}/members/{member}  status, loadfactor, lbset, route, redirect, max
//
// A change says what shall be otherwise; the rest stays. It is obeyed whole or not
// at all, from the next election on; exchanges that run come to their end. The
// answer is how the balancer or the member stands now. status is mod_proxy's:
// letters that are set, or cleared behind a minus.
//
//	# how does all stand?
//	curl -s http://127.0.0.1:9090/api/balancers
//	# drain the member with route "one": it keeps its sessions, and gets no others
//	curl -X PATCH --json '{"status": "+N"}' http://127.0.0.1:9090/api/balancers/origins/members/one
//	# the same of a member without route
//	curl -X PATCH --json '{"status": "+N"}' http://127.0.0.1:9090/api/balancers/origins/members/http:%2F%2F10.0.0.11:8080
//	# disable it, and enable it again
//	curl -X PATCH --json '{"status": "+D"}' http://127.0.0.1:9090/api/balancers/origins/members/one
//	curl -X PATCH --json '{"status": "-DN"}' http://127.0.0.1:9090/api/balancers/origins/members/one
//	# recover it: out of error state, failed health checks and ejection
//	curl -X PATCH --json '{"status": "-ECO"}' http://127.0.0.1:9090/api/balancers/origins/members/one
//	# twice the share, but only where lbset 0 has nobody
//	curl -X PATCH --json '{"loadfactor": 2, "lbset": 1}' http://127.0.0.1:9090/api/balancers/origins/members/one
//	# another lbmethod; with a token
//	curl -X PATCH -H 'Authorization: Bearer TOKEN' --json '{"lbmethod": "bybusyness"}' http://10.0.0.1:9090/api/balancers/origins
//
// An error is an object, too:
//
//	{"error": {"place": "balancers/origins/members/http://10.0.0.11:8080: loadfactor",
//	           "text": "loadfactor 500 is not between 1 and 100", "hint": "fractions are allowed: 1.5"}}
//
// with 400 for what is not understood or breaks a rule, 401 without the secret, 403
// for a change that no page of ours sent, 404 for what is not there, 405, 413, 415
// as in RFC 9110, 429 for guesses, and 421 for a Host that is none of the manager's names.
//
// # Who may use it
//
// On a loopback address everybody on this machine may, unless the Site asks for a
// token, or for user and password; on any other address it has to. A program sends
// the token as a Bearer; a browser asks for user and password, where the token is
// the password of any user. Wrong secrets are logged, and after five in a row the
// address has none looked at for a second, then two, up to thirty (429): others
// notice nothing of it, and neither does who was let in before, on its connection.
// There is no TLS: for the way through a foreign network,
// listen on loopback and go through a tunnel.
//
// A change has to come from the manager's own page or from a program. Whose browser
// visits another page is not its hand: Origin and Sec-Fetch-Site are looked at, a
// change from a browser has the X-CSRF-Token of an earlier answer, which other
// origins cannot read, and is JSON, which forms cannot send. Without a secret, the
// Host has to be an address, localhost or the name in listen, so that no foreign
// name can be led here.
//
// # What is kept
//
// Each change is logged: by whom, of what, from what to what. It stays over a reload
// unless the Site says something new in that very thing (package balancer), and
// over a restart, on the same terms, where the Site names a state file. The file is
// replaced in one step. One that cannot be read is told, once, and the proxy starts
// without it; members that are gone are passed over.
package admin
