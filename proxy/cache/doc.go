// Package cache is RFC 9111: the rules of a shared HTTP cache. It says what may
// be stored, which stored response may answer a request, for how long, and what a
// response means to what is stored. It holds nothing, asks nobody and reads no
// clock: the rules are functions of messages, entries and a moment that is passed
// in.
//
// # What a cache is
//
// A cache stands between clients and an origin server. It keeps responses and
// uses them again, so that a request costs the origin nothing, or little. Caching
// must not change what a client gets, other than in how old it may be, and how old
// it may be is the origin's to say. A shared cache serves many users, so it also
// must not hand one user's response to another. All rules follow from these two.
//
// A request meets one of three fates. It is a hit: what is stored answers it. Or
// there is something, but it may be wrong by now; the cache asks the origin
// whether it is (validation), and gets a short "304, it is right still" or a new
// response. Or it is a miss, and the response to it may be stored.
//
// # What may be stored (§3: storable.go, safety.go)
//
// Everything speaks against storing until something permits it. [New] goes
// through the list: the method has to be GET (a POST may be stored for later GETs
// where it says so), the status final, and no-store, private and Authorization
// absent or overridden. Then one thing has to speak for it: max-age, s-maxage,
// Expires, public, a rule of the Site, or a status that is cacheable by
// heuristic. [Why] has a word for each refusal.
//
// private="X-User" and no-cache="X-User" forbid only the fields that they name;
// these are left out of what is stored. must-understand keeps a response from
// caches that do not know its status, and lifts no-store for those that do.
//
// Beyond the RFC, a response is not stored where what led to it is not in the key:
// after X-Original-URL and its kin, after a GET with a body, where it sets a
// cookie, and where it is an error about the request rather than the resource. An
// attacker would use each of them to have one client's answer sent to all.
//
// # Which stored response (§2, §4.1: key.go, vary.go, normal.go, lookup.go)
//
// The key is the URI, byte by byte ([Request.AppendKey]): what looks like the same
// path to the cache may not be the same to the origin. One key may have several
// variants. A Vary field in a response nominates request fields, and the response
// is only for requests that have these as the first one had. Two spellings match
// where the RFC says that they mean the same: "gzip, br" and "BR,gzip;q=1.0" do as
// an Accept-Encoding, but not as a field that nobody here knows.
//
// # How long (§4.2: control.go, targeted.go, freshness.go)
//
//	lifetime = s-maxage, or else max-age, or else Expires - Date,
//	           or else what the Site says, or else a tenth of Date - Last-Modified
//	age      = the greater of (Date until it came) and (Age field + the time it took to come)
//	           + the time since then
//	fresh    = lifetime > age
//
// Date, Age and the time of travel are in it because the response may have lain in
// other caches before, whose time counts as well. Of two values the first counts;
// one that makes no sense is 0 seconds; one too large to count is 68 years. An
// origin may have other words for a cache that works on its behalf, in
// CDN-Cache-Control (RFC 9213); that is parsed strictly, and then Cache-Control
// and Expires count for nothing here.
//
// The client has a say, too (§5.2.1): max-age, min-fresh and no-cache ask for
// something fresher than what would do, max-stale accepts less, and
// only-if-cached asks for what is here or 504.
//
// # Validation (§4.3: validate.go, freshen.go)
//
// An entity tag, or the date of the last change, names one state of a resource. A
// stale entry is validated by sending them: If-None-Match and If-Modified-Since.
// A 304 then makes the entry fresh, and its fields replace those of the entry
// (§3.2), but for Content-Length. Which entry a 304 is about is said by its own
// validator: a strong one means all entries that have it, a weak one the latest,
// and with another one than any entry has nothing may be updated. A HEAD's 200 can
// freshen or refute an entry likewise (§4.3.5).
//
// Where no variant fits a request, the tags of all of them are offered: the origin
// can then name the one that is right without sending it again. But for those made for
// another Accept-Encoding: origins that compress take one tag for the other.
//
// A client that has a copy of its own sends such conditions itself, and is
// answered 304 from what is stored (answer.go). If-Match and If-Unmodified-Since
// are for the origin, and go there.
//
// # Stale responses (§4.2.4, RFC 5861: lookup.go, stale.go)
//
// A stale response is used only where someone permits it: the client by max-stale,
// the origin by stale-while-revalidate (answer now, validate behind) and
// stale-if-error, or the Site. must-revalidate, proxy-revalidate, s-maxage and
// no-cache forbid it to all of them.
//
// # Invalidation (§4.4: invalidate.go)
//
// Whoever changes a resource does it by PUT, POST, DELETE or another method that
// is not safe. When that succeeds, what is stored under its URI is void, and under
// those in Location and Content-Location, if they are of the same origin.
//
// # Parts (§3.3, §3.4, RFC 9110 §14: range.go, combine.go, multipart.go)
//
// A whole response answers requests for any of its bytes, one range or several. A
// part is stored as what it is, an incomplete response, and answers for the bytes
// that it has. Parts are put together where a strong validator proves that they
// are of one representation; of what broke off only the rest is asked for. So the
// proxy answers partly by itself.
//
// # How an exchange uses it
//
//	q.Read(policy)                              // once a request; q is reused
//	key := q.AppendKey(dst)
//	variants := store.Get(key)                  // entries of that key
//	d := Lookup(q, variants, policy, now)
//	switch d.Outcome {
//	case Hit, HitStale:                         // HitStale: then d.Background(), forwarded
//		a.From(d.Entry, q, policy, now)     // 200, 206, 304 or 416
//		a.AppendFields(dst)                 // and the bytes of a.Spans, if a.Body(q)
//	case Timeout:                               // 504
//	default:                                    // forwarded
//		d.AppendConditions(dst, q, variants) // in place of the fields d.Replaced()
//	}
//
// and when the response has come, or failed:
//
//	d.OnFailure(q, policy, now, status)         // may answer in its stead
//	if Invalidates(q, status) { Invalidated(q, fields, store.Remove) }
//	t := d.Take(q, response, variants, policy, requested, received)
//	store.Update(key, t.Updates)                // t.Retry: forward again, with d.Again() and store.Get(key)
//	                                            // t.Answer: the client gets that
//	                                            // t.Fill: content is stored under it, from t.At.First on
//
// and at the end of the content, Entry.Sized or Entry.Cut where its length was not
// known, or not reached. [Handled] writes Cache-Status (RFC 9211) for each case.
// A decision about a hit allocates nothing.
//
// A store keeps for each key a list of entries, and the bytes of each. It compares
// keys as a whole, and replaces the list, not the entries, so that a reader needs
// no lock. [Entry.AppendRecord] writes an entry as one run of bytes, which
// [Entry.ReadRecord] reads without allocating, and [RestoreRecord] by the Policy of
// the day. Package store does all of that. Following requests may read the bytes of
// an entry while they come: what [New] returns is known before the first of them.
//
// # Who owns which bytes
//
// A [Request] and a [Response] point into the buffers of connections, as
// everything in package message does. An [Entry] has its own bytes and is never
// changed. A [Decision] and an [Answer] point into entries and live as long.
//
// # For people (standing.go, tally.go)
//
// [Entry.Standing] tells how an entry stands and what says so. Each request has a
// [Fate], hit, miss and so on, and a [Tally] counts them: the exchange says it
// once, when it knows how it answered; whoever asks adds up.
//
// # What a hit costs
//
// CPU time of the proxy for each hit, in µs, as a median of three rounds of a second
// (make bench BENCH="--cases=hit --runs=3 --seconds=1"), and ours divided by theirs
// within a round, with the smallest and largest. Two cores of an AMD EPYC that others
// used as well (load average 3 to 12), Linux 6.18, Go 1.26.8; nginx 1.22.1,
// HAProxy 2.6.12, Varnish 7.1.1, Apache 2.4.71.
//
//	               1 KB, memory              100 KB, memory            10 MB, disk
//	proxyd         14.0                      36.6                      1112
//	nginx          15.1  0.89 (0.65–1.09)    46.0  1.04 (0.80–1.12)    1201  0.85 (0.79–1.12)
//	HAProxy        17.0  0.83 (0.78–1.01)    56.8  0.70 (0.64–0.76)    memory only
//	Varnish        30.1  0.50 (0.33–0.51)    57.5  0.64 (0.62–0.75)    2033  0.55 (0.54–0.61)
//	mod_cache_disk 90.0  0.16 (0.13–0.25)     107  0.45 (0.32–0.46)    1469  0.78 (0.76–0.83)
//	…_socache      65.2  0.21 (0.21–0.27)    92.5  0.52 (0.38–0.53)    memory only
//	wanted               0.7 of the best           0.8 of the best           1.0 of nginx
//
// 10 MB are within what is wanted; 1 KB and 100 KB are not. Of 1 KB some 70 %
// are two calls to the kernel, one receive and one send, which no peer does without,
// and these alone are about 0.7 of nginx. Of 100 KB a fifth is the copy of the
// body to the socket, which sendfile from a file in memory spares nginx.
//
// # The table
//
// testdata/rules.txt has each rule with its section, how binding it is, and what
// tests it: dialogues of a client, the cache and an origin, which stand beside it.
// Besides them, random runs are compared with a slow cache written straight from
// the RFC (oracle_test.go).
package cache
