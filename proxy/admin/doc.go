// Package admin is the balancer-manager: a page, a JSON API and metrics, on a
// listener of its own. It shows how members stand, and changes them while the
// proxy runs, in the words of mod_proxy_balancer. It shows what is cached, and
// purges it.
//
//	manager := admin.New(admin.Options{Balancers: server.Balancers, Cache: server.Cache(), Tally: server.Tally(), Logger: slog.Default()})
//	err := manager.Configure(admin.Config{Listen: "127.0.0.1:9090"}, nil)
//	defer manager.Close()
//
// Nothing of it runs on the data path: who asks has the balancers asked
// (balancer.Status) and the cache (package store), and a request that is proxied
// costs nothing more.
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
//	GET   /api/cache                              hit ratio, fates, bytes, evictions
//	GET   /api/cache/entries                      what is stored, a step at a time
//	GET   /api/cache/entry?url=                   one URL, all its variants
//	POST  /api/cache/purge                        {"url": …}, {"prefix": …} or {"tag": …}, and "soft": true
//	GET   /api/cache/purges                       the purges by prefix and tag that are in force
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
// # The cache
//
// "on" is false where the Site has no cache; all but /api/cache answer 404 then.
// fates count how each request was served (package cache: Fate). hit_ratio is, of
// the requests that something stored could have answered, the share that the origin
// was not asked for: hit, stale and collapsed, of these and validated, partial and
// miss. It is told since the start, and for the last ten seconds, minute and five
// minutes.
//
//	# how does it do?
//	curl -s http://127.0.0.1:9090/api/cache
//	# what is stored below /images/? "next" is the cursor of the next step, until it is ""
//	curl -sG http://127.0.0.1:9090/api/cache/entries -d limit=100 --data-urlencode prefix=http://www.example.com/images/
//	curl -sG http://127.0.0.1:9090/api/cache/entries -d cursor=CURSOR
//	# what has the tag "news"?
//	curl -sG http://127.0.0.1:9090/api/cache/entries -d tag=news
//	# all variants of one URL: where they lie, how long they are fresh, and why
//	curl -sG http://127.0.0.1:9090/api/cache/entry --data-urlencode 'url=http://www.example.com/a?b=c'
//	# purge one URL; all that begins so; all with a tag; everything
//	curl --json '{"url": "http://www.example.com/a?b=c"}' http://127.0.0.1:9090/api/cache/purge
//	curl --json '{"prefix": "http://www.example.com/images/"}' http://127.0.0.1:9090/api/cache/purge
//	curl --json '{"tag": "news"}' http://127.0.0.1:9090/api/cache/purge
//	curl --json '{"prefix": "http://"}' http://127.0.0.1:9090/api/cache/purge
//	# soft: it stays, and is validated before it is used again
//	curl --json '{"tag": "news", "soft": true}' http://127.0.0.1:9090/api/cache/purge
//	# is a purge still at work?
//	curl -s http://127.0.0.1:9090/api/cache/purges
//
// A URL is that of the key: http, the Host that clients ask for, path and query, byte
// for byte. A purge of it takes all variants, and says how many these were; none is
// no error. A prefix is one of the URL's text. A tag is a word of Surrogate-Key, or an
// element of Cache-Tag. prefix and tag together mean what has both.
//
// A purge is in force when it is answered, however much is stored; so it is for
// responses that are on their way, and after a crash. By prefix or tag it is a rule
// that is kept for ten minutes and until all files were gone through; 1,024 of these
// may be in force, then the answer is 503 with Retry-After.
//
// A step of a list does bounded work and holds nothing up: where little matches it
// may come with no entries, and a next. What is stored all the time comes exactly
// once. Of the lists that are begun the last eight can be gone on with; an older
// cursor gets 410.
//
// # Metrics
//
// proxyd_balancer_… are of the balancers, proxyd_cache_… of the cache. The hit ratio
// of five minutes, for Prometheus:
//
//	sum(rate(proxyd_cache_requests_total{fate=~"hit|stale|collapsed"}[5m]))
//	  / sum(rate(proxyd_cache_requests_total{fate=~"hit|stale|collapsed|validated|partial|miss"}[5m]))
//
// # Errors
//
// An error is an object, too:
//
//	{"error": {"place": "balancers/origins/members/http://10.0.0.11:8080: loadfactor",
//	           "text": "loadfactor 500 is not between 1 and 100", "hint": "fractions are allowed: 1.5"}}
//
// with 400 for what is not understood or breaks a rule, 401 without the secret, 403
// for a change that no page of ours sent, 404 for what is not there, 405, 410, 413,
// 415 and 503 as in RFC 9110, 429 for guesses, and 421 for a Host that is none of
// the manager's names.
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
// Each change is logged: by whom, of what, from what to what; so is each purge.
// What is changed of a balancer stays over a reload unless the Site says something
// new in that very thing (package balancer), and over a restart, on the same terms,
// where the Site names a state file. The file is replaced in one step. One that
// cannot be read is told, once, and the proxy starts without it; members that are
// gone are passed over.
package admin
